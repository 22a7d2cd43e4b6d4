"""Upgrade and downgrade the tables inside one transaction, and compare them with the declarations and this version.

A migration states with ``oldest_code`` which code its tables still serve: the revision that was the newest one in that
code. Without it, they serve only code that has the migration. The database stores the answer for all its migrations,
because an older version of scmhost does not have the newer ones.
"""

import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from sqlalchemy import Column, Connection, MetaData, Table, Text, delete, insert, inspect, select, text
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

from .base import METADATA

# Every command reads which version the tables are of, and few need Alembic, whose import takes longer than they do.
if TYPE_CHECKING:
    from alembic.config import Config
    from alembic.migration import MigrationContext

ALL_TABLES: Final = METADATA
"""The metadata of all tables."""


# An arbitrary number that all processes share.
_ADVISORY_LOCK: Final = 0x5C_40_57

# Alembic keeps its context in a module, so a process can run one migration at a time.
_ONE_AT_A_TIME: Final = threading.Lock()

_COMPATIBILITY: Final = Table("schema_compatibility", MetaData(), Column("oldest_code", Text, nullable=False))
"""One row: the oldest code that can serve the tables."""

_REVISIONS: Final = Table("alembic_version", MetaData(), Column("version_num", Text, nullable=False))
"""One row: the revision of the tables, as Alembic stores it."""

# No part of the declared schema, because no use case reads them. On SQLite the first two replace the sequences.
_UNDECLARED: Final = frozenset({"id_series", "audit_id_series", _COMPATIBILITY.name})


# A partition of a table: see ``partitions``.
_PARTITION: Final = re.compile(r".+_\d+_\d+")


def _is_declared(_name: str | None, kind: str, parents: Mapping[str, Any]) -> bool:
    name = parents.get("schema_qualified_table_name") or ""
    return not (kind == "table" and (name in _UNDECLARED or _PARTITION.fullmatch(name)))


def _type_differs(
    context: "MigrationContext",
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
    from alembic import command

    with _ONE_AT_A_TIME:
        lock(connection)
        # Alembic would fail with a traceback, because it does not know a newer revision.
        if status(connection).state in ("empty", "older"):
            command.upgrade(_config(connection), "head")
            _save_oldest_code(connection)


def downgrade(connection: Connection, revision: str) -> None:
    """Downgrade the tables to a revision; ``base`` is an empty database."""
    from alembic import command

    with _ONE_AT_A_TIME:
        lock(connection)
        command.downgrade(_config(connection), revision)
        _save_oldest_code(connection)


SchemaState = Literal["current", "compatible", "empty", "older", "newer"]
"""The tables, seen from this version of scmhost: its own; of a newer version, but this one can serve them; none yet;
of an older version; of a newer version that this one cannot serve."""

SERVED: Final[frozenset[SchemaState]] = frozenset({"current", "compatible"})
"""The states in which this version works with the tables."""

PROBLEMS: Final[Mapping[SchemaState, str]] = {
    "empty": "it has no tables yet; run scmhost migrate",
    "older": "its tables are of an older version of scmhost; run scmhost migrate",
    "newer": "its tables are of a newer version of scmhost; install that version, or restore a backup from before the "
    "upgrade",
}
"""What is wrong with tables that this version cannot serve, and what to do."""


@dataclass(frozen=True, slots=True)
class SchemaStatus:
    """The tables of a database, and which versions of scmhost can serve them.

    Attributes:
        state: the tables, seen from this version of scmhost.
        code: the newest revision of this version.
        tables: the revision of the tables; empty without tables.
        oldest_code: the newest revision of the oldest version that can serve the tables.
    """

    state: SchemaState
    code: str
    tables: str
    oldest_code: str


def status(connection: Connection) -> SchemaStatus:
    """Return which version of scmhost the tables are of, and which can serve them."""
    code, tables = _head(), revision(connection)
    known = tables in _known()
    oldest = oldest_code(tables) if known else _stored_oldest_code(connection)
    if known:
        state: SchemaState = "current" if tables == code else "older"
    elif tables:
        state = "compatible" if oldest in _known() else "newer"
    else:
        state = "empty"
    return SchemaStatus(state, code, tables, oldest or tables)


def revision(connection: Connection) -> str:
    """Return the revision of the tables; an empty text without tables."""
    if not inspect(connection).has_table(_REVISIONS.name):
        return ""
    return ",".join(sorted(connection.scalars(select(_REVISIONS.c.version_num))))


def oldest_code(tables: str) -> str:
    """Return the newest revision of the oldest code that can serve tables of a revision of this version."""
    return max(migration.oldest_code for migration in migrations() if migration.revision <= tables)


def pending(tables: str) -> Mapping[str, str]:
    """Return the titles of the migrations that tables of a revision miss, by revision, the oldest first."""
    return {migration.revision: migration.title for migration in migrations() if migration.revision > tables}


def _save_oldest_code(connection: Connection) -> None:
    if inspect(connection).has_table(_COMPATIBILITY.name):
        connection.execute(delete(_COMPATIBILITY))
        connection.execute(insert(_COMPATIBILITY).values(oldest_code=oldest_code(revision(connection))))


def _stored_oldest_code(connection: Connection) -> str:
    """Return the oldest code that can serve the tables, as the version that upgraded them has stored it."""
    if not inspect(connection).has_table(_COMPATIBILITY.name):
        return ""
    return connection.scalar(select(_COMPATIBILITY.c.oldest_code)) or ""


def differences(connection: Connection) -> list[Any]:
    """Return what a newly generated migration would change: nothing if tables and declarations agree."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    return list(compare_metadata(MigrationContext.configure(connection, opts=dict(COMPARISON)), ALL_TABLES))


def lock(connection: Connection) -> None:
    """Exclude other migrations. On SQLite the writing transaction does so already."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})


def _config(connection: Connection | None = None) -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "scmhost.infra.db:migrations")
    config.attributes["connection"] = connection
    return config


@dataclass(frozen=True, slots=True)
class Migration:
    """A migration of this version.

    Attributes:
        revision: a number of four digits, so that the order of revisions is that of their texts.
        title: the beginning of its docstring.
        oldest_code: the newest revision of the oldest version that its tables serve.
    """

    revision: str
    title: str
    oldest_code: str


_TITLE: Final = re.compile(r'"+(.+?)(?:\n\n|")', re.DOTALL)
_OLDEST_CODE: Final = re.compile(r'^oldest_code = "(\d{4})"$', re.MULTILINE)


@cache
def migrations() -> tuple[Migration, ...]:
    """Return the migrations of this version, the oldest first, as their files describe them."""
    files = (file for folder in _folders() for file in folder.glob("[0-9][0-9][0-9][0-9]_*.py"))
    return tuple(_read_migration(file) for file in sorted(files, key=lambda file: file.name))


def _folders() -> Sequence[Path]:
    return [Path(__file__).with_name("migrations") / "versions"]


def _read_migration(file: Path) -> Migration:
    revision, text = file.name[:4], file.read_text(encoding="utf-8")
    title, oldest_code = _TITLE.match(text), _OLDEST_CODE.search(text)
    return Migration(revision, title[1] if title else "", oldest_code[1] if oldest_code else revision)


@cache
def _known() -> frozenset[str]:
    """Return the revisions of all migrations of this version."""
    return frozenset(migration.revision for migration in migrations())


def _head() -> str:
    """Return the revision of the newest migration of this version."""
    return migrations()[-1].revision


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
