"""Show a repository: the host makes the payload, the provider's plugin may shape it."""

from collections.abc import Iterable, Mapping
from typing import Final

import structlog
from pydantic import JsonValue, ValidationError

from scmhost.installations.install import idle_reason
from scmhost.plugins import PluginFault
from scmhost.sdk import Organization, Repository
from scmhost.sdk.provider import ProviderPayload, RepositoryPayload, default_payload
from scmhost.services import Services

log = structlog.get_logger(__name__)

# The ids for which sentry-cli sends refs, after it has compared the repository's URL with that of the git remote.
_NEED_A_URL: Final = frozenset(
    {"git", "github", "bitbucket", "visualstudio", "google"}
    | {
        f"integrations:{key}"
        for key in ("github", "github_enterprise", "gitlab", "bitbucket", "bitbucket_server", "vsts")
    }
)

UNKNOWN_PROVIDER: Final = {"id": "unknown", "name": "Unknown Provider"}


def serialize_repository(services: Services, organization: Organization, repository: Repository) -> RepositoryPayload:
    """The payload of one repository.

    While the provider is off or its plugin fails, the host's own payload is shown, and ``idle`` says why.
    """
    idle = idle_reason(services, organization, repository.provider)
    payload = _own_payload(services, repository, idle)
    calls = None if repository.provider is None or idle else services.plugins.calls(repository.provider)
    if calls is None:
        return RepositoryPayload.model_validate(payload)
    try:
        shaped = calls.serialize_repository(repository, payload)
        return _usable(RepositoryPayload.model_validate({**payload, **shaped, "id": payload["id"]}), payload)
    except (PluginFault, ValidationError) as error:
        log.warning("repository not shaped", provider=repository.provider, repository=repository.id, error=str(error))
        return RepositoryPayload.model_validate({**payload, "idle": f"The provider's plugin failed: {_short(error)}"})


def serialize_repositories(
    services: Services, organization: Organization, repositories: Iterable[Repository]
) -> list[RepositoryPayload]:
    """The payloads of many repositories, in their order."""
    return [serialize_repository(services, organization, repository) for repository in repositories]


def _usable(shaped: RepositoryPayload, own: Mapping[str, JsonValue]) -> RepositoryPayload:
    """sentry-cli ends with an error for the whole organization where such a provider's repository has no URL."""
    if shaped.url is not None or shaped.provider.id not in _NEED_A_URL:
        return shaped
    provider = ProviderPayload.model_validate(own["provider"])
    known = provider.id not in _NEED_A_URL
    return shaped.model_copy(
        update={"provider": provider if known else ProviderPayload(id="unknown", name=provider.name)}
    )


def _own_payload(services: Services, repository: Repository, idle: str | None) -> dict[str, JsonValue]:
    return default_payload(repository, _provider(services, repository.provider), idle)


def _provider(services: Services, key: str | None) -> JsonValue:
    if key is None:
        return dict(UNKNOWN_PROVIDER)
    return {"id": f"integrations:{key}", "name": services.plugins.provider_name(key)}


def _short(error: Exception) -> str:
    return str(error).splitlines()[0]
