"""Requests to GitHub's REST API, and the parts of its answers that the plugin reads."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

from pydantic import (
    AliasChoices,
    AliasPath,
    AwareDatetime,
    BaseModel,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from scmhost.sdk import (
    ApiAnswer,
    ApiError,
    ApiNotFound,
    CommitDraft,
    FileChange,
    Installation,
    ProviderError,
    ProviderUnauthorized,
    ProviderUnavailable,
    RateLimited,
    Repository,
    hookimpl,
    ref_problem,
)

from .forms import GitHubInstance, GitHubSettings

if TYPE_CHECKING:
    from scmhost.sdk import ApiClient

A = TypeVar("A")
T = TypeVar("T")

PAGE: Final = 100
"""The most items that GitHub returns at once."""

MOST_PAGES: Final = 100
"""The most pages of one list that are read in one call of a hook."""

_HEADERS: Final = {"x-github-api-version": "2022-11-28"}
# 404 for an unknown name, 409 for an empty repository, 422 for an id that is no commit.
_NO_COMMIT: Final = frozenset({404, 409, 410, 422})
_COMMIT: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_LONGEST_PATH: Final = 4096
# GitHub refuses more than 100 requests at the same time, and asks for few.
_AT_ONCE: Final = 8

_clients: Final[dict[str, "ApiClient"]] = {}


def _or_none(value: Any, validate: ValidatorFunctionWrapHandler) -> Any:
    """Return None for an invalid value: one odd field must not cost the whole answer."""
    try:
        return validate(value)
    except ValidationError:
        return None


def _author(name: str, *others: str) -> AliasChoices:
    return AliasChoices(AliasPath("commit", "author", name), AliasPath("author", name), *others)


Id = Annotated[int, Field(ge=1, lt=2**63)]


class GitHubCommit(BaseModel):
    """A commit of the REST API, of the GraphQL API or of a webhook."""

    sha: str = Field(pattern=r"^[0-9a-f]{40,64}$", validation_alias=AliasChoices("sha", "id", "oid"))
    message: str | None = Field(None, validation_alias=AliasChoices(AliasPath("commit", "message"), "message"))
    author_name: str | None = Field(None, validation_alias=_author("name"))
    author_email: str | None = Field(None, validation_alias=_author("email"))
    timestamp: Annotated[AwareDatetime | None, WrapValidator(_or_none)] = Field(
        None, validation_alias=_author("date", "timestamp")
    )

    def draft(self, kinds: Mapping[str, str]) -> CommitDraft:
        """Return the commit with its changes, by path."""
        changes = [
            FileChange.model_validate({"path": path, "type": kind})
            for path, kind in kinds.items()
            if 0 < len(path) <= _LONGEST_PATH
        ]
        own = self.model_dump(include=set(GitHubCommit.model_fields))
        return CommitDraft.model_validate({**own, "changes": changes})


def client(base_url: str, token: str = "") -> "ApiClient":
    """Return a client for an address that sends a token. Connections are kept for the life of the process."""
    # Importing the client takes longer than importing a plugin may take.
    from scmhost.sdk import ApiClient  # noqa: PLC0415

    if base_url not in _clients:
        _clients[base_url] = ApiClient(base_url, headers=_HEADERS)
    shared = _clients[base_url]
    return shared.with_headers({"authorization": f"Bearer {token}"}) if token else shared


@hookimpl
async def scm_shutdown() -> None:
    for one in list(_clients.values()):
        await one.aclose()


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


async def all_of(function: Callable[[A], Awaitable[T]], values: Iterable[A]) -> Sequence[T]:
    """Call a function for many values, some at the same time, and leave out those for which GitHub has no answer.

    Raises:
        ProviderError: there is no answer for any value, or GitHub must not be asked for more.
    """
    gate = asyncio.Semaphore(_AT_ONCE)
    errors: list[ProviderError] = []
    answers: list[T] = []

    async def call(value: A) -> None:
        async with gate:
            try:
                answers.append(await function(value))
            except (RateLimited, ProviderUnauthorized):
                raise
            except ProviderError as error:
                errors.append(error)

    tasks = [asyncio.ensure_future(call(value)) for value in values]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
    if errors and not answers:
        raise errors[0]
    return answers


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
