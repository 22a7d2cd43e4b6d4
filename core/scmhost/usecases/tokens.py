"""Create, check, list and revoke access tokens.

A token is ``scmhost_<organization id>_<secret>``. Only a SHA-256 digest is stored: the secret is 256 random bits, so
that a slow hash would protect nothing more.
"""

import hashlib
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from scmhost.kernel.errors import InvalidInput, NotFound
from scmhost.sdk import Organization
from scmhost.store import organizations, tokens
from scmhost.store.values import Actor, Token

from .audit import of_token, record
from .errors import Unauthenticated
from .scopes import ALL_SCOPES
from .services import Services

_TOKEN: Final = re.compile(r"scmhost_(\d{1,16})_[A-Za-z0-9_-]{43}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: an organization's token and what it may do."""

    organization: Organization
    token: Token

    def may(self, scopes: frozenset[str]) -> bool:
        """Whether one of the scopes is there."""
        return bool(self.token.scopes & scopes)

    @property
    def actor(self) -> Actor:
        """The caller as the audit log tells of it."""
        return Actor("token", self.token.name, self.token.id)


def create_token(
    services: Services, organization: Organization, name: str, scopes: Iterable[str], expires_at: datetime | None = None
) -> tuple[Token, str]:
    """Create a token; the second value is the token itself, which is never shown again."""
    wanted = frozenset(scopes)
    unknown = sorted(wanted - set(ALL_SCOPES))
    if unknown:
        raise InvalidInput(f"scope {unknown[0]!r} does not exist; choose from {', '.join(ALL_SCOPES)}", "scopes")
    text = f"scmhost_{organization.id}_{secrets.token_urlsafe(32)}"
    with services.store.write() as tx:
        token = tokens.create(
            tx,
            organization.id,
            name=name,
            digest=_digest(text),
            hint=text[-4:],
            scopes=wanted,
            now=services.clock.now(),
            expires_at=expires_at,
        )
        record(tx, services, organization, "token.create", of_token(token), {"scopes": [*sorted(token.scopes)]})
    return token, text


def authenticate(services: Services, text: str) -> Caller:
    """Find out who a token belongs to.

    Raises:
        Unauthenticated: it is malformed, unknown, revoked or expired. The message does not say which of these a
            stranger could learn from.
    """
    found = _TOKEN.fullmatch(text)
    if not found:
        raise Unauthenticated("Invalid token: this is not a token of scmhost.")
    organization_id = int(found[1])
    with services.store.read() as tx:
        organization = organizations.get(tx, organization_id)
        token = tokens.by_digest(tx, organization_id, _digest(text)) if organization else None
    if organization is None or token is None:
        raise Unauthenticated("Invalid token: it is unknown here.")
    if token.revoked_at is not None:
        raise Unauthenticated("Invalid token: it was revoked.")
    if token.expires_at is not None and token.expires_at <= services.clock.now():
        raise Unauthenticated("Invalid token: it has expired.")
    return Caller(organization, token)


def list_tokens(services: Services, organization: Organization) -> list[Token]:
    """All tokens of an organization, without their secrets."""
    with services.store.read() as tx:
        return tokens.all_(tx, organization.id)


def revoke_token(services: Services, organization: Organization, token_id: int) -> None:
    """Make a token worthless, at once."""
    with services.store.write() as tx:
        token = next((token for token in tokens.all_(tx, organization.id) if token.id == token_id), None)
        if token is None:
            raise NotFound(f"Organization {organization.slug!r} has no token with the id {token_id}.")
        tokens.revoke(tx, organization.id, token_id, services.clock.now())
        if token.revoked_at is None:
            record(tx, services, organization, "token.revoke", of_token(token))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
