"""Create, check, list and revoke access tokens; the scopes that they carry."""

import hashlib
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from scmhost.audit.record import record
from scmhost.infra.errors import InvalidInput, NotFound, Unauthenticated
from scmhost.sdk import Organization
from scmhost.services import Actor, Services

from . import queries
from .values import Token

ALL_SCOPES: Final = (
    "org:read",
    "org:write",
    "org:admin",
    "org:integrations",
    "org:ci",
    "project:read",
    "project:write",
    "project:admin",
    "project:releases",
)

ScopeClass = Literal[
    "organization", "integrations", "loose", "releases", "path_parsing", "project", "links", "host", "audit"
]

_ORG_ANY: Final = frozenset({"org:read", "org:write", "org:admin"})
_ORG_WRITE: Final = frozenset({"org:write", "org:admin"})
_PROJECT_ANY: Final = frozenset({"project:read", "project:write", "project:admin"})
_RELEASE_WRITE: Final = frozenset({"project:write", "project:admin", "project:releases", "org:ci"})
_INTEGRATIONS: Final = frozenset({"org:integrations"})
_DELETE_INTEGRATIONS: Final = frozenset({"org:admin", "org:integrations"})
_PROJECT_WRITE: Final = frozenset({"project:write", "project:admin"})

SCOPES: Final[Mapping[ScopeClass, Mapping[str, frozenset[str]]]] = {
    "organization": {
        "GET": _ORG_ANY,
        "POST": _ORG_WRITE,
        "PUT": _ORG_WRITE,
        "DELETE": frozenset({"org:admin"}),
    },
    "integrations": {
        "GET": _ORG_ANY | _INTEGRATIONS,
        "POST": _ORG_WRITE | _INTEGRATIONS,
        "PUT": _ORG_WRITE | _INTEGRATIONS,
        "DELETE": _DELETE_INTEGRATIONS,
    },
    "loose": {
        "GET": _ORG_ANY | _INTEGRATIONS | {"org:ci"},
        "POST": _ORG_ANY | _INTEGRATIONS,
        "PUT": _ORG_ANY | _INTEGRATIONS,
        "DELETE": _DELETE_INTEGRATIONS,
    },
    "releases": {
        "GET": _PROJECT_ANY | {"project:releases", "org:ci"},
        "POST": _RELEASE_WRITE,
        "PUT": _RELEASE_WRITE,
        "DELETE": frozenset({"project:admin", "project:releases"}),
    },
    "audit": {"GET": frozenset({"org:admin"})},
    "path_parsing": {"POST": frozenset({"org:read", "project:write", "project:admin"})},
    # Reads whose question is too long for a URL: whoever may ask for one link may ask for those of a trace.
    "links": {"POST": _PROJECT_ANY},
    "project": {
        "GET": _PROJECT_ANY,
        "POST": _PROJECT_WRITE,
        "PUT": _PROJECT_WRITE,
        "DELETE": frozenset({"project:admin"}),
    },
    # Not Sentry's: what is of no organization. The operator says which organizations may see it at all.
    "host": {"GET": frozenset({"org:admin"})},
}
"""For each class of endpoint and method: the scopes of which one suffices."""


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
        token = queries.create_token(
            tx,
            organization.id,
            name=name,
            digest=_digest(text),
            hint=text[-4:],
            scopes=wanted,
            now=services.clock.now(),
            expires_at=expires_at,
        )
        record(tx, services, organization, "token.create", (token.id, token.name), {"scopes": [*sorted(token.scopes)]})
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
        organization = queries.get_organization(tx, organization_id)
        token = queries.token_by_digest(tx, organization_id, _digest(text)) if organization else None
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
        return queries.all_tokens(tx, organization.id)


def revoke_token(services: Services, organization: Organization, token_id: int) -> None:
    """Make a token worthless, at once."""
    with services.store.write() as tx:
        token = next((token for token in queries.all_tokens(tx, organization.id) if token.id == token_id), None)
        if token is None:
            raise NotFound(f"Organization {organization.slug!r} has no token with the id {token_id}.")
        queries.revoke_token(tx, organization.id, token_id, services.clock.now())
        if token.revoked_at is None:
            record(tx, services, organization, "token.revoke", (token.id, token.name))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
