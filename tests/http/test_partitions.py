"""Tables of PostgreSQL that are split into partitions by organization."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, text

import databases
import factories
from api import ApiClient, commit, open_api
from command import scmhost
from main_story import tell_main_story
from scmhost.commits.tables import FILE_CHANGES
from scmhost.infra.db import schema
from scmhost.infra.db.engine import Store
from scmhost.infra.db.errors import MissingReference, StoreError
from scmhost.infra.db.partitions import PARTITIONED, count_partitions, partition

COUNT = 4


@pytest.fixture(scope="module")
def server(postgres_server: str) -> Iterator[str]:
    """The URL of a partitioned database, for the tests of this module one after the other."""
    with databases.new_database(postgres_server) as url, databases.opened(databases.migrated(url)) as store:
        partition(store, COUNT)
        yield url


@pytest.fixture
def partitioned_url(server: str) -> str:
    """The URL of the same database without rows."""
    return databases.emptied(server)


@pytest.fixture
def api(partitioned_url: str, tmp_path: Path) -> Iterator[ApiClient]:
    """A whole scmhost on it."""
    with open_api(tmp_path, database_url=partitioned_url, background=False) as opened:
        yield opened


@contextmanager
def plans(store: Store) -> Iterator[list[str]]:
    """Collect the plans of all statements that the block runs on the partitioned tables."""
    found: list[str] = []
    uses = re.compile(rf"\b(?:{'|'.join(PARTITIONED)})\b")

    def explain(connection: Connection, _cursor: Any, statement: str, parameters: Any, *_: object) -> None:
        if uses.search(statement) and statement.lstrip().startswith(("SELECT", "UPDATE", "DELETE", "WITH")):
            driver: Any = connection.connection.driver_connection
            # A search for the rows of other rows is limited to one partition when it runs.
            analyze = "ANALYZE" if statement.startswith("SELECT") else "VERBOSE"
            rows = driver.execute(f"EXPLAIN ({analyze}) {statement}", parameters)
            found.append("\n".join(row[0] for row in rows if "(never executed)" not in row[0]))

    event.listen(store._engine, "before_cursor_execute", explain)
    yield found
    event.remove(store._engine, "before_cursor_execute", explain)


@pytest.mark.postgresql
def test_main_story_reads_one_partition_of_each_table(api: ApiClient) -> None:
    """Ingest, claims, links and jobs give the same answers; each statement reads one partition of a table."""
    with plans(api.services.store) as found:
        tell_main_story(api, times=2)
        assert api.get("releases/1.0/commitfiles/").json()
        assert api.delete("releases/1.0/").status_code == 204
    assert len(found) > 10
    for plan in found:
        for table in PARTITIONED:
            assert len(set(re.findall(rf"\b{table}_{COUNT}_\d+ ", plan))) <= 1, plan
    assert any(f"commits_{COUNT}_" in plan for plan in found)


@pytest.mark.postgresql
def test_rows_of_organizations_are_spread_and_kept(postgres_server: str) -> None:
    """A database with rows is split, split again, and put together: rows, keys and rights stay."""
    with databases.new_database(postgres_server) as url, databases.opened(databases.migrated(url)) as store:
        tenants = [factories.new_tenant(store, f"org-{number}") for number in range(12)]
        with store.write() as tx:
            tx.execute(text("GRANT SELECT ON commits TO PUBLIC"))
        before = factories.all_rows(store)
        for count in (COUNT, COUNT, 2 * COUNT, 0, COUNT):
            known = count_partitions(store)
            done = partition(store, count)
            assert {one.table for one in done} == set(PARTITIONED)
            assert all((one.rows is None) == (known[one.table] == count) for one in done)
            assert set(count_partitions(store).values()) == {count}
            assert factories.all_rows(store) == before
            with store.read() as tx:
                found = schema.differences(tx.connection())
                # Keys between two of the tables are those of their partitions.
                between = [] if count == 0 else [("add_fk", "file_changes"), ("add_fk", "release_commits")]
                assert sorted((what, key.table.name) for what, key in found) == between
                rights = "SELECT has_table_privilege('public', 'commits', 'SELECT')"
                assert tx.scalar(text(rights))
        with store.read() as tx:
            used = tx.scalars(text("SELECT DISTINCT tableoid FROM commits")).all()
        assert 1 < len(used) <= COUNT
        new = FILE_CHANGES.insert().values(organization_id=tenants[0].id, commit_id=1, path_hash=1, path="", type="A")
        with pytest.raises(MissingReference), store.write() as tx:
            tx.execute(new)
        # References still delete what belongs to a commit, and nothing else.
        with store.write() as tx:
            tx.execute(text("DELETE FROM commits WHERE organization_id = :id"), {"id": tenants[0].id})
        with store.read() as tx:
            left = tx.scalars(text("SELECT DISTINCT organization_id FROM file_changes")).all()
        assert set(left) == {tenant.id for tenant in tenants[1:]}


@pytest.mark.postgresql
def test_command_splits_a_new_database(postgres_server: str) -> None:
    """The answer has each table; a second run changes nothing."""
    with databases.new_database(postgres_server) as url:
        words = ("db", "partition", "--partitions", 2, "--json", "--database-url", url)
        refused = scmhost(*words)
        assert (refused.code, "run scmhost migrate" in refused.err) == (1, True)
        databases.migrated(url)
        done = [json.loads(scmhost(*words).out) for _ in range(2)]
        assert done[0] == [{"table": name, "partitions": 2, "rows": 0} for name in PARTITIONED]
        assert [one["rows"] for one in done[1]] == [None] * len(PARTITIONED)


@pytest.mark.postgresql
def test_senders_of_the_same_commits_save_them_once(api: ApiClient) -> None:
    """The unique keys hold over all partitions."""
    sent = [commit(f"{place:040}") for place in range(20)]
    assert {api.post("commits/", {"commits": sent}).status_code for _ in range(2)} == {200}
    repository = api.get("repos/").json()[0]
    assert len(api.get(f"repos/{repository['id']}/commits/").json()) == 20


def test_sqlite_has_no_partitions(sqlite_store: Store) -> None:
    """The error says what to use."""
    with pytest.raises(StoreError, match="use PostgreSQL"):
        partition(sqlite_store, COUNT)
    assert set(count_partitions(sqlite_store).values()) == {0}
