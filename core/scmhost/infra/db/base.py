"""What all table modules share: column types, keys, foreign keys, hashes, and the table of jobs.

Column types mean the same on every database. A value that one of the databases refuses is refused on all of them.
At the end are the steps with which a transaction of SQLite begins.
"""

import json
import os
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import blake2b, sha256
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from msgspec.json import Encoder
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    DateTime,
    Dialect,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Insert,
    MetaData,
    Row,
    Select,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    select,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.sql.schema import SchemaItem
from sqlalchemy.types import TypeDecorator, TypeEngine

from scmhost.infra.clock import in_utc

from .errors import BadText

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql

AnyRow: TypeAlias = Row[*tuple[Any, ...]]
AnySelect: TypeAlias = Select[*tuple[Any, ...]]
AnyType: TypeAlias = TypeEngine[Any] | type[TypeEngine[Any]]

ID_LIMIT: Final = 2**53


def is_id(text: str) -> bool:
    """Return whether a text is an id in digits."""
    # The length is limited: int() of a text with thousands of digits raises.
    return text.isascii() and text.isdigit() and len(text) <= len(str(ID_LIMIT))


"""Ids stay below this number, because JavaScript and other JSON readers cannot represent larger ones exactly."""

KEY_BYTES: Final = 2000
"""The longest text in an index. PostgreSQL's B-tree takes keys of about 2,700 bytes."""

_NO_ID: Final = -1
_encode_json: Final = Encoder().encode

_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")
# json.dumps writes hexadecimal digits in lower case. Characters beyond U+FFFF are written as two such escapes.
_SURROGATE_ESCAPE: Final = r"\ud"


class Id(TypeDecorator[int]):
    """An id. A number that is too large to be an id matches no row, instead of failing in the driver."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> int | None:
        del dialect
        # No row has a negative id.
        return value if value is None or -ID_LIMIT < value < ID_LIMIT else _NO_ID


class UtcDateTime(TypeDecorator[datetime]):
    """A time that is stored and returned in UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        del dialect
        if value is None:
            return None
        if value.tzinfo is None:
            raise BadText(f"time {value.isoformat()} has no time zone; add one, as in {value.isoformat()}Z")
        try:
            return in_utc(value)
        except ValueError as error:
            raise BadText(str(error)) from error

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any] | None:
        if dialect.name != "sqlite":
            return super().bind_processor(dialect)

        # The same text as SQLAlchemy's, in a fraction of the time: msgspec is much faster than isoformat().
        def as_text(value: datetime | None) -> str | None:
            # Most times are in UTC already.
            if value is None or value.tzinfo is not UTC:
                value = self.process_bind_param(value, dialect)
            if value is None:
                return None
            quoted = _encode_json(value).decode()
            return f"{quoted[1:11]} {quoted[12:20]}.{quoted[21:-2] or '000000'}"

        return as_text

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        del dialect
        if value is None:
            return None
        # SQLite returns times without a zone.
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class LongText(TypeDecorator[str]):
    """Text of any length."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        del dialect
        return value if value is None else checked_text(value)


class KeyText(LongText):
    """Text in an index: of limited length, and in the same order on every database."""

    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return Text(collation="C" if dialect.name == "postgresql" else None)

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        checked = super().process_bind_param(value, dialect)
        # A character has at most four bytes, so most texts need not be encoded to be measured.
        if checked is not None and len(checked) > KEY_BYTES // 4 and len(checked.encode()) > KEY_BYTES:
            raise BadText(f"text {checked[:40]!r}... is too long; use at most {KEY_BYTES} bytes")
        return checked


# A binary COPY needs the type of each column.
COPY_TYPES: Final[Mapping[type, str]] = {
    Id: "int8",
    BigInteger: "int8",
    KeyText: "text",
    LongText: "text",
    UtcDateTime: "timestamptz",
    Boolean: "bool",
}


def checked_text(value: str) -> str:
    """Return the text, if every database takes it.

    Raises:
        BadText: it contains a NUL character or a lone surrogate.
    """
    if "\x00" in value:
        raise BadText(f"text {value[:40]!r} contains a NUL character; send it without")
    if _has_surrogate(value):
        raise BadText(f"text {value[:40]!r} contains half of a surrogate pair; send whole characters")
    return value


def is_text(value: str) -> bool:
    """Return whether every database takes a text."""
    return "\x00" not in value and not _has_surrogate(value)


def _has_surrogate(value: str) -> bool:
    return not value.isascii() and _SURROGATE.search(value) is not None


def dump_json(value: Any) -> str:
    """Return JSON that every database takes and every answer can contain.

    Raises:
        BadText: it contains a number that is NaN or infinite, or a lone surrogate.
    """
    try:
        text = json.dumps(value, allow_nan=False)
        # As an escape a lone surrogate is valid JSON, but an answer that contains it cannot be encoded as UTF-8.
        if _SURROGATE_ESCAPE in text:
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise BadText("a JSON value contains half of a surrogate pair; send whole characters") from error
    except ValueError as error:
        raise BadText("a number is NaN or infinite; JSON has no such numbers") from error
    return text


def load_json(stored: str | bytes) -> Any:
    """Return the value of stored JSON, with U+FFFD in place of lone surrogates, which older versions did not refuse."""
    text = stored if isinstance(stored, str) else stored.decode()
    value = json.loads(text)
    return without_surrogates(value) if _SURROGATE_ESCAPE in text else value


def without_surrogates(value: Any) -> Any:
    """Return JSON with U+FFFD in place of lone surrogates, so that it can be encoded as UTF-8."""
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, dict):
        return {without_surrogates(key): without_surrogates(item) for key, item in value.items()}
    if isinstance(value, list):
        return [without_surrogates(item) for item in value]
    return value


METADATA: Final = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

# On SQLite, narrow rows are stored in the tree of their primary key. Rows with long texts would make that tree slow.
NARROW: Final = {"sqlite_with_rowid": False}


def table(name: str, *items: SchemaItem, **options: Any) -> Table:
    """Declare a table. Its keys, foreign keys and unique constraints lead with the organization.

    Tables are no ORM classes, which take three times as long to declare, and which no query needs.
    """
    return Table(name, METADATA, *items, **options)


def required(name: str, kind: AnyType, *items: SchemaItem, **options: Any) -> Column[Any]:
    """Return a column that every row fills."""
    return Column(name, kind, *items, nullable=False, **options)


def optional(name: str, kind: AnyType, *items: SchemaItem, **options: Any) -> Column[Any]:
    """Return a column that may be NULL."""
    return Column(name, kind, *items, **options)


def entity_key() -> tuple[Column[Any], Column[Any]]:
    """Return the key of rows that have an id within their organization."""
    # The organization leads the primary key, so that tables can be partitioned by it.
    organization = ForeignKey("organizations.id", ondelete="CASCADE")
    return Column("organization_id", Id, organization, primary_key=True), Column("id", Id, primary_key=True)


def child_key() -> Column[Any]:
    """Return the first part of the key of rows that belong to a row of the organization, such as file changes."""
    return Column("organization_id", Id, primary_key=True)


def refers_to(table: str, column: str, *, ondelete: str | None = "CASCADE") -> ForeignKeyConstraint:
    """Return a foreign key to a row of the same organization."""
    return ForeignKeyConstraint(
        ["organization_id", column], [f"{table}.organization_id", f"{table}.id"], ondelete=ondelete
    )


# The same files appear in most traces of a project.
@lru_cache(maxsize=16_384)
def hash_of(text: str) -> int:
    """Return a hash of 64 bits. Among 10,000 texts, two have the same hash with a probability of 3 in 10**12.

    Raises:
        BadText: no database takes the text.
    """
    # Python's own hash() differs between processes.
    digest = blake2b(checked_text(text).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def hashes_of(texts: Iterable[str]) -> set[int]:
    """Return the hashes of those texts that every database takes."""
    found = list(texts)
    # Checking all at once is much faster than one by one.
    return set(map(hash_of, found if is_text("".join(found)) else filter(is_text, found)))


JOBS: Final = table(
    "jobs",
    *entity_key(),
    required("kind", KeyText),
    required("key", KeyText),
    required("payload", JSON),
    required("state", KeyText),
    required("attempts", Id),
    required("due_at", UtcDateTime),
    optional("leased_until", UtcDateTime),
    optional("fault", LongText),
    UniqueConstraint("organization_id", "kind", "key"),
    Index(None, "state", "due_at", "id"),
)
"""A job that is due at a time, or that failed for good.

