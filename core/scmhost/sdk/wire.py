"""A repository on the wire: the payload that ``scm_serialize_repository`` shapes, and the types that it keeps."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from pydantic import BaseModel, ConfigDict, JsonValue

from .values import Repository

# On Sentry's wire a hidden repository shows as disabled.
_STATUS: Final[Mapping[str, str]] = {"hidden": "disabled"}


class ProviderPayload(BaseModel):
    """Which provider a repository is of."""

    id: str
    name: str


class RepositoryPayload(BaseModel):
    """A repository on the wire. A plugin may replace values and add fields, but not change these types."""

    model_config = ConfigDict(extra="allow")

    id: str
    name: str
    url: str | None
    provider: ProviderPayload
    status: str
    dateCreated: datetime  # noqa: N815 - the wire's spelling
    integrationId: str | None  # noqa: N815 - the wire's spelling
    externalSlug: JsonValue  # noqa: N815 - the wire's spelling
    externalId: str  # noqa: N815 - the wire's spelling
    idle: str | None = None


def own_payload(repository: Repository, provider: JsonValue, idle: str | None = None) -> dict[str, JsonValue]:
    """A repository's payload before its plugin shapes it; ``provider`` is its id and name."""
    return {
        "id": str(repository.id),
        "name": repository.name,
        "url": repository.url,
        "provider": provider,
        "status": _STATUS.get(repository.status.value, repository.status.value),
        "dateCreated": repository.created_at.isoformat(),
        "integrationId": str(repository.installation_id) if repository.installation_id is not None else None,
        # Strict clients take text here and nothing else.
        "externalSlug": repository.name,
        "externalId": repository.external_id or "",
        "idle": idle,
    }
