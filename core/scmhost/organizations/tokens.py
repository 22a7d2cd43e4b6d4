"""Create, list and revoke access tokens; the scopes that they carry, and when they were used."""

import base64
import json
import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final, Literal

from scmhost.audit.queries import record
from scmhost.infra.db.base import secret_digest
from scmhost.infra.errors import InvalidInput, NotFound
from scmhost.sdk import Organization
from scmhost.services import Actor, Services

from . import queries
from .queries import Token

READ_CODE: Final = "code:read"
"""The scope that lets a token read source code. No other scope includes it."""

DEFAULT_SCOPES: Final = (
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
"""The scopes of Sentry's API, which the token of ``scmhost bootstrap`` has. They do not open source code."""

ALL_SCOPES: Final = (*DEFAULT_SCOPES, READ_CODE)

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
    # Sentry's "loose" permission: any member of an organization may link repositories.
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
    # Reads whose input is too long for a URL: the scopes that allow one link allow those of a trace.
    "links": {"POST": _PROJECT_ANY},
    "project": {
        "GET": _PROJECT_ANY,
        "POST": _PROJECT_WRITE,
        "PUT": _PROJECT_WRITE,
        "DELETE": frozenset({"project:admin"}),
    },
    # Not in Sentry: the state of the host, which belongs to no organization. plugins.toml names the organizations that
    # may see it at all.
    "host": {"GET": frozenset({"org:admin"})},
}
"""The scopes for each class of endpoint and each method. One of them is enough."""


LONGEST_NAME: Final = 100


def create_token(
    services: Services,
    organization: Organization,
    name: str,
    scopes: Iterable[str],
    expires_at: datetime | None = None,
    *,
    with_service: bool = False,
) -> tuple[Token, str]:
    """Create a token. The second value is its secret text, which cannot be read again.

    ``with_service``: the text contains the address of this service and the organization, as an organization token of
    Sentry does, so that its clients need no other setting.

    Raises:
        InvalidInput: the name is blank, too long or not printable, a scope does not exist, or the address of this
            service is not set.
    """
    if not 1 <= len(name.strip()) <= LONGEST_NAME or not name.isprintable():
        raise InvalidInput(
            f"The name of a token has 1 to {LONGEST_NAME} characters, and no control characters.", "name"
        )
    granted = frozenset(scopes)
    unknown = sorted(granted - set(ALL_SCOPES))
    if unknown:
        raise InvalidInput(f"scope {unknown[0]!r} does not exist; choose from {', '.join(ALL_SCOPES)}", "scopes")
    text, digest = _new_text(services, organization, with_service=with_service)
    with services.store.write() as tx:
        token = queries.create_token(
            tx,
            organization.id,
            name=name,
            digest=digest,
            hint=text[-4:],
            scopes=granted,
            now=services.clock.now(),
            expires_at=expires_at,
        )
        record(tx, services, organization, "token.create", (token.id, token.name), {"scopes": [*sorted(token.scopes)]})
    return token, text


def _new_text(services: Services, organization: Organization, *, with_service: bool) -> tuple[str, str]:
    if not with_service:
        return plain_token(organization)
    if services.url is None:
        raise InvalidInput(
            "a token of this form contains the address of the service, which is not set: write it to plugins.toml as "
            'url under [host], such as url = "https://scmhost.example"'
        )
    return token_with_service(organization, services.url, services.clock.now())


def list_tokens(services: Services, organization: Organization) -> list[Token]:
    """Return all tokens of an organization, the oldest first, without their secrets."""
    with services.store.read() as tx:
        return queries.all_tokens(tx, organization.id)


def revoke_token(services: Services, organization: Organization, token_id: int) -> None:
    """Revoke a token. Requests with it are refused from now on.

    Raises:
        NotFound: the organization has no such token.
    """
    with services.store.write() as tx:
        token = next((token for token in queries.all_tokens(tx, organization.id) if token.id == token_id), None)
        if token is None:
            raise NotFound(f"Organization {organization.slug!r} has no token with the id {token_id}.")
        queries.revoke_token(tx, organization.id, token_id, services.clock.now())
        # Revoking twice is allowed, but it is one change.
        if token.revoked_at is None:
            record(tx, services, organization, "token.revoke", (token.id, token.name))


def plain_token(organization: Organization) -> tuple[str, str]:
    """Return the text of a new token and its digest."""
    # The prefix lets secret scanners find tokens that were committed by mistake.
    text = f"scmhost_{organization.id}_{secrets.token_urlsafe(32)}"
    return text, secret_digest(text)


def token_with_service(organization: Organization, url: str, now: datetime) -> tuple[str, str]:
    """Return the text of a new token in the form of Sentry's organization tokens, and its digest.

    It contains the address of the service and the organization's slug, which clients read. They are not signed: the
    digest covers only the organization's id and the random part.
    """
    claim = {"iat": now.timestamp(), "url": url, "region_url": url, "org": organization.slug}
    encoded = base64.b64encode(json.dumps(claim, separators=(",", ":")).encode()).decode()
    random_part = base64.b64encode(secrets.token_bytes(32)).decode().rstrip("=")
    return f"sntrys_{encoded}_{random_part}", queries.service_token_digest(organization.id, random_part)


def save_token_uses(services: Services) -> None:
    """Save that the tokens and redirect keys that were used in this process were used by now.

    A request only reads the database, so its token is noted until then. If this fails, it stays noted.
    """
    uses = frozenset(services.token_uses)
    if uses:
        with services.store.write() as tx:
            queries.save_token_uses(tx, dict.fromkeys(uses, services.clock.now()))
        services.token_uses.difference_update(uses)


def add_local_token(services: Services, organization: Organization) -> str:
    """Return a token for a command on this machine, which acts as its user. It ends with the process."""
    text, _ = plain_token(organization)
    services.local_tokens[text] = (organization, services.actor)
    return text


def local_token(organization: Organization, user: Actor, now: datetime) -> Token:
    """Return the token of a command on this machine, which has all scopes."""
    return Token(0, organization.id, user.name, "", frozenset(ALL_SCOPES), now, None, None)
