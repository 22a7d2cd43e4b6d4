"""Releases: one for each version, with the commits and heads of each of their repositories."""

from datetime import timedelta

import pytest

import factories
from scmhost.commits import bulk_queries
from scmhost.infra.db.engine import Store
from scmhost.infra.db.errors import Missing
from scmhost.infra.errors import NotFound
from scmhost.infra.paging import PageRequest
from scmhost.releases import content_queries
from scmhost.releases import queries as release_queries
from scmhost.releases.values import Head, Release, ReleaseDraft
from scmhost.repositories import queries as repository_queries


def release_of(store: Store, tenant: factories.Tenant, version: str = "1.0") -> Release:
    """The release with this version."""
    with store.read() as tx:
        found = release_queries.find(tx, tenant.id, version)
    assert found is not None
    return found


def saved_ids(store: Store, tenant: factories.Tenant, repository: int, *numbers: int) -> list[int]:
    """The ids of new commits."""
    with store.write() as tx:
        bulk_queries.save(tx, tenant.id, repository, [factories.draft(number) for number in numbers], factories.NOW)
        ids = bulk_queries.ids_of(tx, tenant.id, repository, [factories.sha(number) for number in numbers])
    return [ids[factories.sha(number)] for number in numbers]


def test_a_version_is_one_release(store: Store) -> None:
    """Naming a version again finds its release, changes what is told, and keeps the rest."""
    tenant = factories.new_tenant(store)
    with store.write() as tx:
        later = factories.NOW + timedelta(days=1)
        found, created = release_queries.upsert(
            tx, tenant.id, "1.0", ReleaseDraft(url="https://x.example", owner="ada"), later
        )
        same, again = release_queries.upsert(tx, tenant.id, "1.0", ReleaseDraft(), later)
    assert (found.id, created, again) == (tenant.release, False, False)
    assert (found.ref, found.url, found.created_at) == ("main", "https://x.example", factories.NOW)
    assert same == found == release_of(store, tenant)
    assert [project.id for project in found.projects] == [tenant.project]


def test_a_release_is_made_once(store: Store) -> None:
    """Senders who name a new version at the same moment all get one release, and one of them made it."""
    organization = factories.new_organization(store)

    def upsert(_: int) -> tuple[int, bool]:
        with store.write() as tx:
            found, created = release_queries.upsert(tx, organization, "2.0", ReleaseDraft(ref="x"), factories.NOW)
            return found.id, created

    answers = factories.at_once(20, upsert)
    assert len({id_ for id_, _ in answers}) == 1
    assert sum(created for _, created in answers) == 1


def test_a_release_is_changed_and_deleted(store: Store) -> None:
    """A change tells what it tells; a deleted release is gone, and its commits are not."""
    tenant = factories.new_tenant(store)
    with store.write() as tx:
        changed = release_queries.update(tx, tenant.id, tenant.release, ReleaseDraft(status="archived"))
        assert release_queries.delete(tx, tenant.id, tenant.release)
        assert not release_queries.delete(tx, tenant.id, tenant.release)
        assert release_queries.find(tx, tenant.id, "1.0") is None
        with pytest.raises(NotFound, match=str(tenant.release)):
            release_queries.update(tx, tenant.id, tenant.release, ReleaseDraft())
    assert (changed.status, changed.ref) == ("archived", "main")
    assert len(factories.all_rows(store)["commits"]) == 2


def test_projects_are_attached_once(store: Store) -> None:
    """Attaching tells how many projects are new to the release; a stranger is refused."""
    tenant = factories.new_tenant(store)
    other = factories.new_project(store, tenant.id, "api")
    with store.write() as tx:
        added = [
            release_queries.attach_projects(tx, tenant.id, tenant.release, ids) for ids in ([tenant.project, other], [])
        ]
    assert added == [1, 0]
    assert [project.slug for project in release_of(store, tenant).projects] == ["api", "web"]
    with pytest.raises(Missing), store.write() as tx:
        release_queries.attach_projects(tx, tenant.id, tenant.release, [factories.NOBODY])


