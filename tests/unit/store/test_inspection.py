"""What a look over all organizations finds, on each kind of database."""

from datetime import timedelta

import pytest
from sqlalchemy import text

import factories
from factories import NOW
from scmhost.admin import queries as admin_queries
from scmhost.infra.db import jobs
from scmhost.infra.db.engine import Store
from scmhost.infra.db.errors import StoreUnreachable
from scmhost.links import queries as link_queries
from scmhost.links.values import MappingDraft
from scmhost.organizations import queries as organization_queries
from scmhost.repositories import queries as repository_queries

DAY = timedelta(days=1)


def test_a_sound_tenant_gives_no_cause(store: Store) -> None:
    """Where everything is connected to everything, only what is there is told."""
    tenant = factories.new_tenant(store)
    with store.read() as tx:
        assert [item.id for item in admin_queries.installed(tx)] == [tenant.installation]
        assert admin_queries.webhooks(tx, NOW) == 1
        assert admin_queries.newest_row(tx) == NOW
        # The factory's repository has no URL; its mapping leads nowhere.
        assert [(item.id, item.count) for item in admin_queries.without_url(tx)] == [(tenant.repository, 1)]
        nothing = [admin_queries.unclaimed(tx), admin_queries.inactive(tx), admin_queries.failed_jobs(tx)]
        nothing += [admin_queries.tokens_ending(tx, NOW + DAY), admin_queries.overdue_jobs(tx, NOW, NOW - DAY)]
        assert nothing == [[]] * 5
        assert admin_queries.mapped_projects(tx) == []


def test_tokens_are_told_before_and_after_their_end(store: Store) -> None:
    """The sooner first; a revoked one needs no word."""
    organization = factories.new_organization(store)
    with store.write() as tx:
        ends = {name: NOW + days * DAY for name, days in (("later", 3), ("past", -1), ("revoked", -2), ("far", 30))}
        ids = {
            name: factories.new_token(tx, organization, name, name=name, expires_at=end) for name, end in ends.items()
        }
        organization_queries.revoke_token(tx, organization, ids["revoked"], NOW)
    with store.read() as tx:
        found = admin_queries.tokens_ending(tx, NOW + 7 * DAY)
    assert [(item.organization, item.name, item.moment) for item in found] == [
        ("acme", "past", NOW - DAY),
        ("acme", "later", NOW + 3 * DAY),
    ]


def test_repositories_are_told_with_their_mappings(store: Store) -> None:
    """Of every organization, each under its own name."""
    for slug in ("acme", "rival"):
        organization = factories.new_organization(store, slug)
        project, free = factories.new_project(store, organization), factories.new_repository(store, organization)
        hidden = factories.new_repository(store, organization, "old", url="https://git.example.com/old")
        with store.write() as tx:
            repository_queries.update_repository(tx, organization, hidden, {"status": "hidden"})
            for root in ("a/", "b/"):
                link_queries.create(tx, organization, MappingDraft(project, free, root, "", "main"), NOW)
    with store.read() as tx:
        assert [(item.organization, item.name, item.count) for item in admin_queries.unclaimed(tx)] == [
            ("acme", "acme/web", 2),
            ("rival", "acme/web", 2),
        ]
        assert [(item.name, item.detail) for item in admin_queries.inactive(tx)] == [("old", "hidden")] * 2
        assert [(slug, project) for slug, _, _, project in admin_queries.mapped_projects(tx)] == [
            ("acme", "web"),
            ("rival", "web"),
        ]


def test_jobs_are_told_that_nobody_takes_or_that_were_given_up(store: Store) -> None:
    """A job that a worker has is no cause, however late it is."""
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


def test_a_trial_of_writing_writes_nothing(store: Store) -> None:
    """Whoever may write may try it, and every row stays as it is."""
    factories.new_tenant(store)
    before = factories.all_rows(store)
    with store.write() as tx:
        admin_queries.write_nothing(tx)
    assert factories.all_rows(store) == before


def test_a_user_without_rights_is_found_out(postgres_url: str) -> None:
    """A user who may read but not write is told apart before a request fails."""
    store = Store.open(postgres_url)
    with store.write() as tx:
        tx.execute(text("DROP ROLE IF EXISTS scmhost_reader"))
        tx.execute(text("CREATE ROLE scmhost_reader"))
        tx.execute(text("GRANT SELECT ON ALL TABLES IN SCHEMA public TO scmhost_reader"))

    def as_reader() -> None:
        with store.write() as tx:
            tx.execute(text("SET LOCAL ROLE scmhost_reader"))
            admin_queries.write_nothing(tx)

    with pytest.raises(StoreUnreachable, match="access"):
        as_reader()
    with store.write() as tx:
        tx.execute(text("DROP OWNED BY scmhost_reader"))
        tx.execute(text("DROP ROLE scmhost_reader"))
    store.close()


def test_only_a_server_has_a_clock_of_its_own(store: Store) -> None:
    """SQLite's time is this machine's."""
    with store.read() as tx:
        told = admin_queries.clock(tx)
    assert (told is None) == (store.file is not None)
