"""Show releases with their authors, their last commit and their deploys."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from scmhost.sdk import Organization
from scmhost.store import authors, commits, deploys
from scmhost.store.engine import Transaction
from scmhost.store.values import Author, Deploys, Release, StoredCommit

from .services import Services
from .show_commits import Beside, ShownCommit, look_beside, show_commits


@dataclass(frozen=True, slots=True)
class ShownRelease:
    """A release with what is shown beside it."""

    release: Release
    authors: Sequence[Author]
    last_commit: ShownCommit | None
    deploys: Deploys | None
    notes: tuple[str, ...] = ()

    def noting(self, notes: Sequence[str]) -> "ShownRelease":
        """The same with more to be said of it."""
        return replace(self, notes=(*self.notes, *notes))


@dataclass(frozen=True, slots=True)
class Found:
    """Releases as stored, with what is shown beside them, by release."""

    rows: Sequence[Release]
    authors: Mapping[int, Author]
    last: Mapping[int, StoredCommit]
    beside: Beside
    deploys: Mapping[int, Deploys]


def look_up(
    tx: Transaction,
    organization: Organization,
    rows: Sequence[Release],
    last: Mapping[int, StoredCommit] | None = None,
) -> Found:
    """Read what is shown beside releases. ``last`` are their last commits, where these are not their own."""
    if last is None:
        known = commits.get_many(tx, organization.id, {row.last_commit_id for row in rows if row.last_commit_id})
        last = {row.id: known[row.last_commit_id] for row in rows if row.last_commit_id in known}
    people = authors.get_many(tx, organization.id, {author for row in rows for author in row.author_ids})
    deployed = deploys.of_releases(tx, organization.id, [row.id for row in rows])
    return Found(rows, people, last, look_beside(tx, organization, list(last.values())), deployed)


def show(services: Services, organization: Organization, found: Found) -> list[ShownRelease]:
    """Releases with all that is shown beside them. Plugins are asked here, so let no transaction be open."""
    shown = show_commits(services, organization, list(found.last.values()), found.beside)
    last = dict(zip(found.last, shown, strict=True))
    return [
        ShownRelease(
            row,
            [found.authors[author] for author in row.author_ids if author in found.authors],
            last.get(row.id),
            found.deploys.get(row.id),
        )
        for row in found.rows
    ]
