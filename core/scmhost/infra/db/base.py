"""The base of all tables: keys, naming, and what every table module shares."""

from datetime import datetime
from hashlib import blake2b
from typing import Any, ClassVar, Final, TypeAlias, cast

from sqlalchemy import JSON, ForeignKey, ForeignKeyConstraint, Index, MetaData, Row, Select, Table, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from .columns import Id, KeyText, LongText, UtcDateTime, checked_text

AnyRow: TypeAlias = Row[*tuple[Any, ...]]
AnySelect: TypeAlias = Select[*tuple[Any, ...]]


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


class Owned:
    """A row that stands directly under its organization."""

    organization_id: Mapped[int] = mapped_column(
        ForeignKey("organizations.id", ondelete="CASCADE"), primary_key=True, sort_order=-2
    )
    id: Mapped[int] = mapped_column(primary_key=True, sort_order=-1)


def table_of(row: type[Base]) -> Table:
    """The table of a row class: statements are written on tables, so that no row object outlives one."""
    return cast("Table", row.__table__)


def refers_to(table: str, column: str, *, ondelete: str | None = "CASCADE") -> ForeignKeyConstraint:
    """A foreign key that stays inside one organization."""
    return ForeignKeyConstraint(
        ["organization_id", column], [f"{table}.organization_id", f"{table}.id"], ondelete=ondelete
    )


# Narrow rows live in their key's tree; wide ones, with messages in them, would make that tree slow.
_NARROW: Final = {"sqlite_with_rowid": False}


class Inner:
    """A row below one that stands under the organization."""

    organization_id: Mapped[int] = mapped_column(primary_key=True, sort_order=-1)


class JobRow(Owned, Base):
    """Work that waits for its time, or that failed for good.

    A job with the same kind and key takes the place of an older one, with an id of its own: whoever still works on
    the older one ends a job that is no more. ``leased_until`` is in the future while a worker has it.
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


def hash_of(text: str) -> int:
    """Of 64 bits: among ten thousand texts two are alike once in a hundred thousand million times.

    Raises:
        BadText: no database takes the text.
    """
    digest = blake2b(checked_text(text).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


JOBS: Final = table_of(JobRow)
