"""Schedule, cancel and carry out the deletion of repositories in the database."""

from datetime import timedelta

import pytest

import factories
from scmhost.commits import bulk_queries
from scmhost.infra.db.engine import Store
from scmhost.infra.db.errors import Duplicate
from scmhost.links import queries as link_queries
from scmhost.organizations import queries as organization_queries
from scmhost.releases import content_queries
from scmhost.releases import queries as release_queries
from scmhost.repositories import queries as repository_queries
from scmhost.sdk import RepositoryStatus

LATER = factories.NOW + timedelta(hours=1)


def test_name_is_free_at_once(store: Store) -> None:
    """A new repository may take the name and external id of one whose deletion is scheduled; both are listed."""
    tenant = factories.new_tenant(store)
    owner = {"provider": factories.PROVIDER, "installation_id": tenant.installation, "external_id": "r1"}
    with store.write() as tx:
        waiting = repository_queries.schedule_deletion(tx, tenant.id, tenant.repository, LATER)
        assert repository_queries.by_name(tx, tenant.id, "acme/web") is None
    taken = factories.new_repository(store, tenant.id, "ACME/web", **owner)
    with store.read() as tx:
        listed = repository_queries.page(tx, tenant.id, factories.EVERYTHING, query="web").items
    assert waiting is not None
    assert (waiting.name, waiting.status) == ("acme/web", RepositoryStatus.PENDING_DELETION)
    assert {found.id for found in listed} == {tenant.repository, taken}


def test_deletion_can_be_cancelled(store: Store) -> None:
    """Until the deletion is due, the repository can be restored with all its data."""
    tenant = factories.new_tenant(store)
    before = factories.all_rows(store)
    with store.write() as tx:
        repository_queries.schedule_deletion(tx, tenant.id, tenant.repository, LATER)
    with store.write() as tx:
        assert repository_queries.cancel_deletion(tx, tenant.id, tenant.repository) is not None
        assert repository_queries.cancel_deletion(tx, tenant.id, tenant.repository) is None
    assert factories.all_rows(store) == before


def test_deletion_cannot_be_cancelled_if_the_name_is_taken(store: Store) -> None:
    """Another repository may have taken the name; nothing changes then."""
    tenant = factories.new_tenant(store)
    with store.write() as tx:
        repository_queries.schedule_deletion(tx, tenant.id, tenant.repository, LATER)
    factories.new_repository(store, tenant.id)
    before = factories.all_rows(store)
    with pytest.raises(Duplicate, match="choose another"), store.write() as tx:
        repository_queries.cancel_deletion(tx, tenant.id, tenant.repository)
    assert factories.all_rows(store) == before


def test_second_request_does_not_postpone_the_deletion(store: Store) -> None:
    """The time of the first request stays."""
    tenant = factories.new_tenant(store)
    with store.write() as tx:
        repository_queries.schedule_deletion(tx, tenant.id, tenant.repository, LATER)
        again = repository_queries.schedule_deletion(tx, tenant.id, tenant.repository, LATER + timedelta(days=1))
        due = repository_queries.due_for_deletion(tx, LATER)
    assert again is None
    assert [repository.id for repository in due] == [tenant.repository]


def test_longest_overdue_deletion_is_first(store: Store) -> None:
    """A deletion is due at its time, and the longest overdue is first."""
    organization = factories.new_organization(store)
    late, early = (factories.new_repository(store, organization, name) for name in ("late", "early"))
    with store.write() as tx:
        repository_queries.schedule_deletion(tx, organization, late, LATER)
        repository_queries.schedule_deletion(tx, organization, early, factories.NOW)
        due = [[it.id for it in repository_queries.due_for_deletion(tx, at)] for at in (factories.NOW, LATER)]
        first = repository_queries.due_for_deletion(tx, LATER, limit=1)
    assert due == [[early], [early, late]]
    assert [it.id for it in first] == [early]


def test_deletion_is_postponed(store: Store) -> None:
    """It is due at the new time; one that was cancelled meanwhile stays cancelled."""
    tenant = factories.new_tenant(store)
    later = LATER + timedelta(minutes=5)
    with store.write() as tx:
        repository_queries.schedule_deletion(tx, tenant.id, tenant.repository, factories.NOW)
        repository_queries.postpone_deletion(tx, tenant.id, tenant.repository, later)
        due = [[it.id for it in repository_queries.due_for_deletion(tx, at)] for at in (LATER, later)]
        repository_queries.cancel_deletion(tx, tenant.id, tenant.repository)
        repository_queries.postpone_deletion(tx, tenant.id, tenant.repository, LATER)
        found = repository_queries.get(tx, tenant.id, tenant.repository)
        assert repository_queries.due_for_deletion(tx, later) == []
    assert due == [[], [tenant.repository]]
    assert found is not None
    assert found.status is RepositoryStatus.ACTIVE


def test_deletion_removes_all_data_of_the_repository(store: Store) -> None:
    """Its commits, mappings and its part of releases are removed; the releases' counts are updated."""
    tenant = factories.new_tenant(store)
    with store.write() as tx:
        assert repository_queries.with_commits(tx, tenant.id, [tenant.repository]) == {tenant.repository}
        assert content_queries.delete_repository(tx, tenant.id, tenant.repository)
        assert not content_queries.delete_repository(tx, tenant.id, tenant.repository)
    rows = factories.all_rows(store)
    gone = ("repositories", "commits", "file_changes", "code_mappings", "release_commits", "release_heads")
    assert [rows[name] for name in gone] == [[]] * len(gone)
    with store.read() as tx:
        release = release_queries.find(tx, tenant.id, "1.0")
        assert release is not None
        assert (release.commit_count, release.author_ids, release.last_commit_id) == (0, (), None)


def test_deletion_changes_the_version_of_mappings(store: Store) -> None:
    """Projects with mappings to the repository get a new version of their mappings."""
    tenant = factories.new_tenant(store)
    with store.write() as tx:
        before = organization_queries.get_projects(tx, tenant.id, [tenant.project])[tenant.project]
        content_queries.delete_repository(tx, tenant.id, tenant.repository)
        after = organization_queries.get_projects(tx, tenant.id, [tenant.project])[tenant.project]
        assert link_queries.for_project(tx, tenant.id, tenant.project) == []
    assert after.mappings_version == before.mappings_version + 1


def test_other_repositories_keep_their_commits(store: Store) -> None:
    """Deleting one repository leaves another's commits in the release."""
    tenant = factories.new_tenant(store)
    other = factories.new_repository(store, tenant.id, "other")
    with store.write() as tx:
        bulk_queries.save(tx, tenant.id, other, [factories.draft(5)], factories.NOW)
        ids = list(bulk_queries.ids_of(tx, tenant.id, other, [factories.sha(5)]).values())
        content_queries.set_commits(tx, tenant.id, tenant.release, other, ids)
        content_queries.delete_repository(tx, tenant.id, tenant.repository)
        release = release_queries.find(tx, tenant.id, "1.0")
    assert release is not None
    assert (release.commit_count, release.last_commit_id) == (1, ids[0])
