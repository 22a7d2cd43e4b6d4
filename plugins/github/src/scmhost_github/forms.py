"""The operator's settings in plugins.toml, and the form of an installation."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, StringConstraints, model_validator

from scmhost.sdk import AccessToken, BaseUrl, CommitLimits, Fields, Installation, OAuthClient, named_instance

# Part of an external id, which has at most 64 characters.
_Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{0,39}$")]
_Account = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[A-Za-z0-9_-]{0,100}$")]


# A key is checked when it is read, which takes a tenth of a second.
@cache
def _key(pem: str) -> Any:
    from jwt.algorithms import RSAAlgorithm  # noqa: PLC0415

    return RSAAlgorithm(RSAAlgorithm.SHA256).prepare_key(pem)


class GitHubApp(OAuthClient):
    """A GitHub App that the operator has registered. Its client ID and secret identify the person who installs."""

    authorize_path: ClassVar[str] = "login/oauth/authorize"
    token_path: ClassVar[str] = "login/oauth/access_token"  # noqa: S105 - a path

    id: int = Field(ge=1, description="The App ID.")
    slug: str = Field(pattern=r"^[A-Za-z0-9_-]{1,100}$", description="The last part of the address of the App's page.")
    private_key: SecretStr | None = Field(default=None, description="The App's private key (PEM, RSA).")
    private_key_file: Path | None = Field(default=None, description="The file with the private key.")
    webhook_secret: SecretStr | None = Field(default=None, min_length=1, description="The secret of the App's webhook.")
    check_person: bool = Field(default=True, description="Whether GitHub must show an installation to the person.")

    @model_validator(mode="after")
    def _complete(self) -> "GitHubApp":
        if (self.private_key is None) == (self.private_key_file is None):
            raise ValueError("give either private_key or private_key_file")
        # Only an App needs the cryptography, whose import takes long.
        from jwt import PyJWTError  # noqa: PLC0415

        try:
            self.signed({})
        except (PyJWTError, AttributeError, OSError, TypeError, ValueError) as error:
            # Without the cause, whose text may contain parts of the key. PyJWT does not check the kind of key.
            raise ValueError(
                f"the private key cannot be read ({type(error).__name__}); it is a PEM file (RSA)"
            ) from None
        if self.check_person and not (self.client_id and self.client_secret):
            raise ValueError("give client_id and client_secret, or set check_person = false; the README has the reason")
        return self

    def signed(self, claims: Mapping[str, object]) -> str:
        """Return a JWT of the private key."""
        import jwt  # noqa: PLC0415

        if self.private_key_file is not None:
            key = self.private_key_file.read_text(encoding="utf-8")
        else:
            # A variable of the environment often has \n in place of line ends.
            key = self.private_key.get_secret_value().replace("\\n", "\n") if self.private_key else ""
        return jwt.encode(dict(claims), _key(key), algorithm="RS256")


class GitHubInstance(Fields):
    """github.com, a GHE.com subdomain, or a GitHub Enterprise Server."""

    url: BaseUrl = Field(default="https://github.com", description="The address of the web pages.")
    api_url: BaseUrl | None = Field(default=None, description="The address of the REST API; by default from url.")
    app: GitHubApp | None = Field(default=None, description="The GitHub App; without one, installations need a token.")

    @property
    def api(self) -> str:
        """The address of the REST API."""
        if self.api_url:
            return self.api_url
        return self.url.replace("://", "://api.") if self.is_cloud else f"{self.url}/api/v3"

    @property
    def graphql(self) -> str:
        """The address below which the path of the GraphQL API is."""
        return self.api.removesuffix("/v3")

    @property
    def is_cloud(self) -> bool:
        """Whether GitHub runs it."""
        host = urlsplit(self.url).hostname or ""
        return host == "github.com" or host.endswith(".ghe.com")


class GitHubSettings(CommitLimits):
    """The operator's settings, under ``[plugins.github.settings]`` in plugins.toml."""

    instances: Mapping[_Name, GitHubInstance] = Field(
        default_factory=lambda: {"github.com": GitHubInstance()},
        min_length=1,
        validate_default=True,
        description="The instances of GitHub by name; by default github.com without an App.",
    )

    def of(self, installation: Installation) -> GitHubInstance:
        """Return the instance of an installation."""
        return named_instance(self.instances, installation.metadata.get("instance"))


class GitHubConfiguration(Fields):
    """What may be changed later: the token."""

    token: AccessToken | None = Field(
        default=None, description="A fine-grained personal access token; without one, the GitHub App is installed."
    )


class GitHubInstallForm(GitHubConfiguration):
    """The install form. Without a token, GitHub asks the person in the browser to install the operator's App."""

    instance: _Name = Field(default="github.com", description="The name of the operator's instance of GitHub.")
    owner: _Account = Field(default="", description="A user or organization; with the App, one that has it already.")
