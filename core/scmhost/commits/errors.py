"""What is wrong with a payload, in the words of the field that it is about.

InvalidInput             fix the request
├── InvalidCommits       an entry of ``commits`` cannot be taken
└── InvalidRefs          an entry of ``refs`` cannot be taken
"""

from scmhost.infra.errors import InvalidInput


class InvalidCommits(InvalidInput):
    """An entry of ``commits`` cannot be taken; the message names it."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "commits")


class InvalidRefs(InvalidInput):
    """An entry of ``refs`` cannot be taken."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "refs")
