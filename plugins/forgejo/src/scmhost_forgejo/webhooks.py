"""Register webhooks, and read the pushes that they deliver."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

from scmhost.sdk import (
    ApiClient,
    ApiNotFound,
    ApiRepository,
    GitPushBody,
    Installation,
    Push,
    RegisteredWebhook,
    Repository,
    hookimpl,
    read_body,
    require_signature,
    stable_id,
)

from .api import PAGE, ForgejoHook, repository_api

_MOST_PAGES: Final = 20
_SIGNATURES: Final = ("x-forgejo-signature", "x-gitea-signature", "x-hub-signature-256")
_EVENTS: Final = ("x-forgejo-event", "x-gitea-event", "x-gogs-event")


class ForgejoPush(GitPushBody):
    """The body of a push."""

    total_commits: int = 0
    repository: ApiRepository


@hookimpl
async def scm_register_webhook(
    installation: Installation, repository: Repository, address: str, secret: str
) -> RegisteredWebhook:
    api = repository_api(installation, repository).below("hooks")
    older = await _at(api, address)
    config = {"url": address, "content_type": "json", "secret": secret}
    await api.request("POST", json={"type": "gitea", "active": True, "events": ["push"], "config": config})
    # The server cannot change the secret of a webhook, and does not show it: the new one replaces the old one.
    for hook in older:
        await api.delete(str(hook.id))
    # For the same reason, the server's id is no name that lasts.
    return RegisteredWebhook(external_id=stable_id(repository.external_id, address), metadata={"address": address})


@hookimpl
async def scm_unregister_webhook(
    installation: Installation, repository: Repository, webhook: RegisteredWebhook
) -> None:
    api = repository_api(installation, repository).below("hooks")
    with suppress(ApiNotFound):
        for hook in await _at(api, str(webhook.metadata.get("address"))):
            await api.delete(str(hook.id))


@hookimpl
def scm_read_push(
    headers: Mapping[str, str], body: bytes, secret: str, repositories: Sequence[Repository]
) -> Sequence[Push]:
    require_signature(headers, body, secret, *_SIGNATURES)
    event = next((headers[name] for name in _EVENTS if headers.get(name)), "")
    if event != "push":
        return ()
    read = read_body(ForgejoPush, body)
    # Servers list few commits of a long push.
    unlisted = read.total_commits - len(read.commits or ())
    push = read.push(repositories, str(read.repository.id), read.repository.full_name, unlisted=unlisted)
    return (push,) if push.head else ()


async def _at(api: ApiClient, address: str) -> list[ForgejoHook]:
    """Return the webhooks of a repository that have an address."""
    listed: list[ForgejoHook] = []
    for page in range(1, _MOST_PAGES + 1):
        answer = await api.request("GET", params={"page": page, "limit": PAGE})
        found = answer.read(list[ForgejoHook])
        listed += found
        # For this list, the server does not name the next page.
        total = answer.headers.get("x-total-count", "")
        if not found or not total.isdecimal() or len(listed) >= int(total[:9]):
            break
    return [hook for hook in listed if hook.config.get("url") == address]
