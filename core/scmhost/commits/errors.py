"""Errors in a payload, each with the request's field that it is about.

InvalidInput             the client must change the request
├── InvalidCommits       an entry of ``commits`` cannot be accepted
└── InvalidRefs          an entry of ``refs`` cannot be accepted
"""

from scmhost.infra.errors import InvalidInput


class InvalidCommits(InvalidInput):
    """An entry of ``commits`` cannot be accepted; the message names it."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "commits")


class InvalidRefs(InvalidInput):
    """An entry of ``refs`` cannot be accepted."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "refs")
