"""A project with a claimed repository over an SQLite file, for tests of links and code mappings without HTTP."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import factories
from api import PLUGINS_TOML, ApiClient, open_api
from hosting import candidate, host_of
from scmhost.audit import queries as audit_queries
from scmhost.commits import bulk_queries
from scmhost.infra.clock import Clock, SystemClock
from scmhost.infra.db.engine import Store
from scmhost.infra.settings import Limits
from scmhost.installations import queries as installation_queries
from scmhost.links import queries as link_queries
from scmhost.links.resolve import ResolvedFrame, resolve_links
from scmhost.links.values import CodeMapping, FrameQuery, Link, LinkOptions, MappingDraft
from scmhost.mapping import FrameInfo
from scmhost.organizations import queries as organization_queries
from scmhost.organizations.queries import Project
from scmhost.releases import content_queries
from scmhost.releases import queries as release_queries
from scmhost.releases.values import ReleaseDraft
from scmhost.sdk import FileChange, InstallationDraft, Organization
from scmhost.services import Services

BASE = "https://git.example.com"

_numbers = count(1)


@dataclass(frozen=True)
class LinkProject:
    """Services, and a project of an organization with an installation and the claimed repository ``acme/web``."""

    services: Services
    organization: Organization
    installation: int
    repository: int
    project_id: int
    plugin: str

    @property
    def project(self) -> Project:
        """The project as it is stored now. Its version changes with its mappings."""
        with self.services.store.read() as tx:
            return organization_queries.get_projects(tx, self.organization.id, [self.project_id])[self.project_id]

    def draft(self, stack_root: str = "/srv/", source_root: str = "src/", **fields: Any) -> MappingDraft:
        """A code mapping to save, of this repository with branch ``main`` unless the fields differ."""
        known: dict[str, Any] = {
            "project_id": self.project_id,
            "repository_id": self.repository,
            "default_branch": "main",
        }
        return MappingDraft(stack_root=stack_root, source_root=source_root, **(known | fields))

    def add_mapping(self, stack_root: str = "/srv/", source_root: str = "src/", **fields: Any) -> CodeMapping:
        """Save a code mapping without the checks of the use case."""
        with self.services.store.write() as tx:
            draft = self.draft(stack_root, source_root, **fields)
            return link_queries.create(tx, self.organization.id, draft, factories.NOW)

    def mappings(self) -> list[CodeMapping]:
        """Return all code mappings of the project."""
        with self.services.store.read() as tx:
            return link_queries.for_project(tx, self.organization.id, self.project_id)

    def add_repository(self, name: str, **details: Any) -> int:
        """Create a repository of the installation."""
        owner = {"provider": self.plugin, "installation_id": self.installation, "external_id": name}
        url = f"{BASE}/{name}"
        return factories.new_repository(
            self.services.store, self.organization.id, name, **({"url": url} | owner | details)
        )

    def add_commit(self, *changes: str, repository: int | None = None) -> str:
        """Save a commit whose changes are written as type and path, and index its files. Return its sha."""
        number = next(_numbers)
        files = tuple(FileChange.model_validate({"type": change[0], "path": change[2:]}) for change in changes)
        draft = factories.draft(number, changes=files)
        repository = repository or self.repository
        with self.services.store.write() as tx:
            bulk_queries.save(tx, self.organization.id, repository, [draft], factories.NOW)
            factories.index_commits(tx, self.organization.id, repository, 0, 2**53 - 1)
        return draft.sha

    def add_release(self, version: str, sha: str) -> None:
        """Save a release at a commit of the repository."""
        with self.services.store.write() as tx:
            release, _ = release_queries.upsert(tx, self.organization.id, version, ReleaseDraft(), factories.NOW)
            content_queries.set_head(tx, self.organization.id, release.id, self.repository, sha, None)

    def audited(self) -> list[str]:
        """The actions in the audit log, the oldest first."""
        with self.services.store.read() as tx:
            page = audit_queries.page(tx, self.organization.id, factories.EVERYTHING, action=None, actor_id=None)
        return [entry.action for entry in page.items][::-1]

    def resolve(self, *paths: str, options: LinkOptions | None = None, **fields: Any) -> list[ResolvedFrame]:
        """Resolve frames with these file names."""
        frames = [FrameQuery(FrameInfo(filename=path), **fields) for path in paths]
        return resolve_links(self.services, self.organization, self.project, frames, options)

    def urls(self, *paths: str, options: LinkOptions | None = None, **fields: Any) -> list[str | None]:
        """Return the URLs of frames below the repositories' host; None where there is no link."""
        outcomes = [item.outcome for item in self.resolve(*paths, options=options, **fields)]
        return [outcome.url.removeprefix(f"{BASE}/") if isinstance(outcome, Link) else None for outcome in outcomes]


@contextmanager
def open_project(
    store: Store, *, plugin: str = "odd_text", clock: Clock | None = None, **limits: int
) -> Iterator[LinkProject]:
    """Open a project in an empty store, whose repositories belong to a test plugin."""
    organization_id = factories.new_organization(store)
    with host_of({plugin: f"plugins.{plugin}"}) as plugins:
        services = Services(store, plugins, clock or SystemClock(), Limits(**limits))
        with store.read() as tx:
            organization = next(iter(organization_queries.all_organizations(tx)))
        draft = InstallationDraft(name="forge", external_id="1")
        with store.write() as tx:
            stored = installation_queries.create(tx, organization_id, plugin, draft, factories.NOW)
        installation = stored.installation.id
        repository = factories.new_repository(
            store,
            organization_id,
            provider=plugin,
            installation_id=installation,
            external_id="r1",
            url=f"{BASE}/acme/web",
        )
        project = factories.new_project(store, organization_id)
        yield LinkProject(services, organization, installation, repository, project, plugin)


@contextmanager
def open_odd_text(folder: Path) -> Iterator[ApiClient]:
    """Open a whole scmhost with a claimed repository of the plugin ``odd_text``, and a mapping of ``/srv/app/``."""
    configuration = PLUGINS_TOML + "[plugins.odd_text]\nenabled = true\n"
    more = [candidate("odd_text", "plugins.odd_text")]
    with open_api(folder, configuration, more=more, background=False) as api:
        installation = api.post("integrations/", {"provider": "odd_text"}).json()
        identifier = api.repository()["id"]
        claim = {"provider": "odd_text", "installation": installation["id"], "identifier": identifier}
        assert api.mapping(api.post("repos/", claim).json(), installation).status_code == 201
        yield api
