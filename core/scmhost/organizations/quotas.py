"""Quotas of an organization: the rows that it may have.

Each worker keeps numbers of its own. It counts rows at the first change of an organization and then once a minute, and
adds what it creates itself, so that quotas of several workers are exact within a minute. Reads neither count nor write.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from time import monotonic
from typing import Final, NamedTuple

from scmhost.infra.db.engine import Transaction
from scmhost.infra.errors import Forbidden
from scmhost.infra.settings import ROWS, RowKind
from scmhost.sdk import Organization
from scmhost.services import Services

from .queries import count_rows

# How many rows a request counts; the housekeeping counts the others.
_FIRST: Final = 100_000


class QuotaExceeded(Forbidden):
    """The organization has as many rows as it may have."""


@dataclass(slots=True)
class CountedRows:
    """How many rows an organization has, as far as this process knows.

    Attributes:
        rows: the number when they were counted, and what this process has created since.
        is_exact: False for more than were counted.
        is_stale: whether they have to be counted again.
        at: when they were counted.
        seconds: how long that took.
    """

    rows: int
    is_exact: bool
    is_stale: bool = True
    at: float = 0.0
    seconds: float = 0.0


class RowCounts:
    """The numbers of rows that this process has counted, by the id of the organization and the kind."""

    def __init__(self) -> None:
        self.known: dict[tuple[int, RowKind], CountedRows] = {}


def take_rows(tx: Transaction, services: Services, organization: Organization, created: Mapping[RowKind, int]) -> None:
    """Count rows that a transaction has created against the quotas. Call this after they were created.

    Raises:
        QuotaExceeded: the organization has too many; the transaction has to be rolled back.
    """
    known, quota = services.shared(RowCounts).known, services.quota_of(organization)
    for kind, number in created.items():
        if number < 1:
            continue
        counted = known.get((organization.id, kind))
        if counted is None:
            # The transaction's own new rows are counted, too.
            rows = count_rows(tx, kind, organization.id, _FIRST + 1)
            counted = known.setdefault((organization.id, kind), CountedRows(rows, rows <= _FIRST))
        else:
            counted.rows += number
        counted.is_stale = True
        most = quota.rows(kind)
        if counted.rows > most:
            counted.rows -= number
            services.telemetry.count("refused_requests", {kind: 1})
            raise QuotaExceeded(
                f"The organization {organization.slug!r} may have {most:,} {ROWS[kind]} (limits.quotas.{kind}), and "
                f"has {counted.rows:,}. Remove some, or ask the operator of this host for more; what you remove is "
                "noticed within a minute."
            )


def refresh_row_counts(services: Services) -> None:
    """Count the rows of organizations that have changed. A number that took long to count is kept for longer."""
    known = services.shared(RowCounts).known
    for (organization_id, kind), counted in list(known.items()):
        # At most a hundredth of the time is spent on counting.
        if counted.is_stale and monotonic() >= counted.at + 100 * counted.seconds:
            _count(services, organization_id, kind)


def _count(services: Services, organization_id: int, kind: RowKind) -> CountedRows:
    began = monotonic()
    with services.store.read() as tx:
        rows = count_rows(tx, kind, organization_id)
    counted = CountedRows(rows, is_exact=True, is_stale=False, at=monotonic(), seconds=monotonic() - began)
    services.shared(RowCounts).known[organization_id, kind] = counted
    return counted


class QuotaUse(NamedTuple):
    """How much of a quota an organization has used."""

    key: str
    title: str
    used: int
    most: int

    @property
    def percent(self) -> int:
        """The share that is used, rounded up."""
        return min(100, ceil(self.used * 100 / self.most))


def row_uses(services: Services, organization: Organization) -> list[QuotaUse]:
    """Return how many rows of each kind an organization has. They are counted at most once a minute."""
    known, quota = services.shared(RowCounts).known, services.quota_of(organization)
    uses = []
    for kind, title in ROWS.items():
        counted = known.get((organization.id, kind))
        if counted is None or not counted.is_exact or monotonic() >= counted.at + max(60.0, 100 * counted.seconds):
            counted = _count(services, organization.id, kind)
        uses.append(QuotaUse(kind, title, counted.rows, quota.rows(kind)))
    return uses
