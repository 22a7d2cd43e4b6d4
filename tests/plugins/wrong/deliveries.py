"""Plugins that violate a check of pushes, commits or commands."""

# A hook may leave out arguments, which mypy takes for a wrong override.
# mypy: disable-error-code="override"

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence

from scmhost.sdk import Command, CommitDraft, ProviderForbidden, Push, ResolvedRef, check_signature, hookimpl

from .correct import Correct, Delivery


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


class ListsBaseCommit(Correct):
    @hookimpl
    def scm_compare_commits(self, base: str | None, head: str) -> Sequence[CommitDraft]:
        return [CommitDraft(sha=sha) for sha in (head, base) if sha]


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
