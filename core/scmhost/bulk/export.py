"""Write the snapshot of an organization."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from typing import IO, Any, Final

from scmhost.infra.db.engine import Transaction
from scmhost.installations import queries as installation_queries
from scmhost.links.host_questions import ProviderQuestions
from scmhost.links.values import choose_ref
from scmhost.plugins import PluginFault, ProviderCalls
from scmhost.repositories import file_queries
from scmhost.repositories import queries as repository_queries
from scmhost.sdk import (
    Installation,
    Organization,
    ProviderError,
    ProviderForbidden,
    Reason,
    Repository,
    RepositoryStatus,
    UrlTemplates,
)
from scmhost.services import Services

from . import queries
from .snapshot import HookedRepository, SnapshotHeader, SnapshotRepository, SnapshotWriter

_LINE: Final = 5_000


@dataclass(frozen=True, slots=True)
class _MappedRepository:
    """A repository that mappings lead to, with its installation."""

    repository: Repository
    installation: Installation | None


def export_links(
    services: Services, organization: Organization, out: IO[bytes], *, with_files: bool = True
) -> SnapshotHeader:
    """Write what the links of an organization need. Nothing is written before all of it was read.

    The database is read in one transaction. Then the plugins give the templates of each repository, and, where a
    mapping names no branch, the default branch on the code host.
    """
    with SnapshotWriter() as writer:
        with services.store.read() as tx:
            branchless = _write_mappings(tx, writer, organization.id)
            mapped = _mapped_repositories(tx, organization.id)
            for rows in queries.heads(tx, organization.id):
                writer.add("releases", [list(row) for row in rows])
            if with_files:
                for id_ in mapped:
                    _write_files(tx, writer, organization.id, id_)
        exporter = _RepositoryExporter(services, organization, writer)
        for id_, item in mapped.items():
            writer.add_repository(exporter.row(item, asks_branch=id_ in branchless))
        return writer.finish(out, organization.slug, services.clock.now().isoformat(), with_files=with_files)


def _write_mappings(tx: Transaction, writer: SnapshotWriter, organization_id: int) -> set[int]:
    """Write projects and mappings. Return the repositories of mappings that name no branch to link to."""
    branchless: set[int] = set()
    projects = [project for rows in queries.projects(tx, organization_id) for project in rows]
    for project_id, slug in projects:
        writer.add("project", project_id, slug)
        for rows in queries.mappings(tx, organization_id, project_id):
            branchless.update(row.repository_id for row in rows if choose_ref(None, None, row.default_branch) is None)
            writer.add("mappings", project_id, [list(row) for row in rows])
    return branchless


def _mapped_repositories(tx: Transaction, organization_id: int) -> dict[int, _MappedRepository]:
    ids = queries.repository_ids(tx, organization_id)
    repositories = repository_queries.get_many(tx, organization_id, ids)
    owners = {row.installation_id for row in repositories.values() if row.installation_id is not None}
    installations = installation_queries.get_many(tx, organization_id, owners)
    return {
        id_: _MappedRepository(
            row, stored.installation if (stored := installations.get(row.installation_id or 0)) else None
        )
        for id_, row in repositories.items()
    }


def _write_files(tx: Transaction, writer: SnapshotWriter, organization_id: int, repository_id: int) -> None:
    """Write the commits of a repository in their order, and its files."""
    positions: dict[int, int] = {}
    for rows in queries.commits(tx, organization_id, repository_id):
        for row in rows:
            positions[row.id] = len(positions)
        writer.add("commits", repository_id, [row.sha for row in rows])
    newest = _unindexed_files(tx, organization_id, repository_id, positions)
    for rows in queries.files(tx, organization_id, repository_id):
        indexed = [(path, (positions[commit_id], int(deleted))) for path, commit_id, deleted in rows]
        files = [(path, max(state, newest.pop(path, state))) for path, state in indexed]
        writer.add("files", repository_id, [(path, *state) for path, state in files])
    left = [(path, *state) for path, state in newest.items()]
    for start in range(0, len(left), _LINE):
        writer.add("files", repository_id, left[start : start + _LINE])


def _unindexed_files(
    tx: Transaction, organization_id: int, repository_id: int, positions: Mapping[int, int]
) -> dict[str, tuple[int, int]]:
    """Return the states of files in commits that came in a short time ago, and are not in the index yet."""
    jobs = file_queries.pending_jobs(tx, organization_id, repository_id)
    ranges = [(int(str(job.payload["first"])), int(str(job.payload["last"]))) for job in jobs]
    rows = chain.from_iterable(
        batch for ids in ranges for batch in queries.changes(tx, organization_id, repository_id, *ids)
    )
    newest: dict[str, tuple[int, int]] = {}
    for path, commit_id, deleted in rows:
        state = (positions[commit_id], int(deleted))
        newest[path] = max(state, newest.get(path, state))
    return newest


class _RepositoryExporter:
    """Asks plugins how they build the links of repositories."""

    def __init__(self, services: Services, organization: Organization, writer: SnapshotWriter) -> None:
        self._plugins = services.plugins
        self._organization = organization
        self._questions = ProviderQuestions(services)
        self._writer = writer
        # Hosts have few templates, and thousands of repositories.
        self._numbers: dict[str, int] = {}

    def row(self, mapped: _MappedRepository, *, asks_branch: bool) -> SnapshotRepository:
        """Return a repository as the snapshot has it."""
        repository, installation = mapped.repository, mapped.installation
        if repository.status is not RepositoryStatus.ACTIVE:
            return SnapshotRepository(repository.id, refused=Reason.REPOSITORY_INACTIVE)
        if installation is None:
            return SnapshotRepository(repository.id, refused=Reason.INSTALLATION_NOT_FOUND)
        calls = self._plugins.calls(installation.provider)
        if calls is None or not self._plugins.decide(installation.provider, self._organization).on:
            return SnapshotRepository(repository.id, refused=Reason.PROVIDER_OFF)
        fields = self._pages(calls, installation, repository)
        if asks_branch:
            fields |= self._branch(calls, installation, repository)
        return SnapshotRepository(repository.id, **fields)

    def _branch(self, calls: ProviderCalls, installation: Installation, repository: Repository) -> dict[str, Any]:
        try:
            branch = self._questions.default_branch(calls, installation, repository)
        except ProviderForbidden:
            return {"branch_refused": Reason.FORBIDDEN}
        return {"branch": (branch.ref, branch.kind)} if branch else {}

    def _pages(self, calls: ProviderCalls, installation: Installation, repository: Repository) -> dict[str, Any]:
        try:
            templates = calls.url_templates(installation, repository)
            if templates is not None:
                return {"templates": self._number(templates), "url": templates.repo_url}
            usable = calls.usable_installation(installation)
        except ProviderForbidden:
            return {"pages_refused": Reason.FORBIDDEN}
        except (PluginFault, ProviderError):
            return {"pages_refused": Reason.PROVIDER_FAILED}
        hooked = HookedRepository(
            self._organization.model_dump(mode="json"),
            # Secrets are for hooks that call the code host, which are not called here.
            usable.model_dump(mode="json", exclude={"secrets", "metadata"}),
            repository.model_dump(mode="json"),
        )
        return {"hooked": hooked}

    def _number(self, templates: UrlTemplates) -> int:
        pages = templates.pages.model_dump(mode="json")
        key = json.dumps(pages, sort_keys=True)
        if key not in self._numbers:
            self._numbers[key] = len(self._numbers)
            self._writer.add("templates", self._numbers[key], pages)
        return self._numbers[key]
