"""Register webhooks, and read the pushes that they deliver."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from typing import Final

from pydantic import BaseModel, ValidationError

from scmhost.sdk import (
    ApiClient,
    ApiNotFound,
    CommitDraft,
    FileChange,
    Installation,
    ProviderError,
    ProviderForbidden,
    Push,
    RegisteredWebhook,
    Repository,
    check_signature,
    hookimpl,
)

from .api import PAGE, ForgejoAuthor, ForgejoHook, ForgejoRepository, client_of, path_of
from .content import time_of

_MOST_PAGES: Final = 20
_SIGNATURES: Final = ("x-forgejo-signature", "x-gitea-signature", "x-hub-signature-256")
_EVENTS: Final = ("x-forgejo-event", "x-gitea-event", "x-gogs-event")


class ForgejoPushedCommit(BaseModel):
    """A pushed commit."""

    id: str
    message: str | None = None
    author: ForgejoAuthor | None = None
    timestamp: str | None = None
    added: list[str] | None = None
    removed: list[str] | None = None
    modified: list[str] | None = None

    def draft(self) -> CommitDraft:
        """Return the commit to save."""
        lists = (("A", self.added), ("D", self.removed), ("M", self.modified))
        fields = {
            "sha": self.id,
            "message": self.message,
            "author_name": self.author and self.author.name,
            "author_email": self.author and self.author.email,
            "timestamp": time_of(self.timestamp),
            "changes": [FileChange(path=path, type=kind) for kind, paths in lists for path in paths or ()],
        }
        return CommitDraft.model_validate(fields)


class ForgejoPush(BaseModel):
    """The body of a push."""

    ref: str
    before: str = ""
    after: str = ""
    commits: list[ForgejoPushedCommit] | None = None
    total_commits: int = 0
    repository: ForgejoRepository

    def push(self, repository: str) -> Push:
        """Return the push. Servers list few commits of a long one."""
        commits = [commit.draft() for commit in self.commits or ()]
        return Push(
            repository=repository,
            ref=self.ref,
            commits=tuple(commits),
            unlisted=max(0, self.total_commits - len(commits)),
            base=_commit(self.before),
            head=_commit(self.after),
        )


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
    try:
        read = ForgejoPush.model_validate_json(body)
        # By its id, because the name in the body may be a new one.
        known = [item for item in repositories if item.external_id == str(read.repository.id)]
        return () if _commit(read.after) is None else (read.push(_name(read, known)),)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"])) or "the body"
        raise ProviderError(f"the push cannot be read: {place}: {first['msg']}") from None


def _name(read: ForgejoPush, known: Sequence[Repository]) -> str:
    return known[0].url or known[0].name if known else read.repository.full_name


def _commit(sha: str) -> str | None:
    """Return a commit of a push; zeros stand for none."""
    return sha if sha.strip("0") else None


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
