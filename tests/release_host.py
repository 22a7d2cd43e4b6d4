"""A host for tests of releases: calls the use cases directly, without HTTP and without background work."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from api import PLUGINS_TOML, open_api
from hosting import candidate
from scmhost.infra.db import jobs
from scmhost.infra.db.jobs import QueuedJob
from scmhost.infra.paging import PageQuery
from scmhost.installations import queries as installation_queries
from scmhost.organizations.create import create_project
from scmhost.organizations.queries import Project
from scmhost.releases.fetch import FETCH_COMMITS
from scmhost.releases.manage import (
    RefDraft,
    ReleaseRequest,
    SavedRelease,
    change_release,
    create_release,
    get_release,
)
from scmhost.releases.show import CommitFilter, ReleaseView, commits_of_release
from scmhost.releases.values import ReleaseDraft
from scmhost.repositories import queries as repository_queries
from scmhost.sdk import InstallationDraft, Organization, Repository
from scmhost.services import Services


@dataclass(frozen=True)
class ReleaseHost:
    """An organization ``acme`` with a project ``web``."""

    services: Services
    organization: Organization
    project: Project

    def add_project(self, slug: str) -> Project:
        return create_project(self.services, self.organization, slug)[0]

    def install(self, provider: str) -> int:
        """Return the id of a new installation of a provider."""
        with self.services.store.write() as tx:
            draft = InstallationDraft(name=provider, external_id="1")
            now = self.services.clock.now()
            return installation_queries.create(tx, self.organization.id, provider, draft, now).installation.id

    def add_repository(
        self, name: str, provider: str | None = None, installation_id: int | None = None, url: str | None = None
    ) -> Repository:
        """Return a new repository. Without an installation it is unclaimed."""
        external_id = name if provider else None
        with self.services.store.write() as tx:
            return repository_queries.create(
                tx,
                self.organization.id,
                name,
                self.services.clock.now(),
                url=url,
                provider=provider,
                installation_id=installation_id,
                external_id=external_id,
            )

    def create(self, version: str = "1.0", projects: Sequence[str] = ("web",), **body: Any) -> SavedRelease:
        return create_release(self.services, self.organization, version, request(projects, **body))

    def change(self, version: str = "1.0", project: Project | None = None, **body: Any) -> SavedRelease:
        return change_release(self.services, self.organization, version, request(**body), project)

    def get(self, version: str = "1.0", project: Project | None = None) -> ReleaseView:
        return get_release(self.services, self.organization, version, project)

    def shas(self, version: str = "1.0", only: CommitFilter | None = None) -> list[str]:
        """Return the commits of a release, newest first."""
        page = commits_of_release(self.services, self.organization, version, PageQuery(), only or CommitFilter())
        return [item.commit.sha for item in page.items]

    def refs(self, version: str = "1.0") -> list[tuple[str, str, str | None]]:
        """Return the name, the sha and the previous sha of each head."""
        return [(ref.repository.name, ref.head.sha, ref.head.previous_sha) for ref in self.get(version).refs]

    def fetches(self) -> Sequence[QueuedJob]:
        """Return the scheduled fetches."""
        with self.services.store.read() as tx:
            return jobs.with_key_prefix(tx, self.organization.id, FETCH_COMMITS, "")


def request(
    projects: Sequence[str] = (),
    commits: Sequence[Mapping[str, Any]] | None = None,
    refs: Sequence[RefDraft] | None = None,
    **fields: Any,
) -> ReleaseRequest:
    """Return the body of a request. Other fields are those of the draft."""
    return ReleaseRequest(ReleaseDraft(**fields), projects, commits, refs)


@contextmanager
def open_release_host(folder: Path, database_url: str, plugins: Mapping[str, str]) -> Iterator[ReleaseHost]:
    """Open a host with plugins, by name and entry point, that are enabled for all organizations."""
    configuration = PLUGINS_TOML + "".join(f"[plugins.{name}]\nenabled = true\ndefault = true\n" for name in plugins)
    more = [candidate(name, value) for name, value in plugins.items()]
    with open_api(folder, configuration, database_url, more=more, background=False) as opened:
        yield ReleaseHost(opened.services, opened.there.organization, opened.there.project)
