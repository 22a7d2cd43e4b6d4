"""The server's API: its answers, and clients with the credentials of an installation."""

from collections.abc import Mapping
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AliasChoices, BaseModel, Field, SecretStr

from scmhost.sdk import (
    ApiClient,
    ApiCommit,
    ApiFile,
    Installation,
    Repository,
    owner_and_name,
    shared_client,
)

PAGE: Final = 50
"""How many items are asked for at a time: the most that servers give by default."""


class ForgejoUser(BaseModel):
    id: int
    login: str


class ForgejoSha(BaseModel):
    """The commit of a branch or of a tag, which call it differently."""

    sha: Annotated[str, Field(pattern=r"^[0-9a-f]{40,64}$", validation_alias=AliasChoices("sha", "id"))]


class ForgejoRef(BaseModel):
    commit: ForgejoSha


class ForgejoCommit(ApiCommit):
    """A commit with its changed files."""

    files: list[ApiFile] | None = None


class ForgejoHook(BaseModel):
    id: int
    config: dict[str, str] = {}


def api_of(url: str, secrets: Mapping[str, SecretStr]) -> ApiClient:
    """Return a client of a server's API with the secrets of an installation. A token that was set later is used."""
    token = secrets.get("token") or secrets.get("access_token")
    headers = {"Authorization": f"token {token.get_secret_value()}"} if token else None
    return shared_client(f"{url}/api/v1", headers)


def url_of(installation: Installation) -> str:
    """Return the base URL of an installation's server."""
    return str(installation.metadata.get("url") or "https://unknown.invalid")


def client_of(installation: Installation) -> ApiClient:
    """Return a client with the credentials of an installation."""
    return api_of(url_of(installation), installation.secrets)


def repository_api(installation: Installation, repository: Repository) -> ApiClient:
    """Return a client of the calls of a repository that the plugin has added."""
    return client_of(installation).below("repos", *owner_and_name(repository))


def host_of(url: str) -> str:
    """Return the host of a URL, with its port."""
    return urlsplit(url).netloc
