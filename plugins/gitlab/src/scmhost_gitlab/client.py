"""Requests to an instance of GitLab, and the parts of its answers that the plugin reads."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Annotated, Final, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field

from scmhost.sdk import Installation, ProviderUnauthorized, Repository, hookimpl, join_url

from .forms import GitLabInstance, GitLabSettings

if TYPE_CHECKING:
    from scmhost.sdk import ApiClient

LARGEST_PAGE: Final = 100
"""The most items that GitLab sends in one page."""

_MOST_AT_ONCE: Final = 8

A = TypeVar("A")
T = TypeVar("T")


class GitLabAnswer(BaseModel):
    """A part of an answer. Fields that are not declared are ignored."""

    model_config = ConfigDict(frozen=True, strict=True)


class GitLabProject(GitLabAnswer):
    """A project, which GitLab identifies by a number for ever and by a path until somebody changes it."""

    id: int
    path: Annotated[str, Field(alias="path_with_namespace", pattern=r"^[\w.-]+(/[\w.-]+)+$", max_length=1000)]
    default_branch: str | None = None
    archived: bool = False
    marked_for_deletion_on: str | None = None

    def url(self, instance: GitLabInstance) -> str:
        """Return the URL of its page. That of the answer may be on another host."""
        return join_url(instance.url, self.path)


_clients: dict[str, "ApiClient"] = {}
"""The clients of this process, with their connections, by the addresses in the operator's settings."""


def client(base_url: str) -> "ApiClient":
    """Return the client of an address."""
    # Importing the client takes longer than importing a plugin may take.
    from scmhost.sdk import ApiClient  # noqa: PLC0415

    # Two threads may both make one; the other has no connections and is dropped.
    return _clients.get(base_url) or _clients.setdefault(base_url, ApiClient(base_url))


def rest_api(instance: GitLabInstance, headers: dict[str, str]) -> "ApiClient":
    """Return the client of an instance's REST API with the headers of credentials."""
    return client(f"{instance.url}/api/v4").with_headers(headers)


def credentials(installation: Installation) -> dict[str, str]:
    """Return the headers of an installation's credentials.

    Raises:
        ProviderUnauthorized: it has none.
    """
    secrets = {name: secret.get_secret_value() for name, secret in installation.secrets.items()}
    if "access_token" in secrets:
        return {"Authorization": f"Bearer {secrets['access_token']}"}
    if "token" in secrets:
        return {"PRIVATE-TOKEN": secrets["token"]}
    raise ProviderUnauthorized("The installation has no token for GitLab; install it again.")


def api_of(installation: Installation, settings: GitLabSettings) -> "ApiClient":
    """Return the client of the REST API with an installation's credentials."""
    return rest_api(settings.of(installation), credentials(installation))


def project_path(repository: Repository) -> tuple[str, str]:
    """Return the path of a repository's project in the REST API."""
    # GitLab has no project 0, so that it answers 404 for a repository that was never decided about.
    return "projects", repository.external_id or "0"


async def for_each(call: Callable[[A], Awaitable[T]], items: Iterable[A]) -> list[T]:
    """Return the results of calls that run at the same time, a few of them at once; the first error ends all."""
    gate = asyncio.Semaphore(_MOST_AT_ONCE)

    async def one(item: A) -> T:
        async with gate:
            return await call(item)

    tasks = [asyncio.create_task(one(item)) for item in items]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()


def host_of(url: str) -> str:
    """Return the host of a URL in lower case, without its port: that of SSH differs."""
    return (urlsplit(url).hostname or "").lower()


@hookimpl
async def scm_shutdown() -> None:
    for one in list(_clients.values()):
        await one.aclose()
