"""Wrong about what comes from outside: pushes, commits, commands."""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence

from scmhost.sdk import Command, CommitDraft, ProviderForbidden, Push, ResolvedRef, check_signature, hookimpl

from .right import Delivery, Right


class BelievesAnybody(Right):
    @hookimpl
    def scm_read_push(self, body: bytes) -> Sequence[Push]:
        try:
            return [Delivery.model_validate_json(body).push()]
        except ValueError:
            return []


class BelievesTheEmptySecret(Right):
    @hookimpl
    def scm_read_push(self, headers: Mapping[str, str], body: bytes, secret: str) -> Sequence[Push]:
        signature = hmac.new(secret.encode("utf-8", "replace"), body, hashlib.sha256).hexdigest() if secret else ""
        if headers.get("x-scmhost-signature", "") != signature:
            raise ProviderForbidden("The signature does not fit.")
        return [Push(repository="team/app")]


class ReadsWithoutCare(Right):
    @hookimpl
    def scm_read_push(self, headers: Mapping[str, str], body: bytes, secret: str) -> Sequence[Push]:
        if not check_signature(secret, body, headers.get("x-scmhost-signature", "")):
            raise ProviderForbidden("The signature does not fit.")
        told = json.loads(body)
        return [Push(repository=told["repository"], commits=tuple(CommitDraft(sha=sha) for sha in told["shas"]))]


class HearsNothing(Right):
    @hookimpl
    def scm_read_push(self, headers: Mapping[str, str], body: bytes, secret: str) -> Sequence[Push]:
        super().scm_read_push(headers, body, secret)
        return []


class BeginsAgainAtItsBase(Right):
    @hookimpl
    def scm_compare_commits(self, base: str | None, head: str) -> Sequence[CommitDraft]:
        return [CommitDraft(sha=sha) for sha in (head, base) if sha]


class FindsTheNearest(Right):
    @hookimpl
    async def scm_resolve_ref(self) -> ResolvedRef | None:
        return ResolvedRef(name="c0ffee", kind="commit", sha="c0ffee")


class OneNameTwice(Right):
    @hookimpl
    def scm_register_commands(self) -> Sequence[Command]:
        return [Command(name="ask", summary="Ask.", run=print), Command(name="ask", summary="Ask again.", run=print)]


class NothingToRun(Right):
    @hookimpl
    def scm_register_commands(self) -> Sequence[Command]:
        return [Command(name="ask", summary="Ask.", run="print")]
