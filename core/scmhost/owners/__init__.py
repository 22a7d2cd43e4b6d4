"""The owners of files: CODEOWNERS in the dialects of GitHub, GitLab, Bitbucket, Gitea and Forgejo.

These are rules: no I/O. The caller reads the file.
"""

from .codeowners import OWN_PLACES, PLACES, CodeOwners, dialect_of
from .gitea import OwnersNotSupported
from .values import Answer, OwnersDialect, Ownership, OwnersRule, OwnersSection, SyntaxProblem

__all__ = (
    "OWN_PLACES",
    "PLACES",
    "Answer",
    "CodeOwners",
    "OwnersDialect",
    "OwnersNotSupported",
    "OwnersRule",
    "OwnersSection",
    "Ownership",
    "SyntaxProblem",
    "dialect_of",
)
