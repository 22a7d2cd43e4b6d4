"""Ask a provider's plugin, and turn its refusals into ours."""

from collections.abc import Iterator
from contextlib import contextmanager

from scmhost.infra.errors import ProviderRefused
from scmhost.plugins import ProviderCalls, ProviderOff
from scmhost.sdk import Organization, ProviderError, ProviderForbidden, ProviderUnavailable
from scmhost.services import Services


def calls_for(services: Services, provider_key: str, organization: Organization) -> ProviderCalls:
    """The hooks of a provider that is on for this organization.

    Raises:
        ProviderOff: it is not on, with the reason and where that is written.
    """
    switch = services.plugins.decide(provider_key, organization)
    calls = services.plugins.calls(provider_key)
    if not switch.on or calls is None:
        raise ProviderOff(provider_key, switch.reason)
    return calls


def is_known(services: Services, provider_key: str) -> bool:
    """Whether a provider is offered, or a plugin of that name is at least installed or named."""
    reports = services.plugins.plugins
    return services.plugins.provider(provider_key) is not None or provider_key in {report.name for report in reports}


@contextmanager
def refusals() -> Iterator[None]:
    """What a plugin raises on purpose becomes a refusal with the plugin's own words."""
    try:
        yield
    except ProviderForbidden as error:
        raise _refused("forbidden", error) from error
    except ProviderUnavailable as error:
        raise _refused("unavailable", error) from error
    except ProviderError as error:
        raise _refused("invalid", error) from error


def _refused(reason: str, error: ProviderError) -> ProviderRefused:
    return ProviderRefused(reason, str(error) or "The provider refused without saying why.")