A new job replaces one with the same kind and key, and gets an id of its own: a worker that still runs the old job
then finishes a job that does not exist any more. While a worker has the job, ``leased_until`` is in the future.
"""

# Not a column of the organization: every inserted row refers to that one, and would wait for its writer.
VERSIONS: Final = table(
    "organization_versions",
    Column(
        "organization_id", Id, ForeignKey("organizations.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    ),
    required("version", Id),
    required("writes", Id, server_default="0"),
)
"""Counters of an organization, which transactions raise that change its rows.

Attributes:
    version: raised with every change of rows that may be cached.
    writes: raised by every request that writes, if reads go to a replica.
"""

VERSION_OF: Final = select(VERSIONS.c.version).where(VERSIONS.c.organization_id == bindparam("organization"))


def insert_for(dialect: str, table: Table) -> "postgresql.Insert | sqlite.Insert":
    """Return an insert that has ``on_conflict_do_nothing`` and ``on_conflict_do_update``, by the name of a dialect."""
    if dialect == "sqlite":
        return sqlite.insert(table)
    # With PostgreSQL's dialect come those of its six drivers, which a host on SQLite does not need.
    from sqlalchemy.dialects import postgresql  # noqa: PLC0415

    return postgresql.insert(table)


def raised_version(dialect: str, organization_id: int) -> Insert:
    """Return the statement that raises the version of an organization, from 0 before the first change."""
    new = insert_for(dialect, VERSIONS)
    raised = {"version": VERSIONS.c.version + 1}
    first = new.values(organization_id=organization_id, version=1)
    statement: Insert = first.on_conflict_do_update(index_elements=[VERSIONS.c.organization_id], set_=raised)
    return statement


def secret_digest(text: str) -> str:
    """Return the digest under which a token or another secret of 256 random bits is stored."""
    # A fast hash is enough, because it is not a password that people choose.
    return sha256(text.encode()).hexdigest()


def is_open_file(path: str, opened: tuple[int, int]) -> bool:
    """Return whether a path still is the file with this device and inode. Every transaction asks for it."""
    try:
        found = os.stat(path)  # noqa: PTH116
    except OSError:
        return False
    return (found.st_dev, found.st_ino) == opened and bool(found.st_size)


def begin_sqlite(connection: Connection) -> None:
    """Begin a transaction of SQLite, whose driver begins none itself."""
    if connection.get_execution_options().get("writes"):
        # At once: a reader that becomes a writer fails when another writer was faster.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        # This takes no lock and cannot fail. SQLAlchemy takes several times as long for it.
        driver: Any = connection.connection.driver_connection
        driver.execute("BEGIN")
