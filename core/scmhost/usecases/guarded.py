"""Ask a provider's plugin, and turn its refusals into ours."""

from collections.abc import Iterator
from contextlib import contextmanager

from scmhost.host import ProviderCalls, ProviderOff
from scmhost.sdk import Organization, ProviderError, ProviderForbidden, ProviderUnavailable

from .errors import ProviderRefused
from .services import Services

_REASONS = ((ProviderForbidden, "forbidden"), (ProviderUnavailable, "unavailable"), (ProviderError, "invalid"))


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


@contextmanager
def refusals() -> Iterator[None]:
    """What a plugin raises on purpose becomes a refusal with the plugin's own words."""
    try:
        yield
    except ProviderError as error:
        reason = next(reason for kind, reason in _REASONS if isinstance(error, kind))
        raise ProviderRefused(reason, str(error) or "The provider refused without saying why.") from error
