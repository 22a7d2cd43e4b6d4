"""The tables: their keys and indexes, and migrations."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Constraint, ForeignKeyConstraint, Table, UniqueConstraint, inspect, text

import databases
import factories
from scmhost.infra.db import jobs, schema
from scmhost.infra.db.engine import Store, Transaction
from scmhost.infra.db.errors import Duplicate, MissingReference
from scmhost.infra.db.schema import ALL_TABLES, SERVED
from scmhost.links import queries as link_queries
from scmhost.links import shared_queries
from scmhost.links.values import MappingDraft
from scmhost.repositories import file_queries
from scmhost.repositories import queries as repository_queries
from statement_count import recorded_plans

pytestmark = pytest.mark.thorough

OWNED = [table for table in ALL_TABLES.sorted_tables if table.name not in factories.HOST_TABLES | {"organizations"}]

MIGRATE = "import sys; from scmhost.infra.db.engine import Store; s = Store.open(sys.argv[1]); s.migrate(); s.close()"


# A worker leases work of any organization, and deletes what has expired, so these indexes do not begin with one.
WORK_QUEUES = {"ix_jobs_state_due_at_id", "ix_repositories_delete_after_id", "ix_shared_traces_expires_at"}
# A delivery to the common address of a provider names an installation, and no organization.
DELIVERIES = {"ix_installations_provider_external_id_organization_id"}
# A person belongs to the host, and may be in several organizations.
PEOPLE = {"ix_memberships_person_id"}


def refers_to_people(key: Constraint) -> bool:
    """Return whether a key refers to a person."""
    return isinstance(key, ForeignKeyConstraint) and key.referred_table.name == "people"


def leading_columns(table: Table) -> list[str]:
    """Return the first column of every key of a table."""
    kinds = (UniqueConstraint, ForeignKeyConstraint)
    keys = [list(table.primary_key.columns)]
    keys += [list(key.columns) for key in table.constraints if isinstance(key, kinds) and not refers_to_people(key)]
    keys += [list(index.columns) for index in table.indexes if index.name not in WORK_QUEUES | DELIVERIES | PEOPLE]
    return [columns[0].name for columns in keys]


@pytest.mark.parametrize("table", OWNED, ids=str)
def test_keys_lead_with_the_organization(table: Table) -> None:
    """Every key and index begins with the organization, so that tables can be partitioned by it.

    Exceptions are the searches that concern all organizations.
    """
    assert set(leading_columns(table)) == {"organization_id"}


@pytest.mark.parametrize(
    ("search", "part", "index"),
    [
        (jobs.is_due, "FROM jobs", "ix_jobs_state_due_at_id"),
        (lambda tx, now: jobs.lease(tx, now, now), "FROM jobs", "ix_jobs_state_due_at_id"),
        (repository_queries.due_for_deletion, "FROM repositories", "ix_repositories_delete_after_id"),
        (shared_queries.remove_expired, "FROM shared_traces", "ix_shared_traces_expires_at"),
    ],
    ids=["due job", "lease of a job", "due deletion", "expired traces"],
)
def test_work_queues_use_an_index(
    sqlite_store: Store, search: Callable[[Transaction, datetime], object], part: str, index: str
) -> None:
    """The searches that each worker repeats every second or minute neither scan their tables nor sort."""
    with sqlite_store.write() as tx, recorded_plans(sqlite_store, part) as plans:
        search(tx, factories.NOW)
    assert len(plans) == 1
    assert index in plans[0]
    assert "SCAN" not in plans[0]
    assert "TEMP B-TREE" not in plans[0]


def test_installation_of_a_delivery_is_found_by_an_index(sqlite_store: Store) -> None:
    """Anybody can send deliveries, so their search must not scan all installations."""
    with sqlite_store.read() as tx:
        query = "SELECT * FROM installations WHERE provider = 'p' AND external_id = '1' ORDER BY organization_id"
        plan = str(tx.execute(text(f"EXPLAIN QUERY PLAN {query}")).all())
        assert "ix_installations_provider_external_id_organization_id" in plan
        assert "TEMP B-TREE" not in plan


def test_list_of_releases_uses_an_index(sqlite_store: Store) -> None:
    """The newest releases are read in the order of an index, instead of sorting all releases."""
    with sqlite_store.read() as tx:
        query = "SELECT * FROM releases WHERE organization_id = 1 AND status = 'open' ORDER BY dated_at DESC, id DESC"
        plan = str(tx.execute(text(f"EXPLAIN QUERY PLAN {query} LIMIT 10")).all())
        assert "ix_releases_organization_id_dated_at_id" in plan
        assert "TEMP B-TREE" not in plan


@pytest.mark.parametrize("table", OWNED, ids=str)
def test_references_stay_inside_an_organization(table: Table) -> None:
    """A row refers to rows of its own organization only."""
    pairs = {
        (key.parent.name, key.column.name)
        for key in table.foreign_keys
        if key.column.table.name not in {"organizations", "people"}
    }
    assert not {parent for parent, _ in pairs} or ("organization_id", "organization_id") in pairs


def test_upgrade_and_downgrade(empty_url: str) -> None:
    """A downgrade deletes all tables, and another upgrade creates them again."""
    with databases.opened(empty_url) as store:
        store.migrate()
        store.downgrade()
        left = set(table_names(store))
        store.migrate()
        assert left == {"alembic_version"}
        assert store.schema_state() == "current"


def differences(store: Store) -> list[Any]:
    """The differences between the tables and the declarations."""
    with store.read() as tx:
        return schema.differences(tx.connection())


def test_migrations_match_the_declarations(store: Store) -> None:
    """The migrations create the tables that the code declares."""
    assert differences(store) == []


def test_an_empty_database_is_not_current(empty_url: str) -> None:
    """An empty database is reported as outdated."""
    with databases.opened(empty_url) as store:
        assert store.schema_state() not in SERVED
        assert differences(store)


def test_downgrade_to_one_source_root_keeps_the_oldest(store: Store) -> None:
    """A downgrade keeps the first mapping of a stack root; the next upgrade indexes the files of all commits."""
    tenant = factories.new_tenant(store)
    second = MappingDraft(tenant.project, tenant.repository, "app/", "lib/", None)
    with store.write() as tx:
        link_queries.create(tx, tenant.id, second, factories.NOW)
    store.downgrade("0002")
    store.migrate()
    with store.write() as tx:
        assert [item.id for item in link_queries.for_project(tx, tenant.id, tenant.project)] == [tenant.mapping]
        with pytest.raises(Duplicate):
            link_queries.create(tx, tenant.id, replace(second, source_root="src/"), factories.NOW)
    with store.read() as tx:
        (order,) = jobs.with_key_prefix(tx, tenant.id, file_queries.INDEX_FILES, "")
    assert order.payload == {"repository": tenant.repository, "first": 0, "last": 2**53 - 1}
    assert differences(store) == []


COMPATIBLE = [item.revision for item in schema.migrations() if schema.oldest_code(item.revision) < item.revision]


@pytest.mark.parametrize("revision", COMPATIBLE)
def test_tables_that_older_code_can_serve_only_have_more(sqlite_store: Store, revision: str) -> None:
    """Older code inserts rows without new columns, and knows no new keys."""
    sqlite_store.downgrade(schema.oldest_code(revision))
    before = described(sqlite_store)
    with sqlite_store._changing_schema() as connection:
        command.upgrade(schema._config(connection), revision)
    after = described(sqlite_store)
    for name, (columns, keys) in before.items():
        new_columns, new_keys = after[name]
        assert columns == {column: new_columns[column] for column in columns}
        assert all(new_columns[column] for column in new_columns.keys() - columns)
        assert keys == new_keys


def described(store: Store) -> dict[str, tuple[dict[str, bool], list[str]]]:
    """Return the columns of each table, with whether a row may leave them out, and its keys."""
    found = inspect(store._engine)
    return {
        table: (
            {item["name"]: bool(item["nullable"] or item["default"]) for item in found.get_columns(table)},
            sorted(
                f"{key['name']} {key.get('column_names') or key.get('constrained_columns')}"
                for key in [
                    *found.get_unique_constraints(table),
                    *found.get_foreign_keys(table),
                    *(index for index in found.get_indexes(table) if index["unique"]),
                ]
            ),
        )
        for table in found.get_table_names()
    }


@pytest.mark.parametrize(
    ("tables", "oldest", "state"),
    [
        ("", "", "empty"),
        ("0001", "", "older"),
        (schema._head(), schema._head(), "current"),
        ("9999", schema._head(), "compatible"),
        ("9999", "0001", "compatible"),
        ("9999", "9998", "newer"),
        ("9999", "", "newer"),
    ],
)
def test_database_says_which_code_can_serve_it(sqlite_store: Store, tables: str, oldest: str, state: str) -> None:
    """Newer tables are served by code that is not older than they allow."""
    with sqlite_store.write() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = :value"), {"value": tables})
        tx.execute(text("UPDATE schema_compatibility SET oldest_code = :value"), {"value": oldest})
    assert sqlite_store.schema_state() == state


def test_a_migration_saves_the_oldest_code(store: Store) -> None:
    """The row is written in the migration's transaction, on every kind of database."""
    with store.read() as tx:
        saved = tx.scalars(text("SELECT oldest_code FROM schema_compatibility")).all()
    assert saved == [schema.oldest_code(schema._head())]
    assert store.schema_status().oldest_code == saved[0]


