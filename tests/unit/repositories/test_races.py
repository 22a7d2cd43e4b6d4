"""Requests that overlap on PostgreSQL, where a transaction does not see what another one has not saved yet.

Each test opens one of the two transactions by hand, and starts the other request in a thread, which then ends or waits
for the first one.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import TypeVar

import pytest
from sqlalchemy import text

import databases
import factories
from linking import LinkProject, open_project
from scmhost.commits import bulk_queries
from scmhost.commits import queries as commit_queries
from scmhost.commits.ingest import ingest_commits
from scmhost.infra.db.engine import Store, Transaction
from scmhost.installations import queries as installation_queries
from scmhost.links import queries as link_queries
from scmhost.links.bulk_mappings import Roots, save_mappings
from scmhost.organizations import queries as organization_queries
from scmhost.organizations.create import create_project
from scmhost.repositories import queries
from scmhost.repositories.claim import create_repository
from scmhost.repositories.manage import delete_repository, uninstall
from scmhost.sdk import Claim

T = TypeVar("T")

pytestmark = pytest.mark.postgresql

_WAITING = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")


@pytest.fixture
def web(postgres_url: str) -> Iterator[LinkProject]:
    """A project with a claimed repository without commits."""
    with databases.opened(postgres_url) as store, open_project(store) as opened:
        yield opened


@contextmanager
def beside(store: Store, by_hand: Callable[[Transaction], object], request: Callable[[], T]) -> Iterator[Future[T]]:
    """Run a request while a transaction is open that has done its work, and save that one before the block."""
    with ThreadPoolExecutor(1) as pool:
        with store.write() as tx:
            by_hand(tx)
            future = pool.submit(request)
            while not future.done() and not _is_waiting(store):
                pass
        yield future


def _is_waiting(store: Store) -> bool:
    with store.read() as tx:
        return bool(tx.execute(_WAITING).scalar_one())


def test_commits_that_are_saved_beside_a_deletion_get_the_time_of_grace(web: LinkProject) -> None:
    """A deletion waits for a sender of commits, and then sees that the repository is not empty."""
    services, organization = web.services, web.organization
    now = services.clock.now()

    def send(tx: Transaction) -> None:
        bulk_queries.save(tx, organization.id, web.repository, [factories.draft(1)], now)

    with beside(services.store, send, lambda: delete_repository(services, organization, web.repository)) as deletion:
        assert deletion.result().status == "pending_deletion"
    assert not is_due(web, timedelta(minutes=59))
    assert is_due(web, timedelta(hours=1, seconds=1))


def test_commits_that_are_sent_beside_a_deletion_get_the_time_of_grace(web: LinkProject) -> None:
    """A sender that found the repository before it was deleted as an empty one postpones the deletion."""
    services, organization = web.services, web.organization
    now = services.clock.now()
    entries = [{"id": factories.sha(1), "repository": "acme/web"}]

    def delete(tx: Transaction) -> None:
        assert queries.get(tx, organization.id, web.repository, lock=True)
        queries.schedule_deletion(tx, organization.id, web.repository, now)

    with beside(services.store, delete, lambda: ingest_commits(services, organization, entries)) as sending:
        (saved,), _ = sending.result()
    assert saved.saved.new == (factories.sha(1),)
    assert not is_due(web, timedelta(minutes=59))
    with services.store.read() as tx:
        newest = commit_queries.page(tx, organization.id, saved.repository.id, factories.EVERYTHING).items[0]
    assert newest.sha == factories.sha(1)


def is_due(web: LinkProject, later: timedelta) -> bool:
    """Whether the repository is to be deleted after a while."""
    with web.services.store.write() as tx:
        return queries.is_due(tx, web.organization.id, web.repository, web.services.clock.now() + later)


def test_installation_is_deleted_beside_a_claim(web: LinkProject) -> None:
    """The deletion waits for the claim, and the claimed repository becomes unclaimed again."""
    services, organization = web.services, web.organization
    other = factories.new_repository(services.store, organization.id, "acme/other")

    def claim(tx: Transaction) -> None:
        assert queries.claim(tx, organization.id, other, web.plugin, web.installation, Claim())

    with beside(services.store, claim, lambda: uninstall(services, organization, web.installation)) as removal:
        assert removal.result() == []
    with services.store.read() as tx:
        assert installation_queries.get(tx, organization.id, web.installation) is None
        found = queries.get_many(tx, organization.id, [other, web.repository])
    assert [found[id_].installation_id for id_ in (other, web.repository)] == [None, None]


def test_two_uploads_leave_one_mapping_for_a_stack_root(web: LinkProject) -> None:
    """The second upload waits for the first one, and replaces its mapping."""
    services, organization = web.services, web.organization

    def upload(tx: Transaction) -> None:
        organization_queries.lock_project(tx, organization.id, web.project_id)
        link_queries.create(tx, organization.id, web.draft("/srv/", "old/"), factories.NOW)

    def again() -> list[str]:
        results = save_mappings(services, organization, ("web", "acme/web"), "main", [Roots("/srv/", "new/")])
        return [result.status for result in results]

    with beside(services.store, upload, again) as second:
        assert second.result() == ["updated"]
    assert [mapping.source_root for mapping in web.mappings()] == ["new/"]


def test_identical_projects_at_once_are_one(web: LinkProject) -> None:
    """The slower request gets the project of the faster one."""
    services, organization = web.services, web.organization

    def create(tx: Transaction) -> None:
        organization_queries.create_project(tx, organization.id, "api", "api", None, factories.NOW)

    with beside(services.store, create, lambda: create_project(services, organization, "api")) as second:
        project, is_new = second.result()
    assert (project.slug, is_new) == ("api", False)


def test_identical_repositories_at_once_are_one(web: LinkProject) -> None:
    """The slower request gets the repository of the faster one."""
    services, organization = web.services, web.organization

    def create(tx: Transaction) -> None:
        queries.create(tx, organization.id, "acme/new", factories.NOW)

    with beside(services.store, create, lambda: create_repository(services, organization, "ACME/new")) as second:
        repository, is_new = second.result()
    assert (repository.name, is_new) == ("acme/new", False)
