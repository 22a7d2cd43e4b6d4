"""The texts of access tokens: made, and read again."""

import base64
import binascii
import hashlib
import json
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from scmhost.sdk import Organization

# An id below 10**16, and 256 random bits in the alphabet of URL-safe Base64.
_PLAIN: Final = re.compile(r"scmhost_(\d{1,16})_[A-Za-z0-9_-]{43}", re.ASCII)
# Clients of Sentry split the text at its two underscores, so both parts are in the alphabet of plain Base64.
_WITH_SERVICE: Final = re.compile(r"sntrys_([A-Za-z0-9+/=]{1,4096})_([A-Za-z0-9+/]{43})", re.ASCII)
_SLUG: Final = re.compile(r"[a-z0-9_-]{1,50}", re.ASCII)


@dataclass(frozen=True, slots=True)
class ReadToken:
    """A token as a client sent it.

    Attributes:
        organization: the id of the token's organization, or its slug.
        secret: the text whose digest is stored; None: the digest is over the organization's id and ``random_part``.
        random_part: the secret part of a token that contains the address of the service.
    """

    organization: int | str
    secret: str | None = None
    random_part: str = ""

    def digest(self, organization_id: int) -> str:
        """Return the digest under which the token is stored, if it is one of this organization."""
        return token_digest(self.secret or _secret_of(organization_id, self.random_part))


def plain_token(organization: Organization) -> tuple[str, str]:
    """Return the text of a new token and its digest."""
    # The prefix lets secret scanners find tokens that were committed by mistake.
    text = f"scmhost_{organization.id}_{secrets.token_urlsafe(32)}"
    return text, token_digest(text)


def token_with_service(organization: Organization, url: str, now: datetime) -> tuple[str, str]:
    """Return the text of a new token in the form of Sentry's organization tokens, and its digest.

    It contains the address of the service and the organization's slug, which clients read. They are not signed: the
    digest covers only the organization's id and the random part.
    """
    claim = {"iat": now.timestamp(), "url": url, "region_url": url, "org": organization.slug}
    encoded = base64.b64encode(json.dumps(claim, separators=(",", ":")).encode()).decode()
    random_part = base64.b64encode(secrets.token_bytes(32)).decode().rstrip("=")
    return f"sntrys_{encoded}_{random_part}", token_digest(_secret_of(organization.id, random_part))


def read_token(text: str) -> ReadToken | None:
    """Return what a token says about itself; None: it has neither form."""
    # The table's key begins with the organization's id, so the text names the organization.
    if plain := _PLAIN.fullmatch(text):
        return ReadToken(int(plain[1]), text)
    if match := _WITH_SERVICE.fullmatch(text):
        slug = _organization_in(match[1])
        return ReadToken(slug, random_part=match[2]) if slug else None
    return None


def token_digest(text: str) -> str:
    """Return the digest under which a token is stored."""
    # A fast hash is enough: the text is 256 random bits, not a password that people choose.
    return hashlib.sha256(text.encode()).hexdigest()


def _secret_of(organization_id: int, random_part: str) -> str:
    # With the id, so that a token whose claim names another organization matches no row of it.
    return f"sntrys_{organization_id}_{random_part}"


def _organization_in(encoded: str) -> str | None:
    try:
        claim = json.loads(base64.b64decode(encoded, validate=True))
    except (binascii.Error, ValueError, RecursionError):
        return None
    slug = claim.get("org") if isinstance(claim, dict) else None
    return slug if isinstance(slug, str) and _SLUG.fullmatch(slug) else None
