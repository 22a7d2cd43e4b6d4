"""Queries over all organizations, on each kind of database."""

from datetime import timedelta

import pytest
from sqlalchemy import text

import factories
from factories import NOW
from scmhost.admin import queries as admin_queries
from scmhost.audit import queries as audit_queries
from scmhost.audit.queries import AuditDraft
from scmhost.infra.db import jobs
from scmhost.infra.db.engine import Store
from scmhost.infra.db.errors import StoreUnreachable
from scmhost.infra.paging import PageQuery
from scmhost.links import queries as link_queries
from scmhost.links.values import MappingDraft
from scmhost.organizations import queries as organization_queries
from scmhost.repositories import queries as repository_queries
from scmhost.services import Actor

DAY = timedelta(days=1)


def test_healthy_tenant_has_only_its_own_rows(store: Store) -> None:
    """A tenant whose rows are all connected appears in none of the queries for problems, except for its missing URL."""
    tenant = factories.new_tenant(store)
    with store.read() as tx:
        assert [item.id for item in admin_queries.all_installations(tx)] == [tenant.installation]
        assert admin_queries.count_webhooks(tx, NOW) == 1
        assert admin_queries.newest_row_time(tx) == NOW
        # The factory's repository has no URL, and one code mapping.
        assert [(item.id, item.count) for item in admin_queries.repositories_without_url(tx)] == [
            (tenant.repository, 1)
        ]
        nothing = [
            admin_queries.unclaimed_repositories(tx),
            admin_queries.inactive_repositories(tx),
            admin_queries.failed_jobs(tx),
        ]
        nothing += [admin_queries.tokens_expiring(tx, NOW + DAY), admin_queries.overdue_jobs(tx, NOW, NOW - DAY)]
        assert nothing == [[]] * 5
        assert admin_queries.projects_with_several_mappings(tx) == []


def test_expiring_and_expired_tokens_are_returned(store: Store) -> None:
    """Tokens are ordered by expiry; a revoked one is left out."""
    organization = factories.new_organization(store)
    with store.write() as tx:
        ends = {name: NOW + days * DAY for name, days in (("later", 3), ("past", -1), ("revoked", -2), ("far", 30))}
        ids = {
            name: factories.new_token(tx, organization, name, name=name, expires_at=end) for name, end in ends.items()
        }
        organization_queries.revoke_token(tx, organization, ids["revoked"], NOW)
    with store.read() as tx:
        found = admin_queries.tokens_expiring(tx, NOW + 7 * DAY)
    assert [(item.organization, item.name, item.moment) for item in found] == [
        ("acme", "past", NOW - DAY),
        ("acme", "later", NOW + 3 * DAY),
    ]


def test_repositories_have_their_organization_and_number_of_mappings(store: Store) -> None:
    """Rows of all organizations are returned, each with its organization's slug."""
    for slug in ("acme", "rival"):
        organization = factories.new_organization(store, slug)
        project, free = factories.new_project(store, organization), factories.new_repository(store, organization)
        hidden = factories.new_repository(store, organization, "old", url="https://git.example.com/old")
        with store.write() as tx:
            repository_queries.update_repository(tx, organization, hidden, {"status": "hidden"})
            for root in ("a/", "b/"):
                link_queries.create(tx, organization, MappingDraft(project, free, root, "", "main"), NOW)
    with store.read() as tx:
        assert [(item.organization, item.name, item.count) for item in admin_queries.unclaimed_repositories(tx)] == [
            ("acme", "acme/web", 2),
            ("rival", "acme/web", 2),
        ]
        assert [(item.name, item.detail) for item in admin_queries.inactive_repositories(tx)] == [("old", "hidden")] * 2
        assert [(slug, project) for slug, _, _, project in admin_queries.projects_with_several_mappings(tx)] == [
            ("acme", "web"),
            ("rival", "web"),
        ]


def test_overdue_and_failed_jobs_are_returned(store: Store) -> None:
    """A job that a worker is running is not overdue."""
    organization = factories.new_organization(store)
    with store.write() as tx:
        for key, due in (
            ("late", NOW - DAY),
            ("taken", NOW - 2 * DAY),
            ("failed", NOW - 3 * DAY),
            ("early", NOW + DAY),
        ):
            jobs.put(tx, organization, "work", key, {}, due)
    with store.write() as tx:
        failing, taken = jobs.lease(tx, NOW, NOW + DAY), jobs.lease(tx, NOW, NOW + DAY)
        assert failing is not None
        assert taken is not None
        jobs.fail(tx, failing, "no such ref")
    with store.read() as tx:
        assert [item.name for item in admin_queries.overdue_jobs(tx, NOW, NOW)] == ["work late"]
        assert [(item.name, item.detail) for item in admin_queries.failed_jobs(tx)] == [("work failed", "no such ref")]
        assert jobs.count_by_state(tx, NOW, NOW) == {"waiting": 2, "overdue": 1, "failed": 1}


def test_check_of_write_access_changes_no_row(store: Store) -> None:
    """The check matches no row of any table."""
    factories.new_tenant(store)
    before = factories.all_rows(store)
    with store.write() as tx:
        admin_queries.check_write_access(tx)
    assert factories.all_rows(store) == before


def test_user_without_write_access_is_refused(postgres_url: str) -> None:
    """A user who may read but not write fails the check."""
    store = Store.open(postgres_url)
    with store.write() as tx:
        tx.execute(text("DROP ROLE IF EXISTS scmhost_reader"))
        tx.execute(text("CREATE ROLE scmhost_reader"))
        tx.execute(text("GRANT SELECT ON ALL TABLES IN SCHEMA public TO scmhost_reader"))

    def as_reader() -> None:
        with store.write() as tx:
            tx.execute(text("SET LOCAL ROLE scmhost_reader"))
            admin_queries.check_write_access(tx)

    with pytest.raises(StoreUnreachable, match="access"):
        as_reader()
    with store.write() as tx:
        tx.execute(text("DROP OWNED BY scmhost_reader"))
        tx.execute(text("DROP ROLE scmhost_reader"))
    store.close()


def test_only_postgresql_has_a_clock_of_its_own(store: Store) -> None:
    """SQLite uses the clock of this machine."""
    with store.read() as tx:
        time = admin_queries.database_time(tx)
    assert (time is None) == (store.file is not None)


def test_old_name_of_the_audit_action_is_migrated(store: Store) -> None:
    """Stored entries of plugins.toml are found under the new name of their action; a downgrade restores the old one."""
    with store.write() as tx:
        # Entries outlive organizations, those of other tests too.
        tx.execute(text("DELETE FROM audit_entries"))
        draft = AuditDraft(Actor("file", "file"), "configuration.change", "plugins.toml", None, {"after": "1"}, "1:1")
        audit_queries.add(tx, None, draft, NOW)
        audit_queries.add(tx, None, AuditDraft(Actor("file", "file"), "org.create", "acme", 1, {}), NOW)
    store.downgrade("0005")
    with store.read() as tx:
        actions = tx.execute(text("SELECT action FROM audit_entries ORDER BY id")).scalars()
        assert list(actions) == ["switchboard.change", "org.create"]
    store.migrate()
    with store.read() as tx:
        page = audit_queries.page(tx, None, PageQuery(), action="configuration.change", actor_id=None)
        assert [(entry.target, entry.details) for entry in page.items] == [("plugins.toml", {"after": "1"})]
