"""Access tokens, of which only a digest is stored."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final, NotRequired, TypedDict, Unpack

from sqlalchemy import insert, select, update

from .engine import Transaction
from .ids import take_one
from .statements import duplicates
from .tables import AnyRow, TokenRow, table_of
from .values import Token

_TABLE: Final = table_of(TokenRow)


class NewToken(TypedDict):
    """What makes a token."""

    name: str
    digest: str
    hint: str
    scopes: Iterable[str]
    now: datetime
    expires_at: NotRequired[datetime | None]


def create(tx: Transaction, organization_id: int, **new: Unpack[NewToken]) -> Token:
    """Save a token.

    Raises:
        Duplicate: the digest is known.
    """
    row = {
        "organization_id": organization_id,
        "id": take_one(tx),
        "name": new["name"],
        "digest": new["digest"],
        "hint": new["hint"],
        "scopes": sorted(new["scopes"]),
        "created_at": new["now"],
        "expires_at": new.get("expires_at"),
    }
    with duplicates(tx, f"Token {new['name']!r} was saved already; create a new one."):
        return _token(tx.execute(insert(_TABLE).values(row).returning(_TABLE)).one())


def by_digest(tx: Transaction, organization_id: int, digest: str) -> Token | None:
    """The token with this digest, revoked or not."""
    mine = (_TABLE.c.organization_id == organization_id) & (_TABLE.c.digest == digest)
    row = tx.execute(select(_TABLE).where(mine)).one_or_none()
    return _token(row) if row else None


def all_(tx: Transaction, organization_id: int) -> list[Token]:
    """All tokens of the organization, the oldest first."""
    query = select(_TABLE).where(_TABLE.c.organization_id == organization_id).order_by(_TABLE.c.id)
    return [_token(row) for row in tx.execute(query)]


def revoke(tx: Transaction, organization_id: int, token_id: int, now: datetime) -> bool:
    """Make a token worthless. Whether there is such a token; an earlier time of revocation stays."""
    mine = (_TABLE.c.organization_id == organization_id) & (_TABLE.c.id == token_id)
    tx.execute(update(_TABLE).where(mine, _TABLE.c.revoked_at.is_(None)).values(revoked_at=now))
    return tx.execute(select(_TABLE.c.id).where(mine)).first() is not None


def _token(row: AnyRow) -> Token:
    return Token(
        id=row.id,
        organization_id=row.organization_id,
        name=row.name,
        hint=row.hint,
        scopes=frozenset(row.scopes),
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
    )
