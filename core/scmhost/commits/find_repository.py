"""Find the repository that commits belong to, by the name that they carry and what is known besides."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from scmhost.infra.db.engine import Transaction
from scmhost.repositories import queries as repository_queries
from scmhost.repositories.manage import path_of
from scmhost.sdk import Organization, Repository, RepositoryStatus

from . import queries

REMOTES: Final = ("origin", "upstream")
"""Names of git remotes: commits whose repository nobody can tell are kept under them."""

_MANY: Final = 1_000
_ENDS: Final = 10


@dataclass(frozen=True, slots=True)
class Home:
    """The repository of commits. In a stand-in there may be commits of several repositories."""

    repository: Repository
    stand_in: bool = False


@dataclass(frozen=True, slots=True)
class Clues:
    """What is known of commits besides the name of their repository."""

    project_ids: Collection[int] = ()
    shas: Sequence[str] = ()


def home_of(tx: Transaction, organization: Organization, name: str, clues: Clues, now: datetime) -> Home:
    """The repository that a name means; a new one, unclaimed, if there is none."""
    known = find_named(tx, organization, name)
    if name.casefold() not in REMOTES or (known and not is_stand_in(known)):
        return Home(known or _new(tx, organization, name, now))
    found = only_home(tx, organization, clues)
    return Home(found) if found else Home(known or _new(tx, organization, name, now), stand_in=True)


def find_named(tx: Transaction, organization: Organization, name: str) -> Repository | None:
    """Return the repository of this name in whatever case, else the only one whose URL has it as its path."""
    return find_repositories_named(tx, organization, [name])[name]


def find_repositories_named(
    tx: Transaction, organization: Organization, names: Collection[str]
) -> dict[str, Repository | None]:
    """Find the repository of each name, as ``find_named`` does, in a number of statements that names do not raise.

    Returns:
        An entry for each name as it was given; None where no repository, or more than one, can be meant.
    """
    by_name = repository_queries.by_names(tx, organization.id, names)
    unknown = {key for name in names if (key := name.casefold()) not in by_name}
    by_path: dict[str, list[Repository]] = {}
    if unknown:
        last_segments = {key.rpartition("/")[2] for key in unknown}
        for repository in repository_queries.with_url_name(tx, organization.id, last_segments):
            by_path.setdefault(path_of(repository.url or ""), []).append(repository)
    only_at_path = {path: found[0] for path, found in by_path.items() if len(found) == 1}
    return {name: by_name.get(name.casefold()) or only_at_path.get(name.casefold()) for name in names}


def only_home(tx: Transaction, organization: Organization, clues: Clues) -> Repository | None:
    """The one repository that a checkout can be of, or None when it may be one of several.

    What tells, in this order: a repository has one of the commits already; the projects' code mappings lead to it;
    the organization has no other.
    """
    mapped = queries.mapped_repository_ids(tx, organization.id, clues.project_ids)
    left = repository_queries.get_many(tx, organization.id, _candidates(tx, organization, mapped))
    active = [row.id for row in left.values() if row.status is RepositoryStatus.ACTIVE and not is_stand_in(row)]
    for told in (queries.holders(tx, organization.id, active, _ends(clues.shas)), mapped):
        active = [id_ for id_ in active if id_ in told] or active
    return left[active[0]] if len(active) == 1 else None


def is_stand_in(repository: Repository) -> bool:
    """Whether a repository is there only because nobody could tell where its commits belong."""
    return repository.name.casefold() in REMOTES and repository.unclaimed and repository.url is None


def stand_in_note(organization: Organization, repository: Repository) -> str:
    """What the sender of commits without a home is told."""
    return (
        f"The commits name their repository {repository.name!r}, a git remote, and organization {organization.slug!r} "
        f"has not exactly one repository that this can be: they are kept in a repository of that name. To set it "
        f"right, set SENTRY_VCS_REMOTE to the URL of the remote, or map the project's code to its repository; "
        f"what is kept already can be renamed with PUT .../repos/{repository.id}/."
    )


def _candidates(tx: Transaction, organization: Organization, mapped: set[int]) -> Collection[int]:
    """All active repositories; where they are too many to look through, those that the projects are mapped to."""
    active = repository_queries.active_ids(tx, organization.id, _MANY)
    return active if len(active) < _MANY else mapped


def _ends(shas: Sequence[str]) -> Sequence[str]:
    """The newest and the oldest: of a history that goes on, the oldest may be known."""
    return [*shas[:_ENDS], *shas[-_ENDS:]]


def _new(tx: Transaction, organization: Organization, name: str, now: datetime) -> Repository:
    return repository_queries.ensure(tx, organization.id, [name], now)[name.casefold()]
