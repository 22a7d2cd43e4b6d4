"""Upgrade and downgrade the tables inside one transaction, and compare them with the declarations."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any, Final, Literal

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.types import TypeEngine

# Foreign keys and migrations refer to tables of all rooms, so the metadata must be complete.
from scmhost.audit import tables as _audit  # noqa: F401
from scmhost.commits import tables as _commits  # noqa: F401
from scmhost.installations import tables as _installations  # noqa: F401
from scmhost.links import tables as _links  # noqa: F401
from scmhost.organizations import tables as _organizations  # noqa: F401
from scmhost.redirects import tables as _redirects  # noqa: F401
from scmhost.releases import tables as _releases  # noqa: F401
from scmhost.repositories import tables as _repositories  # noqa: F401

from .base import Base

ALL_TABLES: Final = Base.metadata
"""The metadata of all tables."""


# An arbitrary number that all processes share.
_ADVISORY_LOCK: Final = 0x5C_40_57

# Alembic keeps its context in a module, so a process can run one migration at a time.
_ONE_AT_A_TIME: Final = threading.Lock()

# On SQLite these tables replace the sequences. They are no part of the declared schema.
_COUNTING_ROWS: Final = frozenset({"id_series", "audit_id_series"})


def _is_declared(_name: str | None, kind: str, parents: Mapping[str, Any]) -> bool:
    return not (kind == "table" and parents.get("schema_qualified_table_name") in _COUNTING_ROWS)


def _type_differs(
    context: MigrationContext,
    _actual_column: Any,
    _declared_column: Any,
    actual: TypeEngine[Any],
    declared: TypeEngine[Any],
) -> bool | None:
    """Return False for equal collations, which PostgreSQL reports with a schema; None leaves the rest to Alembic."""
    first, second = (kind.compile(dialect=context.dialect) for kind in (actual, declared))
    return False if first.replace("pg_catalog.", "") == second else None


COMPARISON: Final[Mapping[str, Any]] = {
    "compare_type": _type_differs,
    "include_name": _is_declared,
    "render_as_batch": True,
    "target_metadata": ALL_TABLES,
}


def upgrade(connection: Connection) -> None:
    """Upgrade the tables. A second process waits for the first one, and then has nothing to do."""
    with _ONE_AT_A_TIME:
        _lock(connection)
        # Alembic would fail with a traceback, because it does not know the newer revision.
        if state(connection) != "newer":
            command.upgrade(_config(connection), "head")


def downgrade(connection: Connection, revision: str) -> None:
    """Downgrade the tables to a revision; ``base`` is an empty database."""
    with _ONE_AT_A_TIME:
        _lock(connection)
        command.downgrade(_config(connection), revision)


SchemaState = Literal["current", "empty", "older", "newer"]
"""The tables, seen from this version of scmhost: its own, none yet, of an older version, of a newer one."""

PROBLEMS: Final[Mapping[SchemaState, str]] = {
    "empty": "it has no tables yet; run scmhost migrate",
    "older": "its tables are of an older version of scmhost; run scmhost migrate",
    "newer": "its tables are of a newer version of scmhost; install that version, or restore a backup from before the "
    "upgrade",
}
"""What is wrong with tables that are not those of this version, and what to do."""


def state(connection: Connection) -> SchemaState:
    """Return which version of scmhost the tables are of."""
    found = frozenset(MigrationContext.configure(connection).get_current_heads())
    if found == _heads():
        return "current"
    if not found:
        return "empty"
    return "older" if found <= _known() else "newer"


def revision(connection: Connection) -> str:
    """Return the revision of the tables; an empty text without tables."""
    return ",".join(sorted(MigrationContext.configure(connection).get_current_heads()))


def differences(connection: Connection) -> list[Any]:
    """Return what a newly generated migration would change: nothing if tables and declarations agree."""
    return list(compare_metadata(MigrationContext.configure(connection, opts=dict(COMPARISON)), ALL_TABLES))


def _lock(connection: Connection) -> None:
    """Exclude other migrations. On SQLite the writing transaction does so already."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", "scmhost.infra.db:migrations")
    config.attributes["connection"] = connection
    return config


@cache
def _known() -> frozenset[str]:
    """Return the revisions of all migrations of this version."""
    return frozenset(script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions())


@cache
def _heads() -> frozenset[str]:
    """Return the revisions of the newest migrations of this version."""
    return frozenset(ScriptDirectory.from_config(_config()).get_heads())


@contextmanager
def without_foreign_keys(connection: Connection) -> Iterator[None]:
    """Switch foreign keys off on SQLite, where altering a table drops it and would delete all rows that refer to it."""
    if connection.dialect.name != "sqlite":
        yield
        return
    driver = connection.connection
    driver.cursor().execute("PRAGMA foreign_keys = OFF")
    try:
        yield
    finally:
        driver.cursor().execute("PRAGMA foreign_keys = ON")
