"""What a snapshot has, and what its links are where plugins fail or are off."""

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec import structs

import factories
from hosting import host_of
from linking import BASE, LinkProject, open_project
from plugins.shelf import shelf
from scmhost.bulk.export import export_links
from scmhost.bulk.linker import BulkLink, SnapshotLinks
from scmhost.bulk.plugin_pages import PluginPagesOf
from scmhost.bulk.snapshot import read_snapshot
from scmhost.infra.db.engine import Store
from scmhost.installations import queries as installation_queries
from scmhost.links.values import FrameQuery, Link, LinkOptions
from scmhost.mapping import FrameInfo
from scmhost.plugins import Settings
from scmhost.sdk import InstallationDraft, ProviderForbidden, ResolvedRef

FRAME = FrameQuery(FrameInfo("/srv/a.py"), 7)


@pytest.fixture
def web(sqlite_store: Store) -> Iterator[LinkProject]:
    """A project whose plugin knows default branches, and builds each link itself."""
    with open_project(sqlite_store, plugin="shelf") as project:
        yield project
    shelf.branches = {}


def links_of(web: LinkProject, folder: Path, *, with_files: bool = True) -> SnapshotLinks:
    """The links of a new snapshot."""
    file = folder / "links.snapshot"
    with file.open("wb") as out:
        export_links(web.services, web.organization, out, with_files=with_files)
    return SnapshotLinks(read_snapshot(file), PluginPagesOf(web.services.plugins))


def served(web: LinkProject) -> BulkLink:
    """The link that the service gives."""
    options = LinkOptions(with_file_status=True)
    (resolved,) = web.resolve("/srv/a.py", options=options, line=7)
    if isinstance(resolved.outcome, Link):
        return BulkLink(resolved.outcome.url, None, resolved.outcome.basis.confidence)
    return BulkLink(None, resolved.outcome.reason)


def refuse(_ref: str) -> Any:
    raise ProviderForbidden("not yours")


REFUSING: Any = SimpleNamespace(get=refuse)


@pytest.mark.parametrize(
    ("branches", "expected"),
    [
        ({"main": ResolvedRef(name="trunk", kind="branch", sha="a" * 40)}, f"{BASE}/acme/web/trunk/src/a.py"),
        ({}, "no_ref"),
        (REFUSING, "integration_link_forbidden"),
    ],
    ids=["known", "unknown", "forbidden"],
)
def test_default_branch_is_that_of_the_code_host(
    web: LinkProject, tmp_path: Path, branches: Any, expected: str
) -> None:
    """The code host is asked for the branch of a mapping that names none, as the service does."""
    shelf.branches = branches
    web.add_mapping(default_branch=None)
    link = links_of(web, tmp_path).link("web", FRAME)
    assert (link.url or link.reason) == expected
    assert link == served(web)


def test_code_host_is_not_asked_without_need(web: LinkProject, tmp_path: Path) -> None:
    """If all mappings name a branch, the code host is not asked."""
    shelf.branches = REFUSING
    web.add_mapping()
    assert links_of(web, tmp_path).link("web", FRAME) == served(web)


def test_snapshot_without_files_lowers_the_confidence(web: LinkProject, tmp_path: Path) -> None:
    """Without the known files the confidence is lower, and the header states it."""
    web.add_mapping()
    frame = structs.replace(FRAME, commit=web.add_commit("A src/a.py"))
    whole, part = links_of(web, tmp_path), links_of(web, tmp_path, with_files=False)
    assert (whole.link("web", frame).confidence, part.link("web", frame).confidence) == ("high", "medium")
    assert (whole.snapshot.header.with_files, part.snapshot.header.with_files) == (True, False)
    assert (part.snapshot.commits, part.snapshot.files) == ({}, {})


def test_snapshot_has_no_texts_of_commits_and_no_secrets(web: LinkProject) -> None:
    """Neither people, nor messages, nor metadata of installations are in the file."""
    web.add_mapping()
    web.add_commit("A src/a.py")
    out = io.BytesIO()
    export_links(web.services, web.organization, out)
    text = out.getvalue().decode()
    assert "src/a.py" in text
    assert [word for word in ("Ada", "ada@example.com", "Change ", "secrets", "metadata") if word in text] == []
    kinds = {json.loads(line)[0] for line in text.splitlines()[1:]}
    assert kinds == {"project", "mappings", "repository", "commits", "files"}


def test_provider_that_is_off(web: LinkProject, tmp_path: Path) -> None:
    """A repository of a provider that is off has the reason of the service, at the export and where links are made."""
    web.add_mapping()
    links = links_of(web, tmp_path)
    with host_of({}, Settings()) as nothing:
        without = SnapshotLinks(links.snapshot, PluginPagesOf(nothing))
        assert without.link("web", FRAME).reason == "provider_off"
        off = replace(web, services=replace(web.services, plugins=nothing))
        assert links_of(off, tmp_path).link("web", FRAME) == served(off)
    assert SnapshotLinks(links.snapshot).link("web", FRAME).reason == "provider_off"


def test_installation_whose_configuration_is_wrong(sqlite_store: Store, tmp_path: Path) -> None:
    """A plugin that cannot use an installation's configuration gives no links, as in the service."""
    with open_project(sqlite_store, plugin="shelf") as web:
        draft = InstallationDraft(name="bad", external_id="2", configuration={"preset": "none"})
        with sqlite_store.write() as tx:
            made = installation_queries.create(tx, web.organization.id, "custom_scm", draft, factories.NOW).installation
        repository = web.add_repository("acme/bad", provider="custom_scm", installation_id=made.id)
        web.add_mapping(repository_id=repository)
        with host_of({"custom_scm": "scmhost_custom_scm.plugin"}) as plugins:
            bad = replace(web, services=replace(web.services, plugins=plugins))
            link = links_of(bad, tmp_path).link("web", FRAME)
            assert link.reason == "provider_failed"
            assert link == served(bad)
