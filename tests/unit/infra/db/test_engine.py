"""Transactions, and the errors of a database that cannot be used."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import bindparam, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

import databases
import factories
from scmhost.commits import bulk_queries
from scmhost.infra.db.base import VERSIONS
from scmhost.infra.db.engine import Store
from scmhost.infra.db.errors import (
    Duplicate,
    MissingReference,
    StoreBusy,
    StoreError,
    StoreFull,
    StoreUnreachable,
    kind_of,
)
from scmhost.infra.db.statements import DriverQuery
from scmhost.infra.settings import DatabaseSettings
from scmhost.organizations import queries as organization_queries
from scmhost.repositories import queries as repository_queries
from scmhost.sdk import CommitDraft, RepositoryStatus


class Halted(Exception):
    """An error of a caller."""


def write_and_halt(store: Store) -> None:
    """Write a row, and fail before the end of the transaction."""
    with store.write() as tx:
        organization_queries.create_organization(tx, "acme", "Acme", factories.NOW)
        raise Halted


def save_on_a_full_disk(store: Store, tenant: factories.Tenant, drafts: list[CommitDraft]) -> None:
    """Save commits while SQLite may grow by only twenty pages."""
    with store.write() as tx:
        pages = tx.execute(text("PRAGMA page_count")).scalar_one()
        tx.execute(text(f"PRAGMA max_page_count = {pages + 20}"))
        bulk_queries.save(tx, tenant.id, tenant.repository, drafts, factories.NOW)


def test_a_failed_transaction_leaves_nothing(store: Store) -> None:
    """Changes before an exception are not saved, and the exception reaches the caller unchanged."""
    with pytest.raises(Halted):
        write_and_halt(store)
    assert factories.all_rows(store)["organizations"] == []


def test_a_reader_sees_one_state(store: Store) -> None:
    """A read transaction does not see what others write meanwhile."""
    with store.read() as tx:
        before = organization_queries.all_organizations(tx)
        factories.new_organization(store)
        assert organization_queries.all_organizations(tx) == before


def test_ping_answers(store: Store) -> None:
    """A ping succeeds and changes nothing."""
    before = factories.all_rows(store)
    store.ping()
    assert factories.all_rows(store) == before


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("mysql://root:hunter2@host/db", "'mysql'"),
        ("hunter2", "cannot be read"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
    ],
)
def test_other_urls_are_refused(url: str, named: str) -> None:
    """A database URL of another kind is refused with the forms that work, and without its password."""
    with pytest.raises(StoreError, match=named) as refusal:
        Store.open(url)
    assert "postgresql://" in str(refusal.value)
    assert "hunter2" not in str(refusal.value)


def test_unreachable_server_is_named_without_its_password() -> None:
    """The error contains the address of the PostgreSQL server, but not the password."""
    with databases.opened("postgresql://me:hunter2@127.0.0.1:1/db") as store:
        with pytest.raises(StoreUnreachable, match=r"127\.0\.0\.1:1/db cannot be used: nothing listens") as error:
            store.ping()
        assert "hunter2" not in f"{error.value}{error.value.__cause__}{store.url_without_password}"


def test_a_missing_folder_is_unreachable() -> None:
    """An SQLite file in a folder that does not exist is an unreachable database."""
    url = "sqlite:////no/such/folder/scmhost.db"
    with databases.opened(url) as store, pytest.raises(StoreUnreachable, match="/no/such/folder/"):
        store.ping()


def test_error_of_a_database_without_tables_names_the_command(empty_url: str) -> None:
    """The error names the command that creates the tables."""
    with databases.opened(empty_url) as store, pytest.raises(StoreError, match="scmhost db status"):
        factories.new_organization(store)


def test_a_file_that_is_no_database_is_refused(sqlite_url: str) -> None:
    """A file of another kind is refused and not overwritten."""
    Path(databases.name_of(sqlite_url)).write_bytes(b"notes, not a database" * 200)
    with databases.opened(sqlite_url) as store, pytest.raises(StoreUnreachable):
        store.ping()


def test_a_locked_database_is_busy(sqlite_url: str) -> None:
    """While another program holds SQLite's lock, a write fails as a whole and can be repeated."""
    store = Store.open(sqlite_url, DatabaseSettings(lock_seconds=0.01))
    try:
        organization = factories.new_organization(store)
        with closing(sqlite3.connect(databases.name_of(sqlite_url), isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreBusy, match="again"):
                factories.new_repository(store, organization)
            other.execute("ROLLBACK")
        assert factories.all_rows(store)["repositories"] == []
    finally:
        store.close()


def test_all_connections_in_use_is_busy() -> None:
    """A timeout of the connection pool can be retried."""
    assert kind_of(PoolTimeout("queue is full")) is StoreBusy


def test_a_busy_database_is_still_read(sqlite_url: str) -> None:
    """Readers do not wait for a writer."""
    with databases.opened(sqlite_url) as store:
        organization = factories.new_organization(store)
        with store.write() as writing, store.read() as tx:
            organization_queries.create_organization(writing, "other", "Other", factories.NOW)
            assert [found.id for found in organization_queries.all_organizations(tx)] == [organization]


def test_a_full_disk_leaves_no_partial_write(sqlite_url: str) -> None:
    """If the disk fills up while commits are saved, none of them is saved, and the error has the reason."""
    with databases.opened(sqlite_url) as store:
        tenant = factories.new_tenant(store)
    drafts = [factories.draft(number, message="x" * 5000) for number in range(10, 200)]
    with databases.opened(sqlite_url) as store:
        before = factories.all_rows(store)
        with pytest.raises(StoreFull, match="disk is full"):
            save_on_a_full_disk(store, tenant, drafts)
        assert factories.all_rows(store) == before


def test_readers_do_not_write_to_postgresql(postgres_url: str) -> None:
    """A read that tries to write is stopped by the database."""
    with databases.opened(postgres_url) as store, pytest.raises(StoreFull, match="read-only"), store.read() as tx:
        organization_queries.create_organization(tx, "acme", "Acme", factories.NOW)


def test_a_dangling_reference_is_missing(store: Store) -> None:
    """A repository cannot belong to an installation that does not exist."""
    organization = factories.new_organization(store)
    with pytest.raises(MissingReference, match="refers to"):
        factories.new_repository(store, organization, provider=factories.PROVIDER, installation_id=factories.NOBODY)


def test_a_duplicate_leaves_the_transaction_usable(store: Store) -> None:
    """After a refused duplicate, the transaction can be used."""
    organization = factories.new_organization(store)
    with store.write() as tx:
        repository_queries.create(tx, organization, "one", factories.NOW)
        with pytest.raises(Duplicate):
            repository_queries.create(tx, organization, "ONE", factories.NOW)
        repository_queries.create(tx, organization, "two", factories.NOW)
    assert len(factories.all_rows(store)["repositories"]) == 2


def test_wrong_statements_are_not_translated(store: Store) -> None:
    """The error of a wrong statement is not translated, because it is a bug of scmhost."""
    for statement in ("SELEKT 1", "SELECT :unbound"):
        with pytest.raises(SQLAlchemyError), store.read() as tx:
            tx.execute(text(statement))


def test_statuses_are_those_of_the_contract(store: Store) -> None:
    """Every status of the contract can be stored and read."""
    repository = factories.new_repository(store, organization := factories.new_organization(store))
    for status in RepositoryStatus:
        with store.write() as tx:
            assert (
                repository_queries.update_repository(tx, organization, repository, {"status": status}).status is status
            )


def test_driver_query_has_the_errors_of_the_store(empty_url: str) -> None:
    """A query that the driver executes fails like any other one: the text has the next step, and no SQL."""
    query = DriverQuery(
        lambda _dialect: select(VERSIONS.c.version).where(VERSIONS.c.organization_id == bindparam("id"))
    )
    with databases.opened(empty_url) as store:
        with pytest.raises(StoreError, match="scmhost db status"), store.read() as tx:
            query.rows(tx, {"id": 1})
        store.migrate()
        with store.read() as tx:
            assert query.rows(tx, {"id": 1}) == []


def test_a_relative_path_survives_another_working_directory(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that embeds the host may change its working directory."""
    monkeypatch.chdir(tmp_path)
    with databases.opened(f"sqlite:///{Path(databases.name_of(sqlite_url)).name}") as store:
        store.ping()
        (tmp_path / "other").mkdir()
        monkeypatch.chdir(tmp_path / "other")
        store.check()
        factories.new_organization(store)
    assert list(Path.cwd().iterdir()) == []
