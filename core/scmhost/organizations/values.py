"""Projects and tokens as they are stored."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Project:
    """A deployable thing of an organization. ``mappings_version`` rises with every change of its code mappings."""

    id: int
    organization_id: int
    slug: str
    name: str
    platform: str | None
    mappings_version: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Token:
    """An access token. The secret itself is not stored; ``hint`` is its last four characters."""

    id: int
    organization_id: int
    name: str
    hint: str
    scopes: frozenset[str]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
