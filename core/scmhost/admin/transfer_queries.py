"""SQL that reads and writes all rows of one organization, of any table."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Column, Table, func, insert, select

from scmhost.audit.tables import AUDIT_ENTRIES
from scmhost.commits.tables import COMMITS
from scmhost.infra.db.base import Id, UtcDateTime
from scmhost.infra.db.engine import Transaction
from scmhost.infra.db.schema import ALL_TABLES
from scmhost.infra.db.statements import AUDIT, COMMON, new_ids
from scmhost.organizations.tables import ORGANIZATIONS

LEFT_OUT: Final = frozenset(
    {
        # Their texts contain the id of the organization, which is another one after the move.
        "redirect_keys",
        "tokens",
        # Derived from a key of this host and the id of the installation, and registered at code hosts with its address.
        "repository_webhooks",
        "webhook_secrets",
        "webhook_deliveries",
        # Of the caches of this host.
        "organization_versions",
        # Counters of what this host was asked for.
        "missing_frames",
        # Their addresses have the ids of this database, and they expire soon.
        "shared_traces",
        # Work that is under way here.
        "jobs",
        "pending_installations",
        "repository_syncs",
        # It describes people and their sessions on this host.
        "memberships",
        "people",
        "person_sessions",
        "sign_in_links",
    }
)
"""Tables whose rows make no sense in another database."""

Row = Mapping[str, Any]

_BATCH: Final = 1_000


def moved_tables() -> Sequence[Table]:
    """Return the tables of an organization's rows, each after those that it refers to."""
    return [table for table in ALL_TABLES.sorted_tables if "organization_id" in table.c and table.name not in LEFT_OUT]


def rows_of(tx: Transaction, table: Table, organization_id: int) -> Iterator[Row]:
    """Yield an organization's rows as JSON values, in the order of their keys, without the organization's id."""
    columns = [column for column in table.c if column.name != "organization_id"]
    query = select(*columns).where(table.c.organization_id == organization_id).order_by(*table.primary_key.columns)
    for row in tx.execute(query.execution_options(yield_per=_BATCH)):
        yield {
            column.name: value.isoformat() if isinstance(value, datetime) else value
            for column, value in zip(columns, row, strict=True)
        }


@dataclass(frozen=True, slots=True)
class NewIds:
    """The ids of an organization's rows in another database, by the old ones.

    Attributes:
        organization_id: the id of the organization here.
        common: the new id of each row. Ids of all tables but the audit log are from one series.
        audit: the same of the audit log.
    """

    organization_id: int
    common: dict[int, int] = field(default_factory=dict)
    audit: dict[int, int] = field(default_factory=dict)

    def add(self, tx: Transaction, table: Table, old: Sequence[int]) -> None:
        """Make a new id for each of a table's ids, in the same order: lists are sorted by them."""
        ordered = sorted(old)
        is_audit = table is AUDIT_ENTRIES
        made = new_ids(tx, len(ordered), AUDIT if is_audit else COMMON)
        (self.audit if is_audit else self.common).update(zip(ordered, made, strict=True))

    def moved(self, column: Column[Any], value: Any) -> Any:
        """Return the value of a column here."""
        if column.name == "organization_id" or value is None:
            return value
        if column.name == "author_ids":
            return [self.common[one] for one in value]
        if not _is_reference(column):
            return value
        if column.name == "id":
            return (self.audit if column.table is AUDIT_ENTRIES else self.common)[value]
        # What a row names without a foreign key may have been deleted, or stay behind, as tokens do.
        return self.common.get(value, None if column.nullable else 0)


def write_rows(tx: Transaction, table: Table, rows: Iterator[Row], ids: NewIds) -> int:
    """Save rows with JSON values, with the ids of this database. Return their number."""
    count = 0
    batch: list[Row] = []
    for row in rows:
        batch.append({name: ids.moved(table.c[name], _value(table.c[name], value)) for name, value in row.items()})
        count += 1
        if len(batch) == _BATCH:
            tx.execute(insert(table), batch)
            batch = []
    if batch:
        tx.execute(insert(table), batch)
    return count


def create_organization(tx: Transaction, organization_id: int, row: Row) -> None:
    """Save an organization with this id."""
    created = datetime.fromisoformat(row["created_at"])
    tx.execute(insert(ORGANIZATIONS).values(**{**row, "id": organization_id, "created_at": created}))


def commits_by_repository(tx: Transaction, organization_id: int) -> Mapping[int, tuple[int, int]]:
    """Return the first and the last id of the commits of each repository."""
    own = COMMITS.c
    query = select(own.repository_id, func.min(own.id), func.max(own.id)).where(own.organization_id == organization_id)
    return {repository: (first, last) for repository, first, last in tx.execute(query.group_by(own.repository_id))}


def organization_row(tx: Transaction, organization_id: int) -> Row:
    """Return an organization's own row as JSON values, without its id."""
    row = tx.execute(select(ORGANIZATIONS).where(ORGANIZATIONS.c.id == organization_id)).one()
    return {"slug": row.slug, "name": row.name, "created_at": row.created_at.isoformat()}


def _value(column: Column[Any], value: Any) -> Any:
    return datetime.fromisoformat(value) if isinstance(column.type, UtcDateTime) and value else value


def _is_reference(column: Column[Any]) -> bool:
    """Return whether a column has an id of the organization's rows: its own, or that of another row."""
    return isinstance(column.type, Id) and (column.name == "id" or column.name.endswith("_id"))
