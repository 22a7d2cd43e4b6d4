"""The table of redirect keys."""

from typing import Final

from sqlalchemy import Boolean, UniqueConstraint

from scmhost.infra.db.base import KeyText, LongText, UtcDateTime, entity_key, optional, required, table

REDIRECT_KEYS: Final = table(
    "redirect_keys",
    *entity_key(),
    required("name", LongText),
    required("digest", KeyText),
    required("hint", LongText),
    required("binds_sender", Boolean),
    optional("sender", LongText),
    required("created_at", UtcDateTime),
    optional("revoked_at", UtcDateTime),
    optional("expires_at", UtcDateTime),
    optional("last_used_at", UtcDateTime),
    UniqueConstraint("organization_id", "digest"),
)
