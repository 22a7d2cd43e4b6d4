"""Plugins that violate a check of pushes, commits or commands."""

# A hook may leave out arguments, which mypy takes for a wrong override.
# mypy: disable-error-code="override"

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence

from pydantic import SecretStr

from scmhost.sdk import (
    Command,
    CommitDraft,
    DeliveryRoute,
    ProviderError,
    ProviderForbidden,
    Push,
    RegisteredWebhook,
    ResolvedRef,
    check_signature,
    hookimpl,
)

from .correct import APP_SECRET, Correct, Delivery


class AcceptsUnsignedDelivery(Correct):
    @hookimpl
    def scm_read_push(self, body: bytes) -> Sequence[Push]:
        try:
            return [Delivery.model_validate_json(body).push()]
        except ValueError:
            return []


class AcceptsEmptySecret(Correct):
    @hookimpl
    def scm_read_push(self, headers: Mapping[str, str], body: bytes, secret: str) -> Sequence[Push]:
        signature = hmac.new(secret.encode("utf-8", "replace"), body, hashlib.sha256).hexdigest() if secret else ""
        if headers.get("x-scmhost-signature", "") != signature:
            raise ProviderForbidden("The signature is wrong.")
        return [Push(repository="team/app")]


class ReadsUnvalidatedBody(Correct):
    @hookimpl
    def scm_read_push(self, headers: Mapping[str, str], body: bytes, secret: str) -> Sequence[Push]:
        if not check_signature(secret, body, headers.get("x-scmhost-signature", "")):
            raise ProviderForbidden("The signature is wrong.")
        push = json.loads(body)
        return [Push(repository=push["repository"], commits=tuple(CommitDraft(sha=sha) for sha in push["shas"]))]


class ReadsNoPush(Correct):
    @hookimpl
    def scm_read_push(self, headers: Mapping[str, str], body: bytes, secret: str) -> Sequence[Push]:
        super().scm_read_push(headers, body, secret)
        return []


class NamesForeignRepository(Correct):
    @hookimpl
    def scm_read_push(self, headers: Mapping[str, str], body: bytes, secret: str) -> Sequence[Push]:
        pushes = super().scm_read_push(headers, body, secret)
        return [push.model_copy(update={"repository": "https://git.example.com/other/website"}) for push in pushes]


class RoutesUnvalidatedBody(Correct):
    @hookimpl
    def scm_route_delivery(self, headers: Mapping[str, str], body: bytes) -> DeliveryRoute | None:
        # A signature that looks right, which no other check sends.
        if len(headers.get("x-scmhost-signature", "")) != hashlib.sha256().digest_size * 2:
            return None
        return DeliveryRoute(external_id=json.loads(body)["account"], secret=APP_SECRET)


class RoutesWithBlankSecret(Correct):
    @hookimpl
    def scm_route_delivery(self) -> DeliveryRoute | None:
        return DeliveryRoute(external_id="team", secret=SecretStr(" "))


class RoutesWithSecretOfSender(Correct):
    @hookimpl
    def scm_route_delivery(self, headers: Mapping[str, str]) -> DeliveryRoute | None:
        sent = headers.get("x-scmhost-signature")
        return DeliveryRoute(external_id="team", secret=SecretStr(sent)) if sent else None


class ChecksSecretOfSettings(Correct):
    @hookimpl
    def scm_read_push(self, headers: Mapping[str, str], body: bytes, secret: str) -> Sequence[Push]:
        return super().scm_read_push(headers, body, "s3cret")


class RefusesWebhookThatExists(Correct):
    def __init__(self) -> None:
        self._addresses: set[str] = set()

    @hookimpl
    def scm_register_webhook(self, address: str) -> RegisteredWebhook:
        if address in self._addresses:
            raise ProviderError("The webhook exists already.")
        self._addresses.add(address)
        return RegisteredWebhook(external_id="1")


class KeepsSecretOfWebhook(Correct):
    @hookimpl
    def scm_register_webhook(self, secret: str) -> RegisteredWebhook:
        return RegisteredWebhook(external_id="1", metadata={"secret": secret})


class MissesWebhookThatIsGone(Correct):
    def __init__(self) -> None:
        self._registered: set[str] = set()

    @hookimpl
    def scm_register_webhook(self) -> RegisteredWebhook:
        self._registered.add("1")
        return RegisteredWebhook(external_id="1")

    @hookimpl
    def scm_unregister_webhook(self, webhook: RegisteredWebhook) -> None:
        if webhook.external_id not in self._registered:
            raise ProviderError(f"There is no webhook {webhook.external_id}.")
        self._registered.remove(webhook.external_id)


class ListsBaseCommit(Correct):
    @hookimpl
    def scm_compare_commits(self, base: str | None, head: str) -> Sequence[CommitDraft]:
        return [CommitDraft(sha=sha) for sha in (head, base) if sha]


class ListsOldestCommitAgain(Correct):
    """Takes a base of the history for one that the list includes; a base that it does not know gives nothing."""

    history = ("c0ffee", "beef", "feed")

    @hookimpl
    def scm_compare_commits(self, base: str | None, head: str) -> Sequence[CommitDraft]:
        if head not in self.history or base not in (None, *self.history):
            return []
        last = self.history.index(base) + 1 if base else len(self.history)
        return [CommitDraft(sha=sha) for sha in self.history[self.history.index(head) : last]]


class ResolvesToOtherCommit(Correct):
    @hookimpl
    async def scm_resolve_ref(self) -> ResolvedRef | None:
        return ResolvedRef(name="c0ffee", kind="commit", sha="c0ffee")


class RegistersCommandTwice(Correct):
    @hookimpl
    def scm_register_commands(self) -> Sequence[Command]:
        return [
            Command(name="sync", summary="Sync.", run=print),
            Command(name="sync", summary="Sync again.", run=print),
        ]


class RegistersCommandWithoutFunction(Correct):
    @hookimpl
    def scm_register_commands(self) -> Sequence[Command]:
        return [Command(name="sync", summary="Sync.", run="print")]
