"""The pages of repositories whose plugins have no templates: the plugin is loaded here, and builds each URL."""

from typing import NamedTuple

from scmhost.links.host_questions import MAX_PATH
from scmhost.links.values import ChosenRef, encodable
from scmhost.plugins import PluginFault, PluginHost, ProviderCalls
from scmhost.plugins.config.reading import read_configuration
from scmhost.sdk import (
    Installation,
    Location,
    NoUrl,
    Organization,
    ProviderError,
    ProviderForbidden,
    Reason,
    Repository,
    safe_url,
)
from scmhost.sdk.urls.plain_links import MAX_LINE

from .snapshot import HookedRepository


class PluginPages(NamedTuple):
    """Builds the URLs of a repository's files at one ref by calling the plugin."""

    calls: ProviderCalls
    installation: Installation
    repository: Repository
    ref: ChosenRef

    def url(self, path: str, line: int | None = None) -> str | NoUrl:
        """Return the URL of a file, at a line if one is given."""
        if len(path) > MAX_PATH:
            return NoUrl(message=f"The path has more than {MAX_PATH} characters.")
        if encodable(path) != path:
            return NoUrl(reason=Reason.NOT_A_FILE, message="The path has half a character (a lone surrogate).")
        at = line if line is not None and 1 <= line <= MAX_LINE else None
        location = Location(ref=self.ref.ref, ref_kind=self.ref.kind, path=path, line=at)
        try:
            url = self.calls.source_url(self.installation, self.repository, location)
        except ProviderForbidden as error:
            return NoUrl(reason=Reason.FORBIDDEN, message=str(error))
        except (PluginFault, ProviderError) as error:
            return NoUrl(reason=Reason.PROVIDER_FAILED, message=str(error))
        if isinstance(url, str) and not safe_url(url):
            return NoUrl(reason=Reason.UNSAFE_URL, message="The provider's URL is not a safe http or https link.")
        return url


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
