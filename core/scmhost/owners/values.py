"""The values of CODEOWNERS files: dialects, sections, rules, syntax problems and ownerships."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class OwnersDialect(StrEnum):
    """The code host whose rules a CODEOWNERS file follows."""

    GITHUB = "github"
    GITLAB = "gitlab"
    BITBUCKET = "bitbucket"
    GITEA = "gitea"
    FORGEJO = "forgejo"


class SyntaxProblem(NamedTuple):
    """A line that the code host skips, or understands otherwise than its author may expect."""

    line: int
    message: str


@dataclass(frozen=True, slots=True)
class OwnersSection:
    """A section of GitLab.

    Attributes:
        name: as its first heading spells it.
        optional: whether an approval of its owners is optional.
        approvals: how many approvals are required; 0 if the heading has no number.
        default_owners: the owners of rules that name none.
    """

    name: str
    optional: bool = False
    approvals: int = 0
    default_owners: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OwnersRule:
    """A pattern and its owners.

    Attributes:
        pattern: as it is written.
        owners: users, groups, roles and e-mail addresses as they are written; none clears the owners of earlier rules.
        line: its line, from 1.
        section: the section of GitLab; None before the first heading, and in other dialects.
        excludes: whether files that match have no owner in this section.
    """

    pattern: str
    owners: tuple[str, ...]
    line: int
    section: OwnersSection | None = None
    excludes: bool = False


class Ownership(NamedTuple):
    """The owners of a file.

    Attributes:
        owners: as the file names them; none if no rule matches, or if the matching rule names none.
        line: the line of the rule; None if no rule matches.
        section: the name of the section of GitLab.
    """

    owners: tuple[str, ...]
    line: int | None
    section: str | None


Answer = tuple[Ownership, ...]
"""The ownerships of a file: one, or in GitLab one for each section that has any."""

NO_OWNER: Answer = (Ownership((), None, None),)
