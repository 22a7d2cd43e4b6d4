"""What all table modules share: column types, row mixins, foreign keys, hashes, and the table of jobs.

Column types mean the same on every database. A value that one of the databases refuses is refused on all of them.
"""

import json
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import blake2b, sha256
from typing import Any, ClassVar, Final, TypeAlias, cast

from msgspec.json import Encoder
from sqlalchemy import (
    JSON,
    BigInteger,
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
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator, TypeEngine

from scmhost.infra.clock import in_utc

from .errors import BadText

AnyRow: TypeAlias = Row[*tuple[Any, ...]]
AnySelect: TypeAlias = Select[*tuple[Any, ...]]

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


class Base(DeclarativeBase):
    """Base of all tables. Keys, foreign keys and unique constraints lead with the organization."""

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        int: Id,
        str: LongText,
        datetime: UtcDateTime,
        dict[str, Any]: JSON,
        list[Any]: JSON,
    }


class EntityMixin:
    """Mixin of rows that have an id within their organization."""

    # The organization leads the primary key, so that tables can be partitioned by it.
    organization_id: Mapped[int] = mapped_column(
        ForeignKey("organizations.id", ondelete="CASCADE"), primary_key=True, sort_order=-2
    )
    id: Mapped[int] = mapped_column(primary_key=True, sort_order=-1)


class ChildMixin:
    """Mixin of rows that belong to a row of the organization, such as the file changes of a commit."""

    organization_id: Mapped[int] = mapped_column(primary_key=True, sort_order=-1)


# On SQLite, narrow rows are stored in the tree of their primary key. Rows with long texts would make that tree slow.
_NARROW: Final = {"sqlite_with_rowid": False}


def table_of(row: type[Base]) -> Table:
    """Return the table of a row class. Queries use tables, so that no ORM object outlives its transaction."""
    return cast("Table", row.__table__)


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


class JobRow(EntityMixin, Base):
    """A job that is due at a time, or that failed for good.

    A new job replaces one with the same kind and key, and gets an id of its own: a worker that still runs the old job
    then finishes a job that does not exist any more. While a worker has the job, ``leased_until`` is in the future.
    """

    __tablename__ = "jobs"
    __table_args__ = (UniqueConstraint("organization_id", "kind", "key"), Index(None, "state", "due_at", "id"))

    kind: Mapped[str] = mapped_column(KeyText)
    key: Mapped[str] = mapped_column(KeyText)
    payload: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(KeyText)
    attempts: Mapped[int]
    due_at: Mapped[datetime]
    leased_until: Mapped[datetime | None]
    fault: Mapped[str | None]


JOBS: Final = table_of(JobRow)


class OrganizationVersionRow(Base):
    """Counters of an organization, which transactions raise that change its rows.

    Attributes:
        version: raised with every change of rows that may be cached.
        writes: raised by every request that writes, if reads go to a replica.
    """

    # Not a column of the organization: every inserted row refers to that one, and would wait for its writer.
    __tablename__ = "organization_versions"

    organization_id: Mapped[int] = mapped_column(
        ForeignKey("organizations.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    version: Mapped[int]
    writes: Mapped[int] = mapped_column(server_default="0")


VERSIONS: Final = table_of(OrganizationVersionRow)

VERSION_OF: Final = select(VERSIONS.c.version).where(VERSIONS.c.organization_id == bindparam("organization"))


def raised_version(dialect: str, organization_id: int) -> Insert:
    """Return the statement that raises the version of an organization, from 0 before the first change."""
    new: Any = (sqlite.insert if dialect == "sqlite" else postgresql.insert)(VERSIONS)
    raised = {"version": VERSIONS.c.version + 1}
    first = new.values(organization_id=organization_id, version=1)
    statement: Insert = first.on_conflict_do_update(index_elements=[VERSIONS.c.organization_id], set_=raised)
    return statement


def secret_digest(text: str) -> str:
    """Return the digest under which a token or another secret of 256 random bits is stored."""
    # A fast hash is enough, because it is not a password that people choose.
    return sha256(text.encode()).hexdigest()
