"""Register webhooks, and read the pushes that they deliver."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from typing import Final

from scmhost.sdk import (
    ApiClient,
    ApiNotFound,
    GitPushBody,
    Installation,
    ProviderForbidden,
    Push,
    RegisteredWebhook,
    Repository,
    check_signature,
    hookimpl,
    read_body,
)

from .api import PAGE, ForgejoHook, ForgejoRepository, client_of, path_of

_MOST_PAGES: Final = 20
_SIGNATURES: Final = ("x-forgejo-signature", "x-gitea-signature", "x-hub-signature-256")
_EVENTS: Final = ("x-forgejo-event", "x-gitea-event", "x-gogs-event")


class ForgejoPush(GitPushBody):
    """The body of a push."""

    total_commits: int = 0
    repository: ForgejoRepository


@hookimpl
async def scm_register_webhook(
    installation: Installation, repository: Repository, address: str, secret: str
) -> RegisteredWebhook:
    api, place = client_of(installation), (*path_of(repository), "hooks")
    older = await _at(api, place, address)
    config = {"url": address, "content_type": "json", "secret": secret}
    await api.request("POST", *place, json={"type": "gitea", "active": True, "events": ["push"], "config": config})
    # The server cannot change the secret of a webhook, and does not show it: the new one replaces the old one.
    await _remove(api, place, older)
    # For the same reason, the server's id is no name that lasts.
    name = sha256(f"{repository.external_id}\n{address}".encode()).hexdigest()
    return RegisteredWebhook(external_id=name, metadata={"address": address})


@hookimpl
async def scm_unregister_webhook(
    installation: Installation, repository: Repository, webhook: RegisteredWebhook
) -> None:
    api, place = client_of(installation), (*path_of(repository), "hooks")
    with suppress(ApiNotFound):
        await _remove(api, place, await _at(api, place, str(webhook.metadata.get("address"))))


@hookimpl
def scm_read_push(
    headers: Mapping[str, str], body: bytes, secret: str, repositories: Sequence[Repository]
) -> Sequence[Push]:
    signature = next((headers[name] for name in _SIGNATURES if headers.get(name)), "")
    if not check_signature(secret, body, signature):
        raise ProviderForbidden("the delivery has no valid signature; is the secret of the webhook the right one?")
    event = next((headers[name] for name in _EVENTS if headers.get(name)), "")
    if event != "push":
        return ()
    read = read_body(ForgejoPush, body)
    # Servers list few commits of a long push.
    unlisted = read.total_commits - len(read.commits or ())
    push = read.push(repositories, str(read.repository.id), read.repository.full_name, unlisted=unlisted)
    return (push,) if push.head else ()


async def _at(api: ApiClient, place: Sequence[str], address: str) -> list[ForgejoHook]:
    """Return the webhooks of a repository that have an address."""
    listed: list[ForgejoHook] = []
    for page in range(1, _MOST_PAGES + 1):
        answer = await api.request("GET", *place, params={"page": page, "limit": PAGE})
        found = answer.read(list[ForgejoHook])
        listed += found
        # For this list, the server does not name the next page.
        total = answer.headers.get("x-total-count", "")
        if not found or not total.isdecimal() or len(listed) >= int(total[:9]):
            break
    return [hook for hook in listed if hook.config.get("url") == address]


async def _remove(api: ApiClient, place: Sequence[str], hooks: Sequence[ForgejoHook]) -> None:
    for hook in hooks:
        with suppress(ApiNotFound):
            await api.request("DELETE", *place, str(hook.id))
