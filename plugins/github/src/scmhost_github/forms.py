"""The operator's settings in plugins.toml, and the form of an installation."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, StringConstraints, model_validator

from scmhost.sdk import ProviderError, check_web_url

_MODEL: Final = ConfigDict(extra="forbid", frozen=True)

_WebUrl = Annotated[str, AfterValidator(check_web_url)]
# Part of an external id, which has at most 64 characters.
_Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{0,39}$")]
_Account = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[A-Za-z0-9_-]{0,100}$")]


class GitHubApp(BaseModel):
    """A GitHub App that the operator has registered."""

    model_config = _MODEL

    id: int = Field(ge=1, description="The App ID.")
    slug: str = Field(
        pattern=r"^[A-Za-z0-9_-]{1,100}$", description="The last part of the address of the App's public page."
    )
    private_key: SecretStr | None = Field(default=None, description="The App's private key (PEM, RSA).")
    private_key_file: Path | None = Field(default=None, description="The file with the private key.")
    webhook_secret: SecretStr | None = Field(default=None, min_length=1, description="The secret of the App's webhook.")
    client_id: str = Field(default="", description="The App's client ID, to identify the person who installs.")
    client_secret: SecretStr | None = Field(default=None, description="A client secret of the App.")
    check_person: bool = Field(
        default=True, description="Whether a person may only connect installations that GitHub shows to that person."
    )

    @model_validator(mode="after")
    def _complete(self) -> "GitHubApp":
        if (self.private_key is None) == (self.private_key_file is None):
            raise ValueError("give either private_key or private_key_file")
        # Only an App needs the cryptography, whose import takes long.
        from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey  # noqa: PLC0415
        from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

        try:
            key = load_pem_private_key(self.key().encode(), password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm, OSError) as error:
            # Without the cause, whose text may contain parts of the key.
            raise ValueError(f"the private key cannot be read ({type(error).__name__}); it is a PEM file") from None
        if not isinstance(key, RSAPrivateKey):
            raise ValueError("the private key is not an RSA key")  # noqa: TRY004 - pydantic reports ValueError only
        if self.check_person and not (self.client_id and self.client_secret):
            raise ValueError("give client_id and client_secret, or set check_person = false; the README says why")
        return self

    def key(self) -> str:
        """Return the private key as PEM."""
        if self.private_key_file is not None:
            return self.private_key_file.read_text(encoding="utf-8")
        # A variable of the environment often has \n in place of line ends.
        return self.private_key.get_secret_value().replace("\\n", "\n") if self.private_key else ""


class GitHubInstance(BaseModel):
    """github.com, a GHE.com subdomain, or a GitHub Enterprise Server."""

    model_config = _MODEL

    url: _WebUrl = Field(default="https://github.com", description="The address of the web pages.")
    api_url: _WebUrl | None = Field(default=None, description="The address of the REST API; by default from url.")
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

    @property
    def app_page(self) -> str:
        """The page on which a person installs the App."""
        return f"{self.url}/{'apps' if self.is_cloud else 'github-apps'}/{self.app.slug if self.app else ''}"


class GitHubSettings(BaseModel):
    """The operator's settings, under ``[plugins.github.settings]`` in plugins.toml."""

    model_config = _MODEL

    instances: Mapping[_Name, GitHubInstance] = Field(
        default_factory=lambda: {"github.com": GitHubInstance()},
        min_length=1,
        validate_default=True,
        description="The instances of GitHub by name; by default github.com without an App.",
    )
    first_commits: int = Field(default=20, ge=1, le=100, description="Commits of a release without one before it.")
    most_commits: int = Field(default=2_000, ge=1, le=10_000, description="Most commits of one release.")
    commits_with_files: int = Field(
        default=200, ge=0, le=1_000, description="For how many commits of one release the changed files are read."
    )

    def instance(self, name: object) -> GitHubInstance:
        """Return an instance by its name."""
        found = self.instances.get(str(name))
        if found is None:
            raise ProviderError(f"There is no GitHub instance {name!r}; there are: {', '.join(self.instances)}.")
        return found


class GitHubConfiguration(BaseModel):
    """What may be changed later: the token."""

    model_config = _MODEL

    token: SecretStr | None = Field(
        default=None, min_length=8, description="A new token of a person, in place of the old one."
    )


class GitHubInstallForm(BaseModel):
    """The install form. Without a token, GitHub asks the person in the browser to install the operator's App."""

    model_config = _MODEL

    instance: _Name = Field(default="github.com", description="The name of the operator's instance of GitHub.")
    token: SecretStr | None = Field(
        default=None,
        min_length=8,
        description="A fine-grained personal access token; leave it out to install the GitHub App.",
    )
    owner: _Account = Field(default="", description="A user or organization; with the App, one that has it already.")
