"""Split the largest tables of PostgreSQL into hash partitions by organization.

Every key of these tables begins with the organization, and so does every search in them: the planner then reads one
partition. Rows, keys, indexes and rights stay the same, and no other statement changes.

Rows of an organization are in partitions of the same number, so a foreign key between two of the tables is one between
partitions. PostgreSQL checks a key to a whole partitioned table much slower: saving commits would take twice the time.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, text

from . import schema
from .drivers import long_statements
from .engine import Store
from .errors import StoreError

PARTITIONED: Final = ("commits", "file_changes", "known_files", "release_commits")
"""The tables that grow with the number of commits."""

_COUNT: Final = text("SELECT count(*) FROM pg_inherits WHERE inhparent = CAST(:name AS regclass)")
# Those between two of the tables are made by partition. The others of a partition are those of its table.
_FOREIGN_KEYS: Final = text(
    "SELECT conrelid::regclass::text AS of_table, quote_ident(conname) AS name, "
    "pg_get_constraintdef(oid) AS definition, "
    "conrelid = ANY (CAST(:names AS regclass[])) AND confrelid = ANY (CAST(:names AS regclass[])) AS is_between "
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
    with long_statements(), store.write() as tx:
        copied = _replace_tables(tx.connection(), count) if set(found.values()) != {count} else {}
    return [Partitioned(name, count, copied.get(name)) for name in PARTITIONED]


def _replace_tables(connection: Connection, count: int) -> dict[str, int]:
    """Replace the tables by copies. Return the number of rows of each."""
    schema.lock(connection)
    connection.exec_driver_sql(f"LOCK TABLE {', '.join(PARTITIONED)} IN ACCESS EXCLUSIVE MODE")
    foreign_keys = connection.execute(_FOREIGN_KEYS, {"names": list(PARTITIONED)}).all()
    for key in foreign_keys:
        connection.exec_driver_sql(f"ALTER TABLE {key.of_table} DROP CONSTRAINT {key.name}")
    rows = {name: _replace_table(connection, name, count) for name in PARTITIONED}
    outer = [key for key in foreign_keys if not key.is_between]
    for key in outer:
        connection.exec_driver_sql(f"ALTER TABLE {key.of_table} ADD CONSTRAINT {key.name} {key.definition}")
    for statement in _keys_between(count):
        connection.exec_driver_sql(statement)
    for name in PARTITIONED:
        connection.exec_driver_sql(f"ANALYZE {name}")
    return rows


def _keys_between(count: int) -> Iterator[str]:
    """Yield the statements that make the foreign keys between two of the tables."""
    ends = [f"_{count}_{number}" for number in range(count)] or [""]
    for name in PARTITIONED:
        for key in schema.ALL_TABLES.tables[name].foreign_key_constraints:
            referred = key.referred_table.name
            if referred in PARTITIONED:
                columns = ", ".join(key.column_keys)
                others = ", ".join(element.column.name for element in key.elements)
                for end in ends:
                    yield (
                        f"ALTER TABLE {name}{end} ADD CONSTRAINT {key.name} FOREIGN KEY ({columns}) "
                        f"REFERENCES {referred}{end} ({others}) ON DELETE {key.ondelete or 'NO ACTION'}"
                    )


def _replace_table(connection: Connection, name: str, count: int) -> int:
    afterwards = [row for query in (_KEYS, _RIGHTS) for row in connection.scalars(query, {"name": name})]
    split = " PARTITION BY HASH (organization_id)" if count else ""
    connection.exec_driver_sql(f"CREATE TABLE {name}_copy (LIKE {name} INCLUDING ALL EXCLUDING INDEXES){split}")
    for number in range(count):
        bounds = f"FOR VALUES WITH (MODULUS {count}, REMAINDER {number})"
        connection.exec_driver_sql(f"CREATE TABLE {name}_{count}_{number} PARTITION OF {name}_copy {bounds}")
    # In the order of the key, so that the rows of an organization are side by side.
    rows = connection.exec_driver_sql(f"INSERT INTO {name}_copy SELECT * FROM {name} ORDER BY organization_id").rowcount  # noqa: S608 - the names are ours
    # CASCADE: the keys of partitions that refer to it. All others are gone already.
    connection.exec_driver_sql(f"DROP TABLE {name} CASCADE")
    connection.exec_driver_sql(f"ALTER TABLE {name}_copy RENAME TO {name}")
    # Indexes after the rows: this takes half the time.
    for statement in afterwards:
        connection.exec_driver_sql(statement)
    return rows
