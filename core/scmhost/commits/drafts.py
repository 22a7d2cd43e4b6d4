"""Rules for commits that a provider's plugin tells: those of a payload, as far as its form does not ask them."""

from collections.abc import Iterable

from msgspec.structs import replace

from scmhost.infra.limits import Limits
from scmhost.sdk import CommitDraft

from .authors import author_email
from .payload import SKIP_MARK, newest_first
from .values import ListedCommit, listed


def tidy(drafts: Iterable[CommitDraft], limits: Limits) -> tuple[ListedCommit, ...]:
    """The commits that are to be saved, the newest first, each author with a usable address or without one."""
    return newest_first([_own(draft, limits) for draft in drafts if SKIP_MARK not in (draft.message or "")])


def _own(draft: CommitDraft, limits: Limits) -> ListedCommit:
    email = author_email(draft.author_email, draft.author_name, limits.author_email_length)
    return replace(listed(draft), author_email=email, author_name=draft.author_name if email else None)