def test_migrations_are_read_as_alembic_reads_them() -> None:
    """Their files are read without Alembic: its revisions have the same order, titles and oldest codes."""
    scripts = reversed(list(ScriptDirectory.from_config(schema._config()).walk_revisions()))
    found = [(each.revision, each.doc, getattr(each.module, "oldest_code", each.revision)) for each in scripts]
    assert [(each.revision, each.title, each.oldest_code) for each in schema.migrations()] == found


def test_migrating_again_changes_nothing(store: Store) -> None:
    """An upgrade of a current database does nothing."""
    before = table_names(store)
    store.migrate()
    assert table_names(store) == before


def test_processes_can_migrate_at_once(empty_url: str) -> None:
    """Several processes can upgrade an empty database at once."""
    words = [sys.executable, "-c", MIGRATE, empty_url]
    workers = [subprocess.Popen(words, stderr=subprocess.PIPE) for _ in range(3)]
    errors = [worker.communicate()[1] for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0, 0], errors
    with databases.opened(empty_url) as store:
        assert store.schema_state() == "current"


def test_replacing_a_table_deletes_nothing_else(sqlite_store: Store) -> None:
    """SQLite alters a table by replacing it; rows that refer to the old table are kept."""
    factories.new_tenant(sqlite_store)
    before = factories.all_rows(sqlite_store)
    with sqlite_store._changing_schema() as connection:
        connection.execute(text("CREATE TABLE replacement AS SELECT * FROM repositories"))
        connection.execute(text("DROP TABLE repositories"))
        connection.execute(text("ALTER TABLE replacement RENAME TO repositories"))
    assert factories.all_rows(sqlite_store) == before


def test_foreign_keys_are_enforced_after_a_migration(sqlite_store: Store) -> None:
    """No connection is left with foreign keys switched off."""
    sqlite_store.migrate()
    organization = factories.new_organization(sqlite_store)
    with pytest.raises(MissingReference):
        factories.new_repository(sqlite_store, organization, installation_id=factories.NOBODY)


def table_names(store: Store) -> list[str]:
    """Return the tables of the database."""
    return sorted(inspect(store._engine).get_table_names())