def test_a_list_replaces_its_repository_only(store: Store) -> None:
    """A new list of one repository's commits leaves those of another, and the numbers follow."""
    tenant = factories.new_tenant(store)
    other = factories.new_repository(store, tenant.id, "other")
    mine, theirs = saved_ids(store, tenant, tenant.repository, 4, 3), saved_ids(store, tenant, other, 9, 8)
    with store.write() as tx:
        content_queries.set_commits(tx, tenant.id, tenant.release, other, theirs)
        content_queries.set_commits(tx, tenant.id, tenant.release, tenant.repository, [*mine, mine[0]])
        page = content_queries.commits_page(tx, tenant.id, tenant.release, factories.EVERYTHING)
    release = release_of(store, tenant)
    assert [commit.id for commit in page.items] == [*theirs, *mine]
    assert (release.commit_count, release.last_commit_id) == (4, theirs[0])
    assert release.author_ids == tuple({commit.author.id for commit in page.items if commit.author})


def test_an_empty_list_takes_a_repository_out(store: Store) -> None:
    """A release may have no commits of a repository any more."""
    tenant = factories.new_tenant(store)
    with store.write() as tx:
        content_queries.set_commits(tx, tenant.id, tenant.release, tenant.repository, [])
    assert release_of(store, tenant).commit_count == 0


def test_commits_of_a_missing_release_are_refused(store: Store) -> None:
    """A release that is not there is named."""
    tenant = factories.new_tenant(store)
    with pytest.raises(NotFound, match=str(factories.NOBODY)), store.write() as tx:
        content_queries.set_commits(tx, tenant.id, factories.NOBODY, tenant.repository, [tenant.commit])


def test_two_lists_at_once_leave_one(store: Store) -> None:
    """Of lists sent at the same moment one remains, whole."""
    tenant = factories.new_tenant(store)
    ids = saved_ids(store, tenant, tenant.repository, *range(40, 20, -1))

    def replace(number: int) -> None:
        with store.write() as tx:
            content_queries.set_commits(
                tx, tenant.id, tenant.release, tenant.repository, ids[number * 2 : number * 2 + 2]
            )

    factories.at_once(10, replace)
    with store.read() as tx:
        page = content_queries.commits_page(tx, tenant.id, tenant.release, factories.EVERYTHING)
    found = [commit.id for commit in page.items]
    assert found in [ids[number : number + 2] for number in range(0, 20, 2)]


def test_clearing_takes_commits_and_heads(store: Store) -> None:
    """A cleared release has no commits and no heads; the commits stay in their repository."""
    tenant = factories.new_tenant(store)
    with store.write() as tx:
        content_queries.clear_commits(tx, tenant.id, tenant.release)
        assert content_queries.heads(tx, tenant.id, tenant.release) == []
    release = release_of(store, tenant)
    assert (release.commit_count, release.author_ids, release.last_commit_id) == (0, (), None)
    assert len(factories.all_rows(store)["commits"]) == 2


def test_heads_are_replaced_by_repository(store: Store) -> None:
    """A release stands at one sha of each repository, the one told last."""
    tenant = factories.new_tenant(store)
    other = factories.new_repository(store, tenant.id, "other")
    with store.write() as tx:
        content_queries.set_head(tx, tenant.id, tenant.release, other, "c0ffee", None)
        content_queries.set_head(tx, tenant.id, tenant.release, tenant.repository, "beef", None)
        heads = content_queries.heads(tx, tenant.id, tenant.release)
        found = [content_queries.head_of(tx, tenant.id, version, other) for version in ("1.0", "2.0")]
    assert heads == [Head(tenant.repository, "beef", None), Head(other, "c0ffee", None)]
    assert found == [heads[1], None]


def test_the_newest_release_comes_first(store: Store) -> None:
    """Releases are listed by the day of their release, else of their creation."""
    organization = factories.new_organization(store)
    days = {"old": (0, 9), "plain": (5, None), "same": (5, None), "early": (8, 1)}
    with store.write() as tx:
        for version, (created, released) in days.items():
            at = None if released is None else factories.NOW + timedelta(days=released)
            told = ReleaseDraft(released_at=at)
            release_queries.upsert(tx, organization, version, told, factories.NOW + timedelta(days=created))
        page = release_queries.page(tx, organization, PageRequest(0, 3))
    assert ([release.version for release in page.items], page.more) == (["old", "same", "plain"], True)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, ["1.0"]),
        ({"status": None}, ["web@2_0", "1.0"]),
        ({"status": "archived"}, ["web@2_0"]),
        ({"status": None, "query": "WEB"}, ["web@2_0"]),
        ({"status": None, "query": "_"}, ["web@2_0"]),
        ({"project_ids": []}, []),
    ],
    ids=str,
)
def test_releases_are_filtered(store: Store, wanted: dict[str, object], found: list[str]) -> None:
    """A list holds releases of a status, of projects, and with a part of the version in any case."""
    tenant = factories.new_tenant(store)
    with store.write() as tx:
        release_queries.upsert(tx, tenant.id, "web@2_0", ReleaseDraft(status="archived"), factories.NOW)
        page = release_queries.page(tx, tenant.id, factories.EVERYTHING, **wanted)  # type: ignore[arg-type]
        of_project = release_queries.page(
            tx, tenant.id, factories.EVERYTHING, project_ids=[tenant.project], status=None
        )
    assert [release.version for release in page.items] == found
    assert [release.version for release in of_project.items] == ["1.0"]


