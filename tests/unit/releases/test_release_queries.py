"""SQL of releases: one for each version, with the commits and heads of each of their repositories."""

from datetime import timedelta

import pytest

import factories
from scmhost.commits import bulk_queries
from scmhost.infra.db.engine import Store
from scmhost.infra.db.errors import MissingReference
from scmhost.infra.errors import NotFound
from scmhost.infra.paging import PageQuery
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


def test_version_is_one_release(store: Store) -> None:
    """A version that exists is changed by the given fields, and keeps the others."""
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


def test_release_is_created_once(store: Store) -> None:
    """Of concurrent requests for a new version one creates it, and all get the same release."""
    organization = factories.new_organization(store)

    def upsert(_: int) -> tuple[int, bool]:
        with store.write() as tx:
            found, created = release_queries.upsert(tx, organization, "2.0", ReleaseDraft(ref="x"), factories.NOW)
            return found.id, created

    answers = factories.at_once(20, upsert)
    assert len({id_ for id_, _ in answers}) == 1
    assert sum(created for _, created in answers) == 1


def test_release_is_changed_and_deleted(store: Store) -> None:
    """A change sets the given fields; a deleted release leaves its commits."""
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
    """The number of new projects is returned; an unknown project is refused."""
    tenant = factories.new_tenant(store)
    other = factories.new_project(store, tenant.id, "api")
    with store.write() as tx:
        added = [
            release_queries.attach_projects(tx, tenant.id, tenant.release, ids) for ids in ([tenant.project, other], [])
        ]
    assert added == [1, 0]
    assert [project.slug for project in release_of(store, tenant).projects] == ["api", "web"]
    with pytest.raises(MissingReference), store.write() as tx:
        release_queries.attach_projects(tx, tenant.id, tenant.release, [factories.NOBODY])


def test_list_replaces_its_repository_only(store: Store) -> None:
    """A new list of one repository's commits keeps those of another, and the counts are updated."""
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


def test_empty_list_removes_commits(store: Store) -> None:
    """A release keeps no commits of the repository."""
    tenant = factories.new_tenant(store)
    with store.write() as tx:
        content_queries.set_commits(tx, tenant.id, tenant.release, tenant.repository, [])
    assert release_of(store, tenant).commit_count == 0


def test_commits_of_a_missing_release_are_refused(store: Store) -> None:
    """The error names the missing release."""
    tenant = factories.new_tenant(store)
    with pytest.raises(NotFound, match=str(factories.NOBODY)), store.write() as tx:
        content_queries.set_commits(tx, tenant.id, factories.NOBODY, tenant.repository, [tenant.commit])


def test_two_lists_at_once_leave_one(store: Store) -> None:
    """Of concurrent lists one remains, complete."""
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


def test_clearing_removes_commits_and_heads(store: Store) -> None:
    """A cleared release has no commits and no heads; the commits stay in their repository."""
    tenant = factories.new_tenant(store)
    with store.write() as tx:
        content_queries.clear_commits(tx, tenant.id, tenant.release)
        assert content_queries.heads(tx, tenant.id, tenant.release) == []
    release = release_of(store, tenant)
    assert (release.commit_count, release.author_ids, release.last_commit_id) == (0, (), None)
    assert len(factories.all_rows(store)["commits"]) == 2


def test_heads_are_replaced_by_repository(store: Store) -> None:
    """A release has one head of each repository, the last one that was set."""
    tenant = factories.new_tenant(store)
    other = factories.new_repository(store, tenant.id, "other")
    with store.write() as tx:
        content_queries.set_head(tx, tenant.id, tenant.release, other, "c0ffee", None)
        content_queries.set_head(tx, tenant.id, tenant.release, tenant.repository, "beef", None)
        heads = content_queries.heads(tx, tenant.id, tenant.release)
        found = [content_queries.head_of(tx, tenant.id, version, other) for version in ("1.0", "2.0")]
    assert heads == [Head(tenant.repository, "beef", None), Head(other, "c0ffee", None)]
    assert found == [heads[1], None]


def test_newest_release_comes_first(store: Store) -> None:
    """Releases are listed by the date of their release, else of their creation."""
    organization = factories.new_organization(store)
    days = {"old": (0, 9), "plain": (5, None), "same": (5, None), "early": (8, 1)}
    with store.write() as tx:
        for version, (created, released) in days.items():
            at = None if released is None else factories.NOW + timedelta(days=released)
            draft = ReleaseDraft(released_at=at)
            release_queries.upsert(tx, organization, version, draft, factories.NOW + timedelta(days=created))
        page = release_queries.page(tx, organization, PageQuery(0, 3))
    assert ([release.version for release in page.items], page.more) == (["old", "same", "plain"], True)


