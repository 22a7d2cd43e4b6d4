"""Create, upgrade and downgrade the tables inside one transaction."""

import threading
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.types import TypeEngine

# A statement on one table may refer to any other, so the metadata has to be complete.
from scmhost.audit import tables as _audit  # noqa: F401
from scmhost.commits import tables as _commits  # noqa: F401
from scmhost.installations import tables as _installations  # noqa: F401
from scmhost.links import tables as _links  # noqa: F401
from scmhost.organizations import tables as _organizations  # noqa: F401
from scmhost.releases import tables as _releases  # noqa: F401
from scmhost.repositories import tables as _repositories  # noqa: F401

from .base import Base

ALL_TABLES: Final = Base.metadata
"""The metadata of all tables."""


# Any number will do, as long as every process takes the same.
_ADVISORY_LOCK: Final = 0x5C_40_57

# Alembic keeps its context in a module: one migration at a time in a process.
_ONE_AT_A_TIME: Final = threading.Lock()


_COUNTING_ROWS: Final = frozenset({"id_series", "audit_id_series"})


def _is_ours(_name: str | None, kind: str, parents: Mapping[str, Any]) -> bool:
    """SQLite's stand-ins for series of ids are no tables of the schema."""
    return not (kind == "table" and parents.get("schema_qualified_table_name") in _COUNTING_ROWS)


def _type_differs(
    context: MigrationContext,
    _found_column: Any,
    _declared_column: Any,
    found: TypeEngine[Any],
    declared: TypeEngine[Any],
) -> bool | None:
    """PostgreSQL names a collation with its schema, the declaration without; the rest is for Alembic to judge."""
    first, second = (kind.compile(dialect=context.dialect) for kind in (found, declared))
    return False if first.replace("pg_catalog.", "") == second else None


COMPARISON: Final[Mapping[str, Any]] = {
    "compare_type": _type_differs,
    "include_name": _is_ours,
    "render_as_batch": True,
    "target_metadata": ALL_TABLES,
}


def upgrade(connection: Connection) -> None:
    """Bring the tables up to date; whoever comes second waits and finds nothing to do."""
    with _ONE_AT_A_TIME:
        _lock(connection)
        command.upgrade(_config(connection), "head")


def downgrade(connection: Connection, revision: str) -> None:
    """Bring the tables back to a revision; ``base`` is an empty database."""
    with _ONE_AT_A_TIME:
        _lock(connection)
        command.downgrade(_config(connection), revision)


def is_current(connection: Connection) -> bool:
    """Whether the tables are those of this version of scmhost."""
    return set(MigrationContext.configure(connection).get_current_heads()) == _heads()


def differences(connection: Connection) -> list[Any]:
    """What a newly generated migration would change: nothing, when tables and migrations agree."""
    return list(compare_metadata(MigrationContext.configure(connection, opts=dict(COMPARISON)), ALL_TABLES))


def _lock(connection: Connection) -> None:
    """PostgreSQL's transactions do not exclude each other, as SQLite's do that write."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", "scmhost.infra.db:migrations")
    config.attributes["connection"] = connection
    return config


@cache
def _heads() -> frozenset[str]:
    """What the newest migrations of this version are called."""
    return frozenset(ScriptDirectory.from_config(_config()).get_heads())
