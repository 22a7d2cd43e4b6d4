"""Serialize repositories: the host makes the payload, and the provider's plugin may shape it."""

from collections.abc import Iterable, Mapping
from typing import Final

import structlog
from pydantic import JsonValue

from scmhost.installations.install import idle_reason
from scmhost.plugins import PluginFault
from scmhost.sdk import Organization, ProviderError, Repository
from scmhost.sdk.provider import ProviderPayload, RepositoryPayload, default_payload
from scmhost.services import Services

log = structlog.get_logger(__name__)

# For repositories of these providers sentry-cli compares the URL with that of the git remote.
_PROVIDERS_WITH_URL: Final = frozenset(
    {"git", "github", "bitbucket", "visualstudio", "google"}
    | {
        f"integrations:{key}"
        for key in ("github", "github_enterprise", "gitlab", "bitbucket", "bitbucket_server", "vsts")
    }
)

UNKNOWN_PROVIDER: Final = {"id": "unknown", "name": "Unknown Provider"}


def serialize_repository(services: Services, organization: Organization, repository: Repository) -> RepositoryPayload:
    """Return the payload of one repository, as the plugin of its provider shapes it.

    While the provider is off or its plugin fails, this is the host's own payload, and its ``idle`` gives the reason.
    """
    key = repository.provider
    idle = idle_reason(services, organization, key)
    payload = default_payload(repository, _provider_payload(services, key), idle)
    calls = None if key is None or idle else services.plugins.calls(key)
    if calls is None:
        return RepositoryPayload.model_validate(payload)
    try:
        # The id is the host's: clients use it in the paths of later requests.
        shaped = {**payload, **calls.serialize_repository(repository, payload), "id": payload["id"]}
        return _usable_by_clients(_checked(shaped), payload)
    except (PluginFault, ProviderError, ValueError, RecursionError) as error:
        # The first line only: pydantic's errors have a line for each field, and a plugin may raise an empty one.
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        log.warning("repository not shaped", plugin=calls.plugin, provider=key, repository=repository.id, error=reason)
        idle = f"The provider's plugin failed ({calls.plugin}): {reason}"
        return RepositoryPayload.model_validate({**payload, "idle": idle})


def serialize_repositories(
    services: Services, organization: Organization, repositories: Iterable[Repository]
) -> list[RepositoryPayload]:
    """Return the payloads of many repositories, in order. A plugin that fails affects its own repositories only."""
    return [serialize_repository(services, organization, repository) for repository in repositories]


def _checked(shaped: Mapping[str, JsonValue]) -> RepositoryPayload:
    """Return a plugin's payload if an answer can contain it.

    Raises:
        ValueError: a value has the wrong type, or JSON cannot express it, such as half of a surrogate pair.
    """
    payload = RepositoryPayload.model_validate(shaped)
    # Otherwise the whole answer would fail, with all other repositories in it.
    payload.model_dump_json()
    return payload


def _usable_by_clients(shaped: RepositoryPayload, own: Mapping[str, JsonValue]) -> RepositoryPayload:
    """Replace a provider that requires a URL where the repository has none.

    sentry-cli ends with an error for the whole organization when such a provider's repository has no URL.
    """
    if shaped.url is not None or shaped.provider.id not in _PROVIDERS_WITH_URL:
        return shaped
    provider = ProviderPayload.model_validate(own["provider"])
    if provider.id in _PROVIDERS_WITH_URL:
        provider = ProviderPayload(id="unknown", name=provider.name)
    return shaped.model_copy(update={"provider": provider})


def _provider_payload(services: Services, key: str | None) -> JsonValue:
    if key is None:
        return dict(UNKNOWN_PROVIDER)
    return {"id": f"integrations:{key}", "name": services.plugins.provider_name(key)}