def test_a_list_is_added_to(store: Store) -> None:
    """Adding loses nothing: what is new stands first, what is known twice stands once."""
    tenant = factories.new_tenant(store)
    ids = saved_ids(store, tenant, tenant.repository, 9, 8, 7)
    with store.write() as tx:
        content_queries.set_commits(tx, tenant.id, tenant.release, tenant.repository, ids[1:])
        content_queries.add_commits(tx, tenant.id, tenant.release, tenant.repository, [ids[0], ids[2]])
        page = content_queries.commits_page(tx, tenant.id, tenant.release, factories.EVERYTHING)
    assert [commit.id for commit in page.items] == ids


def test_commits_of_one_repository_are_told_apart(store: Store) -> None:
    """A release's commits may be asked for by repository."""
    tenant = factories.new_tenant(store)
    other = factories.new_repository(store, tenant.id, "other")
    ids = saved_ids(store, tenant, other, 9)
    with store.write() as tx:
        content_queries.set_commits(tx, tenant.id, tenant.release, other, ids)
        page = content_queries.commits_page(tx, tenant.id, tenant.release, factories.EVERYTHING, other)
    assert [commit.id for commit in page.items] == ids


def test_changed_files_are_listed_by_path(store: Store) -> None:
    """The files of a release's commits, of active repositories only."""
    tenant = factories.new_tenant(store)
    with store.read() as tx:
        page = release_queries.file_page(tx, tenant.id, tenant.release, PageRequest(0, 1))
        rest = release_queries.file_page(tx, tenant.id, tenant.release, PageRequest(1, 1))
    assert [(item.change.path, item.change.type) for item in (*page.items, *rest.items)] == [
        ("README", "M"),
        ("src/2.py", "A"),
    ]
    assert (page.more, rest.more) == (True, False)
    with store.write() as tx:
        repository_queries.update_repository(tx, tenant.id, tenant.repository, {"status": "hidden"})
        assert release_queries.file_page(tx, tenant.id, tenant.release, factories.EVERYTHING).items == []


def test_the_release_before_is_found(store: Store) -> None:
    """It shares a project, is not newer, and stands at a whole sha of the repository."""
    tenant = factories.new_tenant(store)
    api, other = factories.new_project(store, tenant.id, "api"), factories.new_repository(store, tenant.id, "other")
    days = {"1.5": 1, "foreign": 2, "short": 3, "elsewhere": 4, "2.0": 5, "newer": 6}
    with store.write() as tx:
        for version, day in days.items():
            made, _ = release_queries.upsert(
                tx, tenant.id, version, ReleaseDraft(), factories.NOW + timedelta(days=day)
            )
            release_queries.attach_projects(tx, tenant.id, made.id, [api if version == "foreign" else tenant.project])
            repository = other if version == "elsewhere" else tenant.repository
            head = "abc" if version == "short" else factories.sha(day)
            content_queries.set_head(tx, tenant.id, made.id, repository, head, None)
        found = {
            version: release_queries.before(tx, release, tenant.repository)
            for version in ("2.0", "1.5", "1.0", "foreign")
            if (release := release_queries.find(tx, tenant.id, version))
        }
    assert {version: found and (found[0].version, found[1]) for version, found in found.items()} == {
        "2.0": ("1.5", factories.sha(1)),
        "1.5": ("1.0", factories.sha(2)),
        "1.0": None,
        "foreign": None,
    }


def test_a_release_is_taken_from_a_project(store: Store) -> None:
    """The release stays, and its other projects with it."""
    tenant = factories.new_tenant(store)
    api = factories.new_project(store, tenant.id, "api")
    with store.write() as tx:
        release_queries.attach_projects(tx, tenant.id, tenant.release, [api])
        release_queries.detach_project(tx, tenant.id, tenant.release, tenant.project)
    assert [project.slug for project in release_of(store, tenant).projects] == ["api"]
