"""The pages of repositories whose plugins have no templates: the plugin is loaded here, and builds each URL."""

from typing import NamedTuple

from scmhost.links.link_builder import page_by_hook
from scmhost.links.values import ChosenRef
from scmhost.plugins import PluginFault, PluginHost, ProviderCalls
from scmhost.plugins.config.reading import read_configuration
from scmhost.sdk import Installation, NoUrl, Organization, ProviderError, ProviderForbidden, Reason, Repository

from .snapshot import HookedRepository


class PluginPages(NamedTuple):
    """Builds the URLs of a repository's files at one ref by calling the plugin."""

    calls: ProviderCalls
    installation: Installation
    repository: Repository
    ref: ChosenRef

    def url(self, path: str, line: int | None = None) -> str | NoUrl:
        """Return the URL of a file, at a line if one is given."""
        try:
            return page_by_hook(self.calls, self.installation, self.repository, self.ref, path, line)
        except ProviderForbidden as error:
            return NoUrl(reason=Reason.FORBIDDEN, message=str(error))
        except (PluginFault, ProviderError) as error:
            return NoUrl(reason=Reason.PROVIDER_FAILED, message=str(error))


class PluginPagesOf:
    """Returns the pages of repositories whose plugins have no templates, by the plugins of a host."""

    def __init__(self, host: PluginHost) -> None:
        self._host = host

    def __call__(self, row: HookedRepository, ref: ChosenRef) -> PluginPages | NoUrl:
        """Return the pages of a repository at a ref, or the reason if its provider is off here."""
        installation = Installation.model_validate(row.installation)
        organization = Organization.model_validate(row.organization)
        calls = self._host.calls(installation.provider)
        decision = self._host.decide(installation.provider, organization)
        if calls is None or not decision.on:
            return NoUrl(reason=Reason.PROVIDER_OFF, message=decision.public_reason)
        return PluginPages(calls, installation, Repository.model_validate(row.repository), ref)


def open_plugin_pages(config: str | None = None) -> PluginPagesOf:
    """Load the plugins that the plugins.toml of this machine enables, for as long as the process runs.

    Raises:
        ConfigError: the file is wrong.
    """
    return PluginPagesOf(PluginHost.open(read_configuration(config), serving=False))
