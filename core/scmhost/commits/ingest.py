"""Take in commits; a repository unknown so far appears unclaimed."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from scmhost.infra.db.engine import Transaction
from scmhost.infra.errors import InvalidInput
from scmhost.repositories.manage import checked_name
from scmhost.sdk import Organization, Repository
from scmhost.services import Services

from . import bulk_queries, queries
from .find_repository import Clues, Home, find_named, home_of, stand_in_note
from .payload import CommitList, newest_first, read_commits
from .values import ListedCommit, SavedCommits


@dataclass(frozen=True, slots=True)
class Ingested:
    """What became of the commits of one repository."""

    repository: Repository
    drafts: Sequence[ListedCommit]
    saved: SavedCommits
    head: str
    stand_in: bool = False


def ingest_commits(
    services: Services, organization: Organization, entries: Sequence[Mapping[str, Any]]
) -> tuple[list[Ingested], tuple[str, ...]]:
    """Save commits in one transaction. Sent twice, they change nothing. The notes say what was kept otherwise.

    Raises:
        InvalidInput: an entry cannot be taken, or there are more than ``limits.commits_per_request``.
    """
    listed = read_limited(services, entries)
    with services.telemetry.act("ingest"), services.store.write() as tx:
        done = save_commits(tx, services, organization, listed)
    announce(services, organization, done)
    return done, (*listed.notes, *home_notes(organization, done))


def missing_commits(
    services: Services, organization: Organization, repository_name: str, shas: Sequence[str]
) -> list[str]:
    """Those of the shas that the repository does not have yet, in the order given."""
    with services.store.read() as tx:
        repository = find_named(tx, organization, repository_name)
        known = bulk_queries.ids_of(tx, organization.id, repository.id, shas) if repository else {}
    return [sha for sha in shas if sha not in known]


def read_limited(services: Services, entries: Sequence[Mapping[str, Any]]) -> CommitList:
    """The commits of a payload, if they are not too many."""
    most = services.limits.commits_per_request
    if len(entries) > most:
        raise InvalidInput(f"{len(entries)} commits in one request; at most {most} (limits.commits_per_request).")
    return read_commits(entries, services.limits)


def save_commits(
    tx: Transaction,
    services: Services,
    organization: Organization,
    listed: CommitList,
    project_ids: Collection[int] = (),
) -> list[Ingested]:
    """Save what a payload lists, repository by repository. The projects help to tell which repository is meant."""
    now = services.clock.now()
    found = _homes(tx, organization, listed, project_ids, now)
    homes: dict[int, Home] = {}
    drafts: dict[int, tuple[ListedCommit, ...]] = {}
    heads: dict[int, str] = {}
    for name, told in listed.by_repository.items():
        home = found[name]
        homes[home.repository.id] = home
        drafts[home.repository.id] = newest_first((*drafts.get(home.repository.id, ()), *told))
        heads.setdefault(home.repository.id, listed.heads[name])
    # Authors, then repositories by id: senders of the same commits never wait for each other in a circle.
    queries.ensure_authors(
        tx, organization.id, [draft for told in drafts.values() for draft in told] if len(drafts) > 1 else []
    )
    saved = {id_: bulk_queries.save(tx, organization.id, id_, drafts[id_], now) for id_ in sorted(drafts)}
    return [
        Ingested(home.repository, drafts[id_], saved[id_], heads[id_], home.stand_in) for id_, home in homes.items()
    ]


def _homes(
    tx: Transaction, organization: Organization, listed: CommitList, project_ids: Collection[int], now: datetime
) -> dict[str | None, Home]:
    """The repository of each name, found or made in the order of the names, in which everyone makes them."""
    homes = {}
    for name in sorted(listed.by_repository, key=lambda name: (name or "").casefold()):
        clues = Clues(project_ids, [draft.sha for draft in listed.by_repository[name]])
        homes[name] = home_of(tx, organization, _name(organization, name), clues, now)
    return homes


def home_notes(organization: Organization, done: Sequence[Ingested]) -> tuple[str, ...]:
    """What the sender is told of commits whose repository nobody can tell."""
    return tuple(stand_in_note(organization, item.repository) for item in done if item.stand_in)


def announce(services: Services, organization: Organization, done: Sequence[Ingested]) -> None:
    """Tell the plugins that listen, and whoever counts, once the transaction is over."""
    services.telemetry.count(
        "commits",
        {
            "new": sum(len(item.saved.new) for item in done),
            "known": sum(item.saved.known for item in done),
        },
    )
    for item in done:
        if item.saved.new:
            services.plugins.notify(
                "scm_commits_saved", organization=organization, repository=item.repository, shas=item.saved.new
            )


def _name(organization: Organization, name: str | None) -> str:
    """Commits without a repository are kept under a name of the organization's, as Sentry does."""
    return checked_name(name) if name else f"organization-{organization.id}"
