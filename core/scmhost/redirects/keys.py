"""Redirect keys: create, list, revoke and find them.

A key is a part of a URL that browsers open, so that it is no token: it allows redirects to pages of one organization's
code hosts, and nothing else.
"""

import re
import secrets
from datetime import datetime
from typing import Final

from scmhost.audit.queries import record
from scmhost.infra.db.base import secret_digest
from scmhost.infra.db.engine import OrganizationCache
from scmhost.infra.errors import Conflict, InvalidInput, NotFound
from scmhost.organizations.queries import find_named
from scmhost.sdk import Organization
from scmhost.services import Services

from . import queries
from .queries import RedirectKey, RedirectKeyDraft

MAX_KEYS: Final = 100
"""How many valid keys an organization may have."""

LONGEST_NAME: Final = 100

# The id of the organization, and 256 random bits in the alphabet of URL-safe Base64.
_KEY: Final = re.compile(r"(\d{1,16})-[A-Za-z0-9_-]{43}", re.ASCII)


def create_key(
    services: Services,
    organization: Organization,
    name: str,
    *,
    binds_sender: bool = False,
    expires_at: datetime | None = None,
) -> tuple[RedirectKey, str]:
    """Create a redirect key. The second value is its text, which cannot be read again.

    Args:
        services: the services.
        organization: the organization that the key belongs to.
        name: shows what the key is for; several keys may have the same.
        binds_sender: whether the key works only for the first sender that uses it.
        expires_at: when it ends to work; by default never.

    Raises:
        InvalidInput: the name is blank, too long or not printable, or the key would be expired already.
        Conflict: the organization has too many keys.
    """
    if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
        raise InvalidInput(
            f"The name of a redirect key has 1 to {LONGEST_NAME} characters, and no control characters.", "name"
        )
    text = f"{organization.id}-{secrets.token_urlsafe(32)}"
    now = services.clock.now()
    if expires_at is not None and expires_at <= now:
        raise InvalidInput("A redirect key expires in the future.", "expiresAt")
    with services.store.write() as tx:
        if queries.count_valid(tx, organization.id, now) >= MAX_KEYS:
            raise Conflict(f"An organization has at most {MAX_KEYS} redirect keys; revoke one that is not used.")
        draft = RedirectKeyDraft(name.strip(), text, binds_sender, expires_at)
        key = queries.create(tx, organization.id, draft, now)
        record(tx, services, organization, "redirect-key.create", (key.id, key.name))
    return key, text


def list_keys(services: Services, organization: Organization) -> list[RedirectKey]:
    """Return all keys of an organization, the oldest first, without their texts."""
    with services.store.read() as tx:
        return queries.all_keys(tx, organization.id)


def revoke_key(services: Services, organization: Organization, key_id: int) -> None:
    """Revoke a key. Its URLs lead nowhere from now on.

    Raises:
        NotFound: the organization has no such key.
    """
    with services.store.write() as tx:
        key = queries.get(tx, organization.id, key_id)
        if key is None:
            raise NotFound(f"Organization {organization.slug!r} has no redirect key with the id {key_id}.")
        # Revoking twice is allowed, but it is one change, and the first time is kept.
        if key.revoked_at is None:
            queries.revoke(tx, organization.id, key_id, services.clock.now())
            record(tx, services, organization, "redirect-key.revoke", (key.id, key.name))


def organization_of(services: Services, text: str, sender: str | None = None) -> tuple[RedirectKey, Organization]:
    """Return a valid key and the organization that it belongs to, and note that it is used.

    The first sender of a key that binds its sender is saved, which is the only write of a redirect.

    Raises:
        NotFound: the key is unknown, revoked or expired, or another sender's.
    """
    # One error for all cases, so that a guess does not show which of them it is.
    unknown = NotFound(
        "There is no such redirect: its key is unknown or revoked, has expired, or belongs to another sender."
    )
    match = _KEY.fullmatch(text)
    if not match:
        raise unknown
    rows = services.store.caches.find(int(match[1]), services.clock.now(), find_named)
    key = _cached_key(services, rows, secret_digest(text)) if rows else None
    if rows is None or key is None or not key.is_valid(services.clock.now()):
        raise unknown
    if key.binds_sender and (not sender or (key.sender or _bind(services, key, sender)) != sender):
        raise unknown
    services.token_uses.add((key.organization_id, key.id))
    return key, rows.organization


def key_problem(services: Services, organization: Organization, text: str, sender: str | None = None) -> str | None:
    """Return why a redirect with a key leads nowhere; None if the key works. Unlike a redirect, it saves no sender."""
    match = _KEY.fullmatch(text)
    if not match or int(match[1]) != organization.id:
        return f"It is no key of organization {organization.slug!r}."
    with services.store.read() as tx:
        key = queries.with_digest(tx, organization.id, secret_digest(text))
    if key is None:
        return f"It is no key of organization {organization.slug!r}."
    if key.revoked_at is not None:
        return f"Key {key.name!r} was revoked."
    if not key.is_valid(services.clock.now()):
        return f"Key {key.name!r} has expired."
    if key.binds_sender and key.sender and key.sender != sender:
        return f"Key {key.name!r} works only for the sender {key.sender!r}, as installationId in the address."
    return None


def _cached_key(services: Services, rows: OrganizationCache, digest: str) -> RedirectKey | None:
    # Guesses fill a cache of their own, and not that of the valid keys.
    if rows.peek("unknown redirect key", digest):
        return None

    def read() -> RedirectKey | None:
        with services.store.read() as tx:
            return queries.with_digest(tx, rows.organization.id, digest)

    key = rows.get("redirect key", digest, read)
    if key is None:
        rows.keep("unknown redirect key", digest, digest)
    return key


def _bind(services: Services, key: RedirectKey, sender: str) -> str | None:
    """Save the first sender of a key. Return the one that is saved, which may be another request's."""
    with services.store.write() as tx:
        queries.bind(tx, key.organization_id, key.id, sender)
        saved = queries.get(tx, key.organization_id, key.id)
    return saved.sender if saved else None
