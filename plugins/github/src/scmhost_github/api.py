"""Requests to GitHub's REST API, and the parts of its answers that the plugin reads."""

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

from pydantic import AliasChoices, AliasPath, BaseModel, Field

from scmhost.sdk import (
    ApiAnswer,
    ApiError,
    ApiNotFound,
    CommitDraft,
    CommitTime,
    Installation,
    ProviderError,
    ProviderUnauthorized,
    ProviderUnavailable,
    Repository,
    changes_of,
    ref_problem,
    shared_client,
)

from .forms import GitHubInstance, GitHubSettings

if TYPE_CHECKING:
    from scmhost.sdk import ApiClient

T = TypeVar("T")

PAGE: Final = 100
"""The most items that GitHub returns at once."""

MOST_PAGES: Final = 100
"""The most pages of one list that are read in one call of a hook."""

_HEADERS: Final = {"x-github-api-version": "2022-11-28"}
# 404 for an unknown name, 409 for an empty repository, 422 for an id that is no commit.
_NO_COMMIT: Final = frozenset({404, 409, 410, 422})
_COMMIT: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


Id = Annotated[int, Field(ge=1, lt=2**63)]


def _author(name: str, *others: str) -> AliasChoices:
    return AliasChoices(AliasPath("commit", "author", name), AliasPath("author", name), *others)


class GitHubCommit(BaseModel):
    """A commit of the REST API, of the GraphQL API or of a webhook."""

    sha: str = Field(pattern=r"^[0-9a-f]{40,64}$", validation_alias=AliasChoices("sha", "id", "oid"))
    message: str | None = Field(None, validation_alias=AliasChoices(AliasPath("commit", "message"), "message"))
    author_name: str | None = Field(None, validation_alias=_author("name"))
    author_email: str | None = Field(None, validation_alias=_author("email"))
    timestamp: CommitTime = Field(None, validation_alias=_author("date", "timestamp"))

    def draft(self, kinds: Mapping[str, str]) -> CommitDraft:
        """Return the commit with its changes, by path."""
        own = self.model_dump(include=set(GitHubCommit.model_fields))
        return CommitDraft.model_validate({**own, "changes": changes_of(kinds)})


def client(base_url: str, token: str = "") -> "ApiClient":
    """Return a client for an address that sends a token. Connections are kept for the life of the process."""
    credentials = {"authorization": f"Bearer {token}"} if token else {}
    return shared_client(base_url, {**_HEADERS, **credentials})


def is_app(installation: Installation) -> bool:
    """Return whether an installation is that of a GitHub App."""
    return installation.metadata.get("kind") == "app"


def instance_of(installation: Installation, settings: GitHubSettings) -> GitHubInstance:
    """Return the instance of an installation."""
    return settings.instance(installation.metadata.get("instance"))


def api_of(installation: Installation, settings: GitHubSettings, *, graphql: bool = False) -> "ApiClient":
    """Return a client with the token of an installation."""
    token = installation.secrets.get("token")
    if token is None:
        raise ProviderUnauthorized("The installation has no token.")
    instance = instance_of(installation, settings)
    return client(instance.graphql if graphql else instance.api, token.get_secret_value())


async def pages(api: "ApiClient", kind: type[T], *path: str, page: int = 1) -> AsyncIterator[tuple[T, int | None]]:
    """Yield the pages of a list, each with the number of the next page; None for the last one."""
    following: int | None = page
    # A host that always names one more page would never end.
    while following is not None and following < page + MOST_PAGES:
        # Not conditional: a page may be the same when one more page follows.
        answer = await api.request("GET", *path, params={"per_page": PAGE, "page": following})
        following = following + 1 if answer.next_params else None
        yield answer.read(kind), following


@dataclass(frozen=True, slots=True)
class GitHubRepositoryApi:
    """The part of the API that is below one repository."""

    api: "ApiClient"
    path: tuple[str, str, str]

    @classmethod
    def of(cls, installation: Installation, repository: Repository, settings: GitHubSettings) -> "GitHubRepositoryApi":
        """Return the API of a repository that the plugin has added."""
        owner, _, name = str(repository.configuration.get("full_name", "")).partition("/")
        if not name:
            raise ProviderError(f"Repository {repository.name!r} was not added by this plugin; add it again.")
        return cls(api_of(installation, settings), ("repos", owner, name))

    async def get(self, *path: str, accept: str = "", most_bytes: int | None = None, **params: Any) -> ApiAnswer:
        """Return an answer of GitHub, which is asked only for what has changed since the last time."""
        headers = {"accept": f"application/vnd.github.{accept}"} if accept else None
        return await self.api.request(
            "GET", *self.path, *path, params=params, headers=headers, conditional=True, most_bytes=most_bytes
        )

    async def commit_id(self, ref: str) -> str | None:
        """Return the full id of the commit of ``heads/NAME``, ``tags/NAME`` or an id; None if there is none."""
        try:
            sha = (await self.get("commits", ref, accept="sha")).text.strip()
        except ApiError as error:
            if error.status not in _NO_COMMIT:
                raise
            return None
        if not _COMMIT.fullmatch(sha):
            raise ProviderUnavailable(f"{self.api.host} answered without the id of a commit.")
        return sha

    async def content(self, ref: str, path: str, **options: Any) -> ApiAnswer | None:
        """Return what is at a path at a ref, a file or a folder; None if there is nothing, or no such ref."""
        if ref_problem(ref) or {"", ".", ".."} & set(path.split("/")):
            return None
        try:
            return await self.get("contents", path, ref=ref, **options)
        except ApiNotFound:
            return None
