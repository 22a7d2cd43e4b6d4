"""Column types that mean the same on every database: ids, UTC times, and texts that all of them take."""

import json
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import BigInteger, DateTime, Dialect, Text
from sqlalchemy.types import TypeDecorator, TypeEngine

from scmhost.infra.clock import in_utc

from .errors import BadText

ID_LIMIT: Final = 2**53
"""Ids stay below this, so that every reader of JSON keeps them exact."""

KEY_BYTES: Final = 2000
"""PostgreSQL's B-tree takes keys of some 2,700 bytes; what is in an index stays clear of that."""

_NO_ID: Final = -1


class Id(TypeDecorator[int]):
    """A number of the one series of ids. A larger number is looked for in vain, and breaks no driver."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> int | None:
        del dialect
        return value if value is None or -ID_LIMIT < value < ID_LIMIT else _NO_ID


class UtcDateTime(TypeDecorator[datetime]):
    """A moment, kept and given back in UTC."""

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

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class LongText(TypeDecorator[str]):
    """Text of any length."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        del dialect
        return value if value is None else checked_text(value)


class KeyText(LongText):
    """Text that stands in an index: not too long, and in the same order on every database."""

    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return Text(collation="C" if dialect.name == "postgresql" else None)

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        checked = super().process_bind_param(value, dialect)
        if checked is not None and len(checked) > KEY_BYTES // 4 and len(checked.encode()) > KEY_BYTES:
            raise BadText(f"text {checked[:40]!r}... is too long; use at most {KEY_BYTES} bytes")
        return checked


def checked_text(value: str) -> str:
    """The text itself, if every database takes it.

    Raises:
        BadText: it holds a NUL character, or half of a surrogate pair.
    """
    if "\x00" in value:
        raise BadText(f"text {value[:40]!r} holds a NUL character; send it without")
    if not value.isascii() and any("\ud800" <= mark <= "\udfff" for mark in value):
        raise BadText(f"text {value[:40]!r} holds half of a surrogate pair; send whole characters")
    return value


def is_text(value: str) -> bool:
    """Whether every database takes a text."""
    return "\x00" not in value and (value.isascii() or not any("\ud800" <= mark <= "\udfff" for mark in value))


def dump_json(value: Any) -> str:
    """JSON that every database takes.

    Raises:
        BadText: a number is NaN or infinite.
    """
    try:
        return json.dumps(value, allow_nan=False)
    except ValueError as error:
        raise BadText("a number is NaN or infinite; JSON has no such numbers") from error
