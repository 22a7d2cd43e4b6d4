"""Take in commits; a repository unknown so far appears unclaimed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scmhost.commits import CommitList, read_commits
from scmhost.kernel.errors import InvalidInput
from scmhost.sdk import CommitDraft, Organization, Repository
from scmhost.store import commits, repositories
from scmhost.store.engine import Transaction
from scmhost.store.values import SavedCommits

from .repositories import checked_name
from .services import Services


@dataclass(frozen=True, slots=True)
class Ingested:
    """What became of the commits of one repository."""

    repository: Repository
    drafts: Sequence[CommitDraft]
    saved: SavedCommits


def ingest_commits(
    services: Services, organization: Organization, entries: Sequence[Mapping[str, Any]]
) -> tuple[list[Ingested], tuple[str, ...]]:
    """Save commits in one transaction. Sent twice, they change nothing. The notes say what was kept otherwise.

    Raises:
        InvalidInput: an entry cannot be taken, or there are more than ``limits.commits_per_request``.
    """
    listed = read_limited(services, entries)
    with services.store.write() as tx:
        done = save_commits(tx, services, organization, listed)
    announce(services, organization, done)
    return done, listed.notes


def missing_commits(
    services: Services, organization: Organization, repository_name: str, shas: Sequence[str]
) -> list[str]:
    """Those of the shas that the repository does not have yet, in the order given."""
    with services.store.read() as tx:
        repository = repositories.by_name(tx, organization.id, repository_name)
        known = commits.ids_of(tx, organization.id, repository.id, shas) if repository else {}
    return [sha for sha in shas if sha not in known]


def read_limited(services: Services, entries: Sequence[Mapping[str, Any]]) -> CommitList:
    """The commits of a payload, if they are not too many."""
    most = services.limits.commits_per_request
    if len(entries) > most:
        raise InvalidInput(f"{len(entries)} commits in one request; at most {most} (limits.commits_per_request).")
    return read_commits(entries)


def save_commits(tx: Transaction, services: Services, organization: Organization, listed: CommitList) -> list[Ingested]:
    """Save what a payload lists, repository by repository."""
    names = {_name(organization, name): drafts for name, drafts in listed.by_repository.items()}
    now = services.clock.now()
    known = repositories.ensure(tx, organization.id, names, now)
    return [
        Ingested(repository, drafts, commits.save(tx, organization.id, repository.id, drafts, now))
        for repository, drafts in ((known[name.casefold()], drafts) for name, drafts in names.items())
    ]


def announce(services: Services, organization: Organization, done: Sequence[Ingested]) -> None:
    """Tell the plugins that listen, once the transaction is over."""
    for item in done:
        if item.saved.new:
            services.plugins.tell(
                "scm_commits_saved", organization=organization, repository=item.repository, shas=item.saved.new
            )


def _name(organization: Organization, name: str | None) -> str:
    """Commits without a repository are kept under a name of the organization's, as Sentry does."""
    return checked_name(name) if name else f"organization-{organization.id}"
