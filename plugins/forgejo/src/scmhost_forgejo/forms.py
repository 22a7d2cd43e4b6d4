"""The operator's settings in plugins.toml, and the forms of an installation."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Final

from pydantic import Field, StringConstraints, ValidationError

from scmhost.sdk import AccessToken, Fields, HostInstance, ProviderError, named_instance

CODEBERG: Final = "https://codeberg.org"

_Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]


class ForgejoInstance(HostInstance):
    """A server, under ``[plugins.forgejo.settings.instances.NAME]``."""

    authorize_path: ClassVar[str] = "login/oauth/authorize"
    token_path: ClassVar[str] = "login/oauth/access_token"  # noqa: S105 - a path


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
        try:
            return named_instance(self.instances, named)
        except ProviderError:
            if not self.other_instances:
                raise
        try:
            return ForgejoInstance(url=named)
        except ValidationError as error:
            names, problem = ", ".join(sorted(self.instances)) or "none", error.errors(include_url=False)[0]["msg"]
            raise ProviderError(
                f"{named!r} is neither a server of the operator ({names}) nor a URL: {problem}"
            ) from None


class ForgejoConfiguration(Fields):
    """What may be changed later: the token."""

    token: AccessToken | None = Field(default=None, description="A new access token, in place of the old one.")


class ForgejoInstallForm(Fields):
    """The install form. Without a token, a person is sent to the server to agree (OAuth2)."""

    instance: _Text = Field(default="codeberg", description="A server of the operator's list by name, or its URL.")
    token: AccessToken | None = Field(default=None, description="An access token of the server; empty to agree there.")
    name: _Text = Field(default="", description="What people call this installation; by default user and server.")
