"""The server's API: its answers, and a client with the credentials of an installation."""

from collections.abc import Sequence
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AliasChoices, BaseModel, Field, RootModel, SecretStr

from scmhost.sdk import ApiClient, Installation, ProviderError, Repository

MOST_CLIENTS: Final = 100
"""How many servers have open connections. Forms may name any."""

PAGE: Final = 50
"""How many items are asked for at a time: the most that servers give by default."""

# What servers allow; other text could not be a part of a URL.
_NAME: Final = r"^[A-Za-z0-9._-]{1,99}/[A-Za-z0-9._-]{1,100}$"
_Sha = Annotated[str, Field(pattern=r"^[0-9a-f]{40,64}$")]

_clients: dict[str, ApiClient] = {}


class ForgejoUser(BaseModel):
    id: int
    login: str


class ForgejoRepository(BaseModel):
    id: int
    full_name: str = Field(pattern=_NAME)
    default_branch: str = ""
    archived: bool = False


class ForgejoSearch(BaseModel):
    data: list[ForgejoRepository]


class ForgejoSha(BaseModel):
    """The commit of a branch or of a tag, which call it differently."""

    sha: _Sha = Field(validation_alias=AliasChoices("sha", "id"))


class ForgejoRef(BaseModel):
    commit: ForgejoSha


class ForgejoAuthor(BaseModel):
    """Who wrote a commit, and when."""

    name: str | None = None
    email: str | None = None
    date: str = ""


class ForgejoMessage(BaseModel):
    message: str | None = None
    author: ForgejoAuthor | None = None


class ForgejoFile(BaseModel):
    filename: str
    status: str = ""


class ForgejoCommit(BaseModel):
    """A commit with its changed files."""

    sha: _Sha
    commit: ForgejoMessage = ForgejoMessage()
    files: list[ForgejoFile] | None = None


class ForgejoEntry(BaseModel):
    """A file, a symbolic link or a submodule."""

    type: str


class ForgejoContents(RootModel[ForgejoEntry | list[ForgejoEntry]]):
    """What is at a path: an entry, or the list of a folder."""


class ForgejoHook(BaseModel):
    id: int
    config: dict[str, str] = {}


def api_of(url: str, token: SecretStr | None = None) -> ApiClient:
    """Return a client of a server's API."""
    client = _clients.get(url)
    if client is None:
        while len(_clients) >= MOST_CLIENTS:
            _clients.pop(next(iter(_clients)), None)
        client = _clients.setdefault(url, ApiClient(f"{url}/api/v1"))
    return client.with_headers({"Authorization": f"token {token.get_secret_value()}"}) if token else client


def url_of(installation: Installation) -> str:
    """Return the base URL of an installation's server."""
    return str(installation.metadata.get("url") or "https://unknown.invalid")


def client_of(installation: Installation) -> ApiClient:
    """Return a client with the credentials of an installation. A token that was set later takes precedence."""
    return api_of(url_of(installation), installation.secrets.get("token") or installation.secrets.get("access_token"))


def path_of(repository: Repository) -> Sequence[str]:
    """Return the beginning of the path of a repository's calls.

    Raises:
        ProviderError: it has no name with an owner.
    """
    owner, slash, name = str(repository.configuration.get("full_name") or repository.name).partition("/")
    if not slash or "/" in name:
        raise ProviderError(f"repository {repository.name!r} has no name of the form owner/name")
    return "repos", owner, name


def host_of(url: str) -> str:
    """Return the host of a URL, with its port."""
    return urlsplit(url).netloc
