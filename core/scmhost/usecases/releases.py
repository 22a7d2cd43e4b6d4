"""Create, change and show releases with their commits and refs."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from scmhost.commits import read_range
from scmhost.kernel.errors import InvalidInput
from scmhost.kernel.paging import Page, PageRequest
from scmhost.sdk import Organization
from scmhost.store import authors, commits, projects, releases, repositories
from scmhost.store.engine import Transaction
from scmhost.store.values import Author, Release, ReleaseDraft, StoredCommit

from .find_release import require_release
from .ingest_commits import Ingested, announce, read_limited, save_commits
from .services import Services
from .show_commits import Beside, ShownCommit, look_beside, show_commits

MAX_VERSION: Final = 200
_BAD_VERSION: Final = re.compile(r"[\r\n\f\t\x00/\\]")


@dataclass(frozen=True, slots=True)
class RefDraft:
    """A repository at a commit, or over a range ``a..b``, as clients send it."""

    repository: str
    commit: str
    previous: str | None = None


@dataclass(frozen=True, slots=True)
class ReleaseRequest:
    """What a caller sends about a release. None leaves what is there; an empty list of refs clears the commits."""

    draft: ReleaseDraft
    projects: Sequence[str] = ()
    commits: Sequence[Mapping[str, Any]] | None = None
    refs: Sequence[RefDraft] | None = None


@dataclass(frozen=True, slots=True)
class SavedRelease:
    """What saving did."""

    created: bool
    attached: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ShownRelease:
    """A release with what is shown beside it."""

    release: Release
    authors: Sequence[Author]
    last_commit: ShownCommit | None


def create_release(
    services: Services, organization: Organization, version: str, request: ReleaseRequest
) -> SavedRelease:
    """Create a release, or add projects and commits to the one that is there; all of it or nothing.

    Raises:
        InvalidInput: the version, a project, a commit or a ref is wrong.
    """
    check_version(version)
    listed = None if request.commits is None else read_limited(services, request.commits)
    with services.store.write() as tx:
        project_ids = _project_ids(tx, organization, request.projects)
        release, created = releases.upsert(tx, organization.id, version, request.draft, services.clock.now())
        attached = releases.attach_projects(tx, organization.id, release.id, project_ids)
        done = save_commits(tx, services, organization, listed) if listed else []
        _fill(tx, organization, release, done, request.refs or ())
    announce(services, organization, done)
    return SavedRelease(created, attached, listed.notes if listed else ())


def change_release(
    services: Services, organization: Organization, version: str, request: ReleaseRequest
) -> SavedRelease:
    """Change a release that is there. An empty list of refs takes its commits away; the commits themselves stay."""
    listed = None if request.commits is None else read_limited(services, request.commits)
    with services.store.write() as tx:
        release = require_release(tx, organization, version)
        releases.update(tx, organization.id, release.id, request.draft)
        if request.refs is not None and not request.refs:
            releases.clear_commits(tx, organization.id, release.id)
        done = save_commits(tx, services, organization, listed) if listed else []
        _fill(tx, organization, release, done, request.refs or ())
    announce(services, organization, done)
    return SavedRelease(created=False, attached=0, notes=listed.notes if listed else ())


def get_release(services: Services, organization: Organization, version: str) -> ShownRelease:
    """One release."""
    with services.store.read() as tx:
        found = _look(tx, organization, [require_release(tx, organization, version)])
    return _shown(services, organization, found)[0]


def list_releases(
    services: Services,
    organization: Organization,
    request: PageRequest,
    *,
    project_ids: Sequence[int] | None = None,
    query: str = "",
    status: str = "open",
) -> Page[ShownRelease]:
    """Releases, newest first."""
    with services.store.read() as tx:
        page = releases.page(tx, organization.id, request, project_ids=project_ids, query=query, status=status)
        found = _look(tx, organization, page.items)
    return page.showing(_shown(services, organization, found))


def delete_release(services: Services, organization: Organization, version: str) -> None:
    """Delete a release. Its commits stay."""
    with services.store.write() as tx:
        releases.delete(tx, organization.id, require_release(tx, organization, version).id)


def check_version(version: str) -> None:
    """A release's name may stand in a path and in a file name."""
    name = version.strip()
    if not name or len(version) > MAX_VERSION or name in (".", "..") or name.lower() == "latest":
        raise InvalidInput(f"Release with name {version[:60]!r} is not allowed", "version")
    if _BAD_VERSION.search(version):
        raise InvalidInput("A release's name has no slashes, tabs or line ends.", "version")


def _fill(
    tx: Transaction, organization: Organization, release: Release, done: Sequence[Ingested], refs: Sequence[RefDraft]
) -> None:
    """Give a release the saved commits, then the refs, which have the last word on a repository's commit."""
    _set_commits(tx, organization, release, done)
    _set_refs(tx, organization, release, refs)


def _set_commits(tx: Transaction, organization: Organization, release: Release, done: Sequence[Ingested]) -> None:
    """The new list of a repository replaces that repository's list only."""
    for item in done:
        shas = [draft.sha for draft in item.drafts]
        ids = commits.ids_of(tx, organization.id, item.repository.id, shas)
        releases.set_commits(tx, organization.id, release.id, item.repository.id, [ids[sha] for sha in shas])
        releases.set_head(tx, organization.id, release.id, item.repository.id, shas[0], None)


def _set_refs(tx: Transaction, organization: Organization, release: Release, refs: Sequence[RefDraft]) -> None:
    found = {ref.repository: repositories.by_name(tx, organization.id, ref.repository) for ref in refs}
    known = {name: repository for name, repository in found.items() if repository is not None}
    unknown = [name for name in found if name not in known]
    if unknown:
        raise InvalidInput(f"Invalid repository names: {','.join(unknown)}", "refs")
    for ref in refs:
        base, head = read_range(ref.commit)
        previous = base or ref.previous or None
        releases.set_head(tx, organization.id, release.id, known[ref.repository].id, head, previous)


def _project_ids(tx: Transaction, organization: Organization, names: Sequence[str]) -> list[int]:
    found = [projects.find(tx, organization.id, name) for name in names]
    if any(project is None for project in found):
        raise InvalidInput("Invalid project ids or slugs", "projects")
    return [project.id for project in found if project is not None]


@dataclass(frozen=True, slots=True)
class _Found:
    """Releases as stored, with what is shown beside them."""

    rows: Sequence[Release]
    authors: Mapping[int, Author]
    last: Mapping[int, StoredCommit]
    beside: Beside


def _look(tx: Transaction, organization: Organization, rows: Sequence[Release]) -> _Found:
    last = commits.get_many(tx, organization.id, {row.last_commit_id for row in rows if row.last_commit_id})
    people = authors.get_many(tx, organization.id, {author for row in rows for author in row.author_ids})
    return _Found(rows, people, last, look_beside(tx, organization, list(last.values())))


def _shown(services: Services, organization: Organization, found: _Found) -> list[ShownRelease]:
    shown = show_commits(services, organization, list(found.last.values()), found.beside)
    last = {item.commit.id: item for item in shown}
    return [
        ShownRelease(
            row,
            [found.authors[author] for author in row.author_ids if author in found.authors],
            last.get(row.last_commit_id or 0),
        )
        for row in found.rows
    ]