@pytest.mark.parametrize(
    ("filters", "found"),
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
def test_releases_are_filtered(store: Store, filters: dict[str, object], found: list[str]) -> None:
    """A list is restricted to a status, to projects, and to a part of the version in any case."""
    tenant = factories.new_tenant(store)
    with store.write() as tx:
        release_queries.upsert(tx, tenant.id, "web@2_0", ReleaseDraft(status="archived"), factories.NOW)
        page = release_queries.page(tx, tenant.id, factories.EVERYTHING, **filters)  # type: ignore[arg-type]
        of_project = release_queries.page(
            tx, tenant.id, factories.EVERYTHING, project_ids=[tenant.project], status=None
        )
    assert [release.version for release in page.items] == found
    assert [release.version for release in of_project.items] == ["1.0"]


def test_list_is_added_to(store: Store) -> None:
    """New commits come before the listed ones, and each commit is listed once."""
    tenant = factories.new_tenant(store)
    ids = saved_ids(store, tenant, tenant.repository, 9, 8, 7)
    with store.write() as tx:
        content_queries.set_commits(tx, tenant.id, tenant.release, tenant.repository, ids[1:])
        content_queries.add_commits(tx, tenant.id, tenant.release, tenant.repository, [ids[0], ids[2]])
        page = content_queries.commits_page(tx, tenant.id, tenant.release, factories.EVERYTHING)
    assert [commit.id for commit in page.items] == ids


def test_commits_of_one_repository_are_listed(store: Store) -> None:
    """A list can be restricted to a repository."""
    tenant = factories.new_tenant(store)
    other = factories.new_repository(store, tenant.id, "other")
    ids = saved_ids(store, tenant, other, 9)
    with store.write() as tx:
        content_queries.set_commits(tx, tenant.id, tenant.release, other, ids)
        page = content_queries.commits_page(tx, tenant.id, tenant.release, factories.EVERYTHING, other)
    assert [commit.id for commit in page.items] == ids


def test_changed_files_are_listed_by_path(store: Store) -> None:
    """Files of repositories that are not active are left out."""
    tenant = factories.new_tenant(store)
    with store.read() as tx:
        page = release_queries.file_page(tx, tenant.id, tenant.release, PageQuery(0, 1))
        rest = release_queries.file_page(tx, tenant.id, tenant.release, PageQuery(1, 1))
    assert [(item.change.path, item.change.type) for item in (*page.items, *rest.items)] == [
        ("README", "M"),
        ("src/2.py", "A"),
    ]
    assert (page.more, rest.more) == (True, False)
    with store.write() as tx:
        repository_queries.update_repository(tx, tenant.id, tenant.repository, {"status": "hidden"})
        assert release_queries.file_page(tx, tenant.id, tenant.release, factories.EVERYTHING).items == []


def test_release_before_is_found(store: Store) -> None:
    """It shares a project, is not newer, and has a full sha as the head of the repository."""
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


def test_release_is_removed_from_a_project(store: Store) -> None:
    """The release keeps its other projects."""
    tenant = factories.new_tenant(store)
    api = factories.new_project(store, tenant.id, "api")
    with store.write() as tx:
        release_queries.attach_projects(tx, tenant.id, tenant.release, [api])
        release_queries.detach_project(tx, tenant.id, tenant.release, tenant.project)
    assert [project.slug for project in release_of(store, tenant).projects] == ["api"]


def test_heads_are_set_in_bulk(store: Store) -> None:
    """Of several heads of one repository the last counts; no heads change nothing."""
    tenant = factories.new_tenant(store)
    other = factories.new_repository(store, tenant.id, "other")
    heads = [
        Head(other, "c0ffee", "beef"),
        Head(tenant.repository, "one", "two"),
        Head(tenant.repository, "last", None),
    ]
    with store.write() as tx:
        content_queries.set_heads(tx, tenant.id, tenant.release, [])
        before = content_queries.heads(tx, tenant.id, tenant.release)
        content_queries.set_heads(tx, tenant.id, tenant.release, heads)
        after = content_queries.heads(tx, tenant.id, tenant.release)
    assert before == [Head(tenant.repository, factories.sha(2), factories.sha(1))]
    assert after == [heads[2], heads[0]]


def test_heads_set_at_once_do_not_block_each_other(store: Store) -> None:
    """Concurrent requests set the same heads in any order, and one of them wins as a whole."""
    tenant = factories.new_tenant(store)
    ids = [factories.new_repository(store, tenant.id, f"r{number}") for number in range(20)]

    def set_heads(number: int) -> None:
        order = ids if number % 2 else ids[::-1]
        with store.write() as tx:
            heads = [Head(id_, f"{number}", None) for id_ in order]
            content_queries.set_heads(tx, tenant.id, tenant.release, heads)

    factories.at_once(6, set_heads)
    with store.read() as tx:
        found = content_queries.heads(tx, tenant.id, tenant.release)
    assert len({head.sha for head in found if head.repository_id in ids}) == 1


def test_shas_become_the_list_or_join_it(store: Store) -> None:
    """Saved commits replace the list of their repository, or come before its commits."""
    tenant = factories.new_tenant(store)
    saved_ids(store, tenant, tenant.repository, 9, 8)
    release, shas = release_of(store, tenant), [factories.sha(number) for number in (9, 8)]
    listed = []
    for join in (True, False):
        with store.write() as tx:
            content_queries.set_shas(tx, release, tenant.repository, shas, join=join)
            page = content_queries.commits_page(tx, tenant.id, tenant.release, factories.EVERYTHING)
        listed.append([commit.sha for commit in page.items])
    assert listed == [[*shas, factories.sha(2)], shas]
