"""The operator's settings in plugins.toml, and the forms of an installation."""

from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import AfterValidator, Field, SecretStr, StringConstraints

from scmhost.sdk import Fields, OAuthApp, ProviderError, UrlError, check_web_url

CODEBERG: Final = "https://codeberg.org"

_Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]
_Token = Annotated[SecretStr, Field(min_length=8, max_length=4_000)]


def _address(url: str) -> str:
    if "?" in url:
        raise UrlError("the URL has a query; leave out the ? and what follows")
    return check_web_url(url)


class ForgejoInstance(Fields):
    """A server, under ``[plugins.forgejo.settings.instances.NAME]``."""

    url: Annotated[str, AfterValidator(_address)] = Field(description="The base URL of its web pages.")
    client_id: str = Field(default="", description="The id of an OAuth2 application.")
    client_secret: SecretStr | None = Field(default=None, description="The secret of that application.")

    @property
    def oauth(self) -> OAuthApp:
        """The OAuth2 application."""
        return OAuthApp(
            url=self.url,
            client_id=self.client_id,
            client_secret=self.client_secret,
            authorize="login/oauth/authorize",
            token="login/oauth/access_token",  # noqa: S106 - a path
        )


class ForgejoSettings(Fields):
    """The operator's settings, under ``[plugins.forgejo.settings]``."""

    instances: Mapping[str, ForgejoInstance] = Field(
        default={"codeberg": ForgejoInstance(url=CODEBERG)}, description="Servers by the name that forms use."
    )
    other_instances: bool = Field(default=True, description="Whether forms may name the URL of any other server.")
    first_commits: int = Field(default=20, ge=1, le=1_000, description="Commits of a release without one before it.")
    most_commits: int = Field(default=1_000, ge=1, le=10_000, description="Most commits of one release, the newest.")

    def instance(self, named: str) -> ForgejoInstance:
        """Return a server by its name or its URL.

        Raises:
            ProviderError: there is none, or the operator does not allow it.
        """
        known = {**self.instances, **{instance.url: instance for instance in self.instances.values()}}
        if named.rstrip("/") in known:
            return known[named.rstrip("/")]
        names = ", ".join(sorted(self.instances)) or "none"
        if not self.other_instances:
            raise ProviderError(f"{named!r} is none of the servers that the operator allows: {names}")
        try:
            return ForgejoInstance(url=_address(named))
        except UrlError as error:
            raise ProviderError(f"{named!r} is neither a server of the operator ({names}) nor a URL: {error}") from None


class ForgejoConfiguration(Fields):
    """What may be changed later: the token."""

    token: _Token | None = Field(default=None, description="A new access token, in place of the old one.")


class ForgejoInstallForm(Fields):
    """The install form. Without a token, a person is sent to the server to agree (OAuth2)."""

    instance: _Text = Field(default="codeberg", description="A server of the operator's list by name, or its URL.")
    token: _Token | None = Field(default=None, description="An access token of the server; empty to agree there.")
    name: _Text = Field(default="", description="What people call this installation; by default user and server.")
