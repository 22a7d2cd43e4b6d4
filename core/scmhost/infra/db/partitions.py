"""Split the largest tables of PostgreSQL into hash partitions by organization.

Every key of these tables begins with the organization, and so does every search in them: the planner then reads one
partition. Rows, keys, indexes and rights stay the same, and no other statement changes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, text

from . import schema
from .engine import Store
from .errors import StoreError

PARTITIONED: Final = ("commits", "file_changes", "known_files", "release_commits")
"""The tables that grow with the number of commits."""
MOST: Final = 1_024

_COUNT: Final = text("SELECT count(*) FROM pg_inherits WHERE inhparent = CAST(:name AS regclass)")
# The constraints of a partition are those of its table.
_FOREIGN_KEYS: Final = text(
    "SELECT conrelid::regclass::text AS of_table, quote_ident(conname) AS name, "
    "pg_get_constraintdef(oid) AS definition "
    "FROM pg_constraint WHERE contype = 'f' AND conparentid = 0 "
    "AND (conrelid = ANY (CAST(:names AS regclass[])) OR confrelid = ANY (CAST(:names AS regclass[]))) ORDER BY 1, 2"
)
# In this order: a unique key makes an index of its own, which the last part leaves out.
_KEYS: Final = text(
    "SELECT format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) "
    "FROM pg_constraint WHERE contype IN ('p', 'u') AND conrelid = CAST(:name AS regclass) "
    "UNION ALL "
    "SELECT replace(pg_get_indexdef(indexrelid), ' ON ONLY ', ' ON ') FROM pg_index "
    "WHERE indrelid = CAST(:name AS regclass) AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid "
    "AND contype IN ('p', 'u'))"
)
_RIGHTS: Final = text(
    "SELECT format('ALTER TABLE %s OWNER TO %I', oid::regclass, pg_get_userbyid(relowner)) "
    "FROM pg_class WHERE oid = CAST(:name AS regclass) "
    "UNION ALL "
    "SELECT format('GRANT %s ON %s TO %s', privilege_type, oid::regclass, "
    "CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END) "
    "FROM pg_class, aclexplode(relacl) WHERE oid = CAST(:name AS regclass)"
)


@dataclass(frozen=True, slots=True)
class Partitioned:
    """A table, its number of partitions, and that of the rows that were copied: None if it was so already."""

    table: str
    partitions: int
    rows: int | None


def count_partitions(store: Store) -> dict[str, int]:
    """Return the number of partitions of each table that may have some; 0: it is not partitioned."""
    if store.file is not None:
        return dict.fromkeys(PARTITIONED, 0)
    with store.read() as tx:
        return {name: tx.scalars(_COUNT, {"name": name}).one() for name in PARTITIONED}


def partition(store: Store, count: int) -> list[Partitioned]:
    """Copy the tables into so many partitions each, in one transaction; 0: into one table each.

    Nobody else can read or write these tables meanwhile. Until the end both copies need space on the disk.

    Raises:
        StoreError: SQLite has no partitions, or the tables are of another version; nothing is changed.
    """
    if store.file is not None:
        raise StoreError(f"{store.url_without_password} is SQLite, which has no partitions; use PostgreSQL")
    state = store.schema_state()
    if state != "current":
        problem = schema.PROBLEMS.get(state, "its tables are of a newer version of scmhost; install that version")
        raise StoreError(f"Database {store.url_without_password}: {problem}.")
    found = count_partitions(store)
    wanted = [name for name in PARTITIONED if found[name] != count]
    with store.write() as tx:
        copied = dict(_replace_tables(tx.connection(), wanted, count)) if wanted else {}
    return [Partitioned(name, count, copied.get(name)) for name in PARTITIONED]


def _replace_tables(connection: Connection, names: Sequence[str], count: int) -> Iterator[tuple[str, int]]:
    """Replace the tables by copies; yield each with its number of rows."""
    schema.lock(connection)
    connection.exec_driver_sql(f"LOCK TABLE {', '.join(names)} IN ACCESS EXCLUSIVE MODE")
    # Keys between two of these tables can be made when both are there.
    foreign_keys = connection.execute(_FOREIGN_KEYS, {"names": list(names)}).all()
    for key in foreign_keys:
        connection.exec_driver_sql(f"ALTER TABLE {key.of_table} DROP CONSTRAINT {key.name}")
    for name in names:
        yield name, _replace_table(connection, name, count)
    for key in foreign_keys:
        connection.exec_driver_sql(f"ALTER TABLE {key.of_table} ADD CONSTRAINT {key.name} {key.definition}")
    for name in names:
        connection.exec_driver_sql(f"ANALYZE {name}")


def _replace_table(connection: Connection, name: str, count: int) -> int:
    afterwards = [row for query in (_KEYS, _RIGHTS) for row in connection.scalars(query, {"name": name})]
    split = " PARTITION BY HASH (organization_id)" if count else ""
    connection.exec_driver_sql(f"CREATE TABLE {name}_copy (LIKE {name} INCLUDING ALL EXCLUDING INDEXES){split}")
    for number in range(count):
        bounds = f"FOR VALUES WITH (MODULUS {count}, REMAINDER {number})"
        connection.exec_driver_sql(f"CREATE TABLE {name}_{count}_{number} PARTITION OF {name}_copy {bounds}")
    # In the order of the key, so that the rows of an organization are side by side.
    rows = connection.exec_driver_sql(f"INSERT INTO {name}_copy SELECT * FROM {name} ORDER BY organization_id").rowcount  # noqa: S608 - the names are ours
    connection.exec_driver_sql(f"DROP TABLE {name}")
    connection.exec_driver_sql(f"ALTER TABLE {name}_copy RENAME TO {name}")
    # Indexes after the rows: this takes half the time.
    for statement in afterwards:
        connection.exec_driver_sql(statement)
    return rows
