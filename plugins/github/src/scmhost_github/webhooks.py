"""Push webhooks: those of the App's common address, and those of single repositories."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final, TypeVar

from pydantic import AliasPath, BaseModel, Field, ValidationError

from scmhost.sdk import (
    ApiNotFound,
    DeliveryRoute,
    Installation,
    ProviderError,
    ProviderForbidden,
    Push,
    RegisteredWebhook,
    Repository,
    check_signature,
    hookimpl,
)

from .api import GitHubCommit, GitHubRepositoryApi, Id, is_app, pages
from .app import external_id
from .forms import GitHubSettings

M = TypeVar("M", bound=BaseModel)

MOST_LISTED: Final = 2048
"""The most commits that a delivery lists. GitHub does not count the others."""


class _Hook(BaseModel):
    id: Id
    url: str | None = Field(None, validation_alias=AliasPath("config", "url"))


class _DeliveredTo(BaseModel):
    installation: Id | None = Field(None, validation_alias=AliasPath("installation", "id"))


class _PushedCommit(GitHubCommit):
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    modified: tuple[str, ...] = ()

    def kinds(self) -> dict[str, str]:
        # A path in two lists counts as deleted, else as added: the state after the push.
        lists = {"M": self.modified, "A": self.added, "D": self.removed}
        return {path: kind for kind, paths in lists.items() for path in paths}


class _PushBody(BaseModel):
    ref: str
    before: str | None = None
    after: str | None = None
    repository_id: Id = Field(validation_alias=AliasPath("repository", "id"))
    repository_url: str = Field(validation_alias=AliasPath("repository", "html_url"))
    commits: tuple[_PushedCommit, ...] = ()


@hookimpl
def scm_route_delivery(headers: Mapping[str, str], body: bytes, settings: GitHubSettings) -> DeliveryRoute | None:
    # The secret that signed the delivery tells the instance, which the body does not.
    for name, instance in settings.instances.items():
        secret = instance.app.webhook_secret if instance.app else None
        if secret and _is_signed(headers, body, secret.get_secret_value()):
            if headers.get("x-github-event") != "push":
                return None
            number = _parsed(_DeliveredTo, body).installation
            return DeliveryRoute(external_id=external_id(name, number), secret=secret) if number else None
    raise ProviderForbidden("X-Hub-Signature-256 is missing, or was not made with the webhook secret of an App.")


@hookimpl
def scm_read_push(
    headers: Mapping[str, str], body: bytes, secret: str, repositories: Sequence[Repository]
) -> Sequence[Push]:
    if not _is_signed(headers, body, secret):
        raise ProviderForbidden("X-Hub-Signature-256 is missing, or was made with another secret or for another body.")
    if headers.get("x-github-event") != "push":
        return ()
    pushed = _parsed(_PushBody, body)
    # The id is the same after a rename, of which the host may not know yet.
    number = str(pushed.repository_id)
    try:
        push = Push(
            repository=number if any(one.external_id == number for one in repositories) else pushed.repository_url,
            ref=pushed.ref,
            commits=tuple(commit.draft(commit.kinds()) for commit in pushed.commits),
            unlisted=int(len(pushed.commits) >= MOST_LISTED),
            base=_existing(pushed.before),
            head=_existing(pushed.after),
        )
    except ValidationError as error:
        raise _unreadable(error) from None
    return (push,)


@hookimpl
async def scm_register_webhook(
    installation: Installation, repository: Repository, address: str, secret: str, settings: GitHubSettings
) -> RegisteredWebhook:
    if is_app(installation):
        # GitHub sends the pushes of all installations of an App to the address in the App's settings.
        return RegisteredWebhook(external_id="app")
    api = GitHubRepositoryApi.of(installation, repository, settings)
    config = {"url": address, "content_type": "json", "secret": secret, "insecure_ssl": "0"}
    body = {"active": True, "events": ["push"], "config": config}
    async for page, _ in pages(api.api, list[_Hook], *api.path, "hooks"):
        for hook in page:
            if hook.url == address:
                await api.api.request("PATCH", *api.path, "hooks", str(hook.id), json=body)
                return RegisteredWebhook(external_id=str(hook.id))
    made = await api.api.request("POST", *api.path, "hooks", json={"name": "web", **body})
    return RegisteredWebhook(external_id=str(made.read(_Hook).id))


@hookimpl
async def scm_unregister_webhook(
    installation: Installation, repository: Repository, webhook: RegisteredWebhook, settings: GitHubSettings
) -> None:
    if not is_app(installation):
        api = GitHubRepositoryApi.of(installation, repository, settings)
        with suppress(ApiNotFound):
            await api.api.request("DELETE", *api.path, "hooks", webhook.external_id)


def _is_signed(headers: Mapping[str, str], body: bytes, secret: str) -> bool:
    return check_signature(secret, body, headers.get("x-hub-signature-256", ""))


def _parsed(model: type[M], body: bytes) -> M:
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise _unreadable(error) from None


def _unreadable(error: ValidationError) -> ProviderError:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    return ProviderError(f"The body of the delivery cannot be read: {'.'.join(map(str, first['loc']))}: {first['msg']}")


def _existing(sha: str | None) -> str | None:
    """Return a commit id; None for the zeros of a ref that was made or deleted."""
    return sha if sha and sha.strip("0") else None
