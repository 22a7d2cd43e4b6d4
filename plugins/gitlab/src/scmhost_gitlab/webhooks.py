"""Webhooks for pushes: registered at projects, removed, and read."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field

from scmhost.sdk import (
    GitPushBody,
    Installation,
    ProviderForbidden,
    Push,
    RegisteredWebhook,
    Repository,
    hookimpl,
    put_webhook,
    read_body,
    same_secret,
)

from .client import LARGEST_PAGE, GitLabAnswer, project_api
from .forms import GitLabSettings


class GitLabPushedProject(GitLabAnswer):
    web_url: Annotated[str, Field(min_length=1, max_length=2000)]


class GitLabPushBody(GitPushBody):
    object_kind: Literal["push"]
    after: Annotated[str, Field(min_length=1)]
    project_id: int
    project: GitLabPushedProject
    total_commits_count: Annotated[int, Field(ge=0, le=1_000_000_000)] = 0


@hookimpl
async def scm_register_webhook(
    installation: Installation, repository: Repository, address: str, secret: str, settings: GitLabSettings
) -> RegisteredWebhook:
    api = project_api(installation, repository, settings).below("hooks")
    body = {"url": address, "token": secret, "push_events": True, "tag_push_events": False}
    return await put_webhook(api, address, body, params={"per_page": LARGEST_PAGE})


@hookimpl
async def scm_unregister_webhook(
    installation: Installation, repository: Repository, webhook: RegisteredWebhook, settings: GitLabSettings
) -> None:
    await project_api(installation, repository, settings).delete("hooks", webhook.external_id)


@hookimpl
def scm_read_push(
    headers: Mapping[str, str], body: bytes, secret: str, repositories: Sequence[Repository]
) -> Sequence[Push]:
    if not same_secret(secret, headers.get("x-gitlab-token", "")):
        raise ProviderForbidden("X-Gitlab-Token is missing, or is another secret.")
    if headers.get("x-gitlab-event") != "Push Hook":
        return ()
    pushed = read_body(GitLabPushBody, body)
    # GitLab lists the newest twenty commits, and counts all.
    unlisted = pushed.total_commits_count - len(pushed.commits or ())
    push = pushed.push(repositories, str(pushed.project_id), otherwise=pushed.project.web_url, unlisted=unlisted)
    # A branch that is deleted ends at no commit.
    return (push,) if push.head else ()
