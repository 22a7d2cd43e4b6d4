"""Webhooks for pushes: registered at projects, removed, and read."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, ValidationError

from scmhost.sdk import (
    ApiNotFound,
    CommitDraft,
    FileChange,
    Installation,
    ProviderError,
    ProviderForbidden,
    Push,
    RegisteredWebhook,
    Repository,
    hookimpl,
    same_secret,
)

from .client import LARGEST_PAGE, GitLabAnswer, api_of, project_path
from .forms import GitLabSettings

_Sha = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[0-9a-fA-F]+$")]
_Path = Annotated[str, Field(min_length=1, max_length=4096)]


class GitLabHook(GitLabAnswer):
    id: int
    url: str


class GitLabAuthor(GitLabAnswer):
    name: str | None = None
    email: str | None = None


class GitLabPushedCommit(GitLabAnswer):
    id: _Sha
    message: str | None = None
    timestamp: AwareDatetime | None = None
    author: GitLabAuthor = GitLabAuthor()
    added: tuple[_Path, ...] | None = None
    modified: tuple[_Path, ...] | None = None
    removed: tuple[_Path, ...] | None = None

    def draft(self) -> CommitDraft:
        lists: tuple[tuple[Literal["A", "M", "D"], tuple[str, ...] | None], ...] = (
            ("M", self.modified),
            ("A", self.added),
            ("D", self.removed),
        )
        kinds = {path: kind for kind, paths in lists for path in paths or ()}
        return CommitDraft(
            sha=self.id,
            message=self.message,
            author_name=self.author.name or None,
            author_email=self.author.email or None,
            timestamp=self.timestamp,
            changes=tuple(FileChange(path=path, type=kind) for path, kind in kinds.items()),
        )


class GitLabPushedProject(GitLabAnswer):
    web_url: Annotated[str, Field(min_length=1, max_length=2000)]


class GitLabPushBody(GitLabAnswer):
    object_kind: Literal["push"]
    ref: Annotated[str, Field(max_length=1000)]
    before: _Sha
    after: _Sha
    project_id: int
    project: GitLabPushedProject
    commits: tuple[GitLabPushedCommit, ...] | None = None
    total_commits_count: Annotated[int, Field(ge=0, le=1_000_000_000)] = 0


@hookimpl
async def scm_register_webhook(
    installation: Installation, repository: Repository, address: str, secret: str, settings: GitLabSettings
) -> RegisteredWebhook:
    api, place = api_of(installation, settings), (*project_path(repository), "hooks")
    body = {"url": address, "token": secret, "push_events": True, "tag_push_events": False}
    async for known in api.items(GitLabHook, *place, params={"per_page": LARGEST_PAGE}):
        if known.url == address:
            await api.request("PUT", *place, str(known.id), json=body)
            return RegisteredWebhook(external_id=str(known.id))
    made = (await api.request("POST", *place, json=body)).read(GitLabHook)
    return RegisteredWebhook(external_id=str(made.id))


@hookimpl
async def scm_unregister_webhook(
    installation: Installation, repository: Repository, webhook: RegisteredWebhook, settings: GitLabSettings
) -> None:
    place = (*project_path(repository), "hooks", webhook.external_id)
    try:
        await api_of(installation, settings).request("DELETE", *place)
    except ApiNotFound:
        return


@hookimpl
def scm_read_push(
    headers: Mapping[str, str], body: bytes, secret: str, repositories: Sequence[Repository]
) -> Sequence[Push]:
    if not same_secret(secret, headers.get("x-gitlab-token", "")):
        raise ProviderForbidden("X-Gitlab-Token is missing, or is another secret.")
    if headers.get("x-gitlab-event") != "Push Hook":
        return ()
    try:
        push = GitLabPushBody.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"])) or "body"
        # Without the cause, whose text contains parts of the body.
        raise ProviderError(f"The body of the push cannot be read: {place}: {first['msg']}.") from None
    # A branch that is deleted ends at no commit.
    if _is_nothing(push.after):
        return ()
    commits = tuple(commit.draft() for commit in push.commits or ())
    # The project may have been renamed since the repositories were synchronized; its number stays.
    known = next((one for one in repositories if one.external_id == str(push.project_id)), None)
    return (
        Push(
            repository=(known.url or known.name) if known else push.project.web_url,
            ref=push.ref,
            commits=commits,
            # GitLab lists the newest twenty commits, and counts all.
            unlisted=max(0, push.total_commits_count - len(commits)),
            base=None if _is_nothing(push.before) else push.before,
            head=push.after,
        ),
    )


def _is_nothing(sha: str) -> bool:
    return not sha.strip("0")
