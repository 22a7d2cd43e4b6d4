"""Create, find, list, change and delete releases of organizations and of projects."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from api import commit
from release_host import ReleaseHost
from scmhost.infra.errors import InvalidInput, NotFound
from scmhost.infra.paging import PageQuery
from scmhost.releases import content_queries
from scmhost.releases.manage import RefDraft, delete_release, list_releases
from scmhost.releases.show import release_views
from statement_count import recorded_statements

A, B, C = "a" * 40, "b" * 40, "c" * 40


def slugs(host: ReleaseHost, version: str = "1.0") -> list[str]:
    return [project.slug for project in host.get(version).release.projects]


def test_new_release_has_its_fields_and_projects(host: ReleaseHost) -> None:
    """The first request creates the release; the same request again changes nothing."""
    released = datetime(2026, 1, 2, tzinfo=UTC)
    first, second = (host.create(ref="main", url="https://ci.example.com/1", released_at=released) for _ in range(2))
    assert (first.created, first.attached, first.notes) == (True, 1, ())
    assert (second.created, second.attached) == (False, 0)
    release = host.get().release
    assert (release.version, release.status, release.ref, release.released_at) == ("1.0", "open", "main", released)
    assert slugs(host) == ["web"]


def test_known_release_is_added_to_projects(host: ReleaseHost) -> None:
    """A request that names another project adds the release to it, and keeps the others."""
    host.add_project("api")
    host.create()
    saved = host.create(projects=["api", "web"])
    assert (saved.created, saved.attached) == (False, 1)
    assert slugs(host) == ["api", "web"]


@pytest.mark.parametrize(
    "version", ["", " ", ".", "..", "latest", "Latest", "a/b", "a\\b", "a\nb", "a\x00b", "x" * 201]
)
def test_bad_version_is_refused(host: ReleaseHost, version: str) -> None:
    """A version must be usable in a path and in a file name."""
    with pytest.raises(InvalidInput) as caught:
        host.create(version)
    assert caught.value.field == "version"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"projects": ["none"]}, "projects"),
        ({"commits": [{"message": "no id"}]}, "commits"),
        ({"commits": [commit("x" * 65)]}, "commits"),
        ({"ref": "x" * 201}, "ref"),
        ({"refs": [RefDraft("none", A)]}, "refs"),
        ({"refs": [RefDraft("team/app", A)] * 1_001}, "refs"),
        ({"refs": [RefDraft("x" * 201, A)]}, "refs"),
        ({"refs": [RefDraft("team/app", "")]}, "refs"),
        ({"refs": [RefDraft("team/app", "..")]}, "refs"),
        ({"refs": [RefDraft("team/app", f"{A}..{B}..{C}")]}, "refs"),
        ({"refs": [RefDraft("team/app", "x" * 65)]}, "refs"),
        ({"refs": [RefDraft("team/app", A, "x" * 65)]}, "refs"),
    ],
    ids=range(12),
)
def test_bad_request_saves_nothing(host: ReleaseHost, body: dict[str, Any], field: str) -> None:
    """A mistake anywhere in a request leaves no release, no commits and no fetches."""
    host.add_repository("team/app", "historian", host.install("historian"))
    with pytest.raises(InvalidInput) as caught:
        host.create(**{"commits": [commit()], **body})
    assert caught.value.field == field
    assert host.fetches() == []
    with pytest.raises(NotFound, match=r"has no release '1\.0'"):
        host.get()


def test_equal_projects_and_refs_count_once(host: ReleaseHost) -> None:
    """A thousand equal items cost as many statements as one, and different projects are limited."""
    host.add_repository("team/app")
    # The first release of an organization counts them for the quota.
    host.create("0.9")
    counts = []
    for version, times in (("1.0", 1), ("2.0", 1_000)):
        refs = [RefDraft("team/app", f"{A}..{B}")] * times
        with recorded_statements(host.services.store) as statements:
            host.create(version, projects=["web"] * times, refs=refs)
        counts.append(len(statements))
        assert (slugs(host, version), host.refs(version)) == (["web"], [("team/app", B, A)])
    assert counts[0] == counts[1]
    with pytest.raises(InvalidInput, match=r"limits\.projects_per_request") as caught:
        host.create("3.0", projects=[str(number) for number in range(1_001)])
    assert caught.value.field == "projects"


def test_commits_become_the_list_of_their_repository(host: ReleaseHost) -> None:
    """A new list of one repository replaces its old one, and leaves those of other repositories."""
    host.create(commits=[commit(A, "team/one"), commit(B, "team/two")])
    host.change(commits=[commit(C, "team/one")])
    assert set(host.shas()) == {B, C}
    assert host.refs() == [("team/one", C, None), ("team/two", B, None)]
    assert host.get().release.commit_count == 2


def test_lists_of_several_projects_are_joined(host: ReleaseHost) -> None:
    """Each project of a release sends its own list; the head is the newer of those that were sent."""
    host.add_project("api")
    host.create(projects=["web"], commits=[commit(B, timestamp="2026-02-01T00:00:00Z")])
    host.create(projects=["api"], commits=[commit(A, timestamp="2026-01-01T00:00:00Z")])
    assert host.shas() == [B, A]
    assert host.refs() == [("team/app", B, None)]
    host.change(commits=[commit(C, timestamp="2026-03-01T00:00:00Z")])
    assert host.shas() == [C, B, A]
    assert host.refs() == [("team/app", C, None)]


def test_change_sets_given_fields_only(host: ReleaseHost) -> None:
    """An absent field keeps its value."""
    host.create(ref="main", url="https://ci.example.com/1")
    host.change(status="archived")
    release = host.get().release
    assert (release.status, release.ref, release.url) == ("archived", "main", "https://ci.example.com/1")


def test_empty_refs_remove_commits_and_heads(host: ReleaseHost) -> None:
    """An empty list clears the release before the commits of the same request are saved; None keeps everything."""
    host.create(commits=[commit(A, "team/one"), commit(B, "team/two")])
    host.change(ref="main")
    assert len(host.shas()) == 2
    host.change(refs=[], commits=[commit(C, "team/two")])
    assert host.shas() == [C]
    host.change(refs=[])
    assert (host.shas(), host.refs(), host.get().release.last_commit_id) == ([], [], None)


def test_release_is_found_by_its_projects_only(host: ReleaseHost) -> None:
    """A project neither shows nor changes nor deletes releases of other projects."""
    api = host.add_project("api")
    host.create()
    assert host.get(project=host.project).release.version == "1.0"
    for act in (
        lambda: host.get(project=api),
        lambda: host.change(project=api),
        lambda: delete_release(host.services, host.organization, "1.0", api),
    ):
        with pytest.raises(NotFound, match=r"Project 'api' has no release '1\.0'"):
            act()


def test_missing_release_cannot_be_changed_or_deleted(host: ReleaseHost) -> None:
    """The error names the organization and the version."""
    with pytest.raises(NotFound, match="Organization 'acme' has no release '9'"):
        host.change("9", ref="main")
    with pytest.raises(NotFound, match="Organization 'acme' has no release '9'"):
        delete_release(host.services, host.organization, "9")


def test_project_deletes_its_part_of_a_release(host: ReleaseHost) -> None:
    """The last project deletes the release itself."""
    api = host.add_project("api")
    host.create(projects=["api", "web"])
    delete_release(host.services, host.organization, "1.0", host.project)
    assert slugs(host) == ["api"]
    delete_release(host.services, host.organization, "1.0", api)
    with pytest.raises(NotFound):
        host.get()


def test_organization_deletes_a_release_of_all_projects(host: ReleaseHost) -> None:
    """The commits stay in their repository."""
    host.add_project("api")
    host.create(projects=["api", "web"], commits=[commit()])
    delete_release(host.services, host.organization, "1.0")
    with pytest.raises(NotFound):
        host.get()
    host.create("2.0", refs=[RefDraft("team/app", A)])
    assert host.get("2.0").refs[0].repository.name == "team/app"


def versions(host: ReleaseHost, request: PageQuery | None = None, **only: Any) -> Sequence[str]:
    page = list_releases(host.services, host.organization, request or PageQuery(), **only)
    return [view.release.version for view in page.items]


def test_releases_are_listed_newest_first(host: ReleaseHost) -> None:
    """A list can be restricted to projects, to a part of the version and to a status."""
    api = host.add_project("api")
    host.create("1.0")
    host.create("1.1", projects=["api"])
    host.create("2.0", projects=["api", "web"])
    host.create("0.9", status="archived")
    assert versions(host) == ["2.0", "1.1", "1.0"]
    assert versions(host, PageQuery(1, 1)) == ["1.1"]
    assert versions(host, project_ids=[host.project.id]) == ["2.0", "1.0"]
    assert versions(host, project_ids=[api.id, host.project.id]) == ["2.0", "1.1", "1.0"]
    assert versions(host, query="1.") == ["1.1", "1.0"]
    assert versions(host, status="archived") == ["0.9"]
    assert versions(host, status="unknown") == []


@pytest.mark.parametrize(
    "sent",
    [
        [commit(A), commit(B)],
        [commit(A), commit(A)],
        [commit(A), commit(B, timestamp="2026-01-03T00:00:00Z")],
        [commit(A), commit(B, timestamp=None)],
        [commit(A, timestamp=None), commit(B, timestamp=None)],
        [commit(A), commit(B, author_email="bo@example.com"), commit(C, author_email=None)],
        [commit(A), commit(B, "other"), commit(C, "other", timestamp="2026-01-03T00:00:00Z")],
    ],
)
def test_new_release_stores_what_its_commits_give(host: ReleaseHost, sent: list[dict[str, Any]]) -> None:
    """What is known from saving new commits equals what the database gives for them, and the answer has it."""
    saved = host.create(commits=sent)
    view = host.get()
    stored = view.release
    with host.services.store.write() as tx:
        content_queries.refresh(tx, host.organization.id, stored.id)
    assert stored == host.get().release
    assert saved.details is not None
    assert release_views(host.services, host.organization, saved.details) == [view]
    assert stored.commit_count == len({item["id"] for item in sent})


def test_known_commits_of_a_new_release_are_read(host: ReleaseHost) -> None:
    """A release of commits that another one has, too, has all of them."""
    host.create("1.0", commits=[commit(A), commit(B)])
    saved = host.create("2.0", commits=[commit(C), commit(A)])
    assert saved.details is None
    assert (host.get("2.0").release.commit_count, sorted(host.shas("2.0"))) == (2, [A, C])
