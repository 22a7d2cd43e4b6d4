"""Links of a snapshot are those of the service."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import factories
from hosting import host_of
from scmhost.bulk.arrow_batches import COLUMNS, BatchLinker
from scmhost.bulk.export import export_links
from scmhost.bulk.linker import SnapshotLinks
from scmhost.bulk.plugin_pages import PluginPagesOf
from scmhost.bulk.snapshot import read_snapshot
from scmhost.commits import bulk_queries
from scmhost.infra.clock import SystemClock
from scmhost.infra.db.engine import Store
from scmhost.infra.settings import Limits
from scmhost.installations import queries as installation_queries
from scmhost.links import queries as link_queries
from scmhost.links.resolve import resolve_links
from scmhost.links.values import FrameQuery, Link, LinkOptions, MappingDraft
from scmhost.mapping import FrameInfo
from scmhost.organizations import queries as organization_queries
from scmhost.releases import content_queries
from scmhost.releases import queries as release_queries
from scmhost.releases.values import ReleaseDraft
from scmhost.repositories import file_queries
from scmhost.repositories import queries as repository_queries
from scmhost.sdk import FileChange, InstallationDraft, Organization, RepositoryStatus
from scmhost.sdk.urls.plain_links import MAX_LINE
from scmhost.services import Services
from strategies import SEGMENTS, hostile_text, stack_paths, stack_roots

PLUGINS = {"custom_scm": "scmhost_custom_scm.plugin", "odd_text": "plugins.odd_text"}
# The second one has no page without a line.
INSTALLATIONS: Sequence[tuple[str, dict[str, str]]] = (
    ("custom_scm", {"preset": "github"}),
    ("custom_scm", {"preset": "gitea", "template": "{repo_url}/show/{line}/{path}?at={ref}"}),
    ("odd_text", {}),
)
FILES = tuple(f"{folder}/{name}" for folder in ("repo", "repo/src") for name in ("app", "x.py", "a b", "App"))
PLACES = count(1)

Row = tuple[str | None, ...]


@dataclass(frozen=True)
class Tenant:
    """An organization with repositories of all kinds, whose mappings a test adds."""

    services: Services
    organization: Organization
    repositories: Sequence[int]
    folder: Path

    def new_project(self, mappings: Sequence[tuple[Any, ...]]) -> str:
        """Create a project with mappings. Return its slug."""
        slug = f"shop-{next(PLACES)}"
        project = factories.new_project(self.services.store, self.organization.id, slug)
        with self.services.store.write() as tx:
            for stack_root, source_root, repository, branch, confidence in mappings:
                draft = MappingDraft(
                    project,
                    self.repositories[repository],
                    stack_root,
                    source_root,
                    branch,
                    generated=confidence is not None,
                    confidence=confidence,
                )
                link_queries.create(tx, self.organization.id, draft, factories.NOW)
        return slug

    def linker(self, *, with_files: bool = True) -> BatchLinker:
        """Return the links of a new snapshot."""
        out = io.BytesIO()
        export_links(self.services, self.organization, out, with_files=with_files)
        file = self.folder / "links.snapshot"
        file.write_bytes(out.getvalue())
        return BatchLinker(SnapshotLinks(read_snapshot(file), PluginPagesOf(self.services.plugins)))

    def served(self, project: str, frame: FrameQuery, release: str | None) -> Row:
        """Return the URL, the reason and the confidence that the service gives for a frame."""
        with self.services.store.read() as tx:
            found = organization_queries.find_project(tx, self.organization.id, project)
        assert found
        options = LinkOptions(release, with_file_status=True)
        outcome = resolve_links(self.services, self.organization, found, [frame], options)[0].outcome
        if isinstance(outcome, Link):
            return outcome.url, None, outcome.basis.confidence
        return None, outcome.reason.value, None


@pytest.fixture(scope="module")
def tenant(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenant]:
    """An organization with three installations, and six repositories with the same commits."""
    folder = tmp_path_factory.mktemp("bulk")
    (folder / "scmhost.db").write_bytes(sqlite_template.read_bytes())
    store = Store.open(f"sqlite:///{folder / 'scmhost.db'}")
    organization_id = factories.new_organization(store)
    with store.read() as tx:
        organization = next(iter(organization_queries.all_organizations(tx)))
    repositories = [*_claimed(store, organization_id), *_without_links(store, organization_id)]
    for repository_id in repositories:
        _add_commits(store, organization_id, repository_id)
    with host_of(PLUGINS) as host:
        yield Tenant(Services(store, host, SystemClock(), Limits()), organization, repositories, folder)
    store.close()


def _claimed(store: Store, organization_id: int) -> Iterator[int]:
    for number, (provider, configuration) in enumerate(INSTALLATIONS):
        draft = InstallationDraft(name="forge", external_id=str(number), configuration=configuration)
        with store.write() as tx:
            made = installation_queries.create(tx, organization_id, provider, draft, factories.NOW).installation
        yield factories.new_repository(
            store,
            organization_id,
            f"acme/app-{number}",
            provider=provider,
            installation_id=made.id,
            external_id=str(number),
            url=f"https://git.example.com/acme/app-{number}",
        )


def _without_links(store: Store, organization_id: int) -> Iterator[int]:
    """Create a repository that is hidden, and one that no installation claimed."""
    hidden = factories.new_repository(store, organization_id, "acme/hidden", url="https://git.example.com/acme/hidden")
    with store.write() as tx:
        repository_queries.update_repository(tx, organization_id, hidden, {"status": RepositoryStatus.HIDDEN})
    yield hidden
    yield factories.new_repository(store, organization_id, "acme/free", url="https://git.example.com/acme/free")


def _add_commits(store: Store, organization_id: int, repository_id: int) -> None:
    """Save three commits: files are added, one of them is deleted, and it is added again beside another deletion."""
    changes = ([("A", path) for path in FILES], [("D", FILES[0]), ("D", FILES[1])], [("A", FILES[0]), ("D", FILES[5])])
    drafts = [
        factories.draft(
            number, changes=tuple(FileChange.model_validate({"type": kind, "path": path}) for kind, path in own)
        )
        for number, own in enumerate(changes, start=1)
    ]
    with store.write() as tx:
        bulk_queries.save(tx, organization_id, repository_id, drafts[:2], factories.NOW)
        factories.index_commits(tx, organization_id, repository_id, 0, 2**53 - 1)
        bulk_queries.save(tx, organization_id, repository_id, drafts[2:], factories.NOW)
        # The last commit waits to be indexed.
        ids = bulk_queries.ids_of(tx, organization_id, repository_id, [drafts[2].sha])
        file_queries.schedule_indexing(tx, organization_id, repository_id, ids.values(), factories.NOW)
        release, _ = release_queries.upsert(tx, organization_id, "1.0", ReleaseDraft(), factories.NOW)
        content_queries.set_head(tx, organization_id, release.id, repository_id, drafts[1].sha, None)


mappings = st.lists(
    st.tuples(
        stack_roots() | st.just(""),
        st.sampled_from(["", "repo"]),
        st.integers(0, 4),
        st.sampled_from(["main", "main", None, "HEAD~1"]),
        st.sampled_from([None, None, "medium", "high"]),
    ),
    max_size=5,
    unique_by=lambda mapping: mapping[:3],
)
paths = stack_paths() | st.tuples(stack_paths(), st.sampled_from(SEGMENTS)).map("/".join) | hostile_text
frames = st.fixed_dictionaries(
    {
        "filename": st.none() | paths,
        "abs_path": st.none() | paths,
        "module": st.sampled_from([None, "com.acme.App", "app"]),
        "package": st.sampled_from([None, "app"]),
        "platform": st.sampled_from([None, "python", "java", "cocoa", "other"]),
        "sdk_name": st.sampled_from([None, "sentry.dart.flutter"]),
        "release": st.sampled_from([None, "1.0", "unknown"]),
        "commit": st.sampled_from([None, *(factories.sha(number) for number in range(1, 4)), "f" * 40, "a b", ""]),
        "line": st.sampled_from([None, -1, 0, 1, 7, MAX_LINE, MAX_LINE + 1, 2**53]),
    }
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(
    [("", "repo", number, None, None) for number in range(3)],
    [{"filename": "src/x.py", "line": line, "commit": factories.sha(3)} for line in (None, 7)],
)
@given(mappings, st.lists(frames, min_size=1, max_size=6))
def test_snapshot_links_equal_served_links(
    tenant: Tenant, mappings: list[tuple[Any, ...]], frames: list[dict[str, Any]]
) -> None:
    """Each frame of a batch has the URL, the reason and the confidence that the service gives for it alone."""
    project = tenant.new_project(mappings)
    names = [name for name in COLUMNS if name != "project"]
    texts: dict[str, Any] = {name: pa.array([frame.get(name) for frame in frames], pa.string()) for name in names}
    lines = pa.array([frame["line"] for frame in frames], pa.int64())
    found = tenant.linker().columns({"project": project, **texts, "line": lines}, len(frames))
    expected = [tenant.served(project, _query(frame), frame.get("release")) for frame in frames]
    assert list(zip(*(column.to_pylist() for column in found), strict=True)) == expected


def _query(frame: dict[str, Any]) -> FrameQuery:
    info = FrameInfo(*(frame.get(name) for name in FrameInfo._fields))
    return FrameQuery(info, frame["line"], frame.get("commit") or None)
