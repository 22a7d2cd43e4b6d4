"""Bitbucket Data Center: the event ``repo:refs_changed``, signed in ``X-Hub-Signature``. It names no changed files."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from pydantic import Field

from scmhost.sdk import CommitDraft, Push

from .fields import Many, Ref, RepositoryName, Sha, Text
from .form import Form, Payload, PushBody, signed_in

MOST_COMMITS: Final = 5
"""How many commits it lists by default, without counting the rest. Older versions list none at all."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# From the year 1 to the year 9999.
_Milliseconds = Annotated[int, Field(ge=-62_135_596_800_000, le=253_402_300_799_999)]
_Part = Annotated[Text, Field(min_length=1, max_length=900)]


class _Link(Payload):
    href: RepositoryName


class _Links(Payload):
    own: Many[_Link] = Field(default=None, alias="self")


_NO_LINKS: Final = _Links()


class _Project(Payload):
    key: _Part


class _Repository(Payload):
    slug: _Part
    project: _Project
    links: _Links | None = None

    def named(self) -> str:
        """Its web URL; not every version sends one, but all send project and name."""
        page = next((link.href for link in (self.links or _NO_LINKS).own or ()), "").removesuffix("/browse")
        return page or f"{self.project.key}/{self.slug}"


class _Author(Payload):
    name: Text | None = None
    email: Text | None = Field(default=None, alias="emailAddress")


_NOBODY: Final = _Author()


class _Commit(Payload):
    id: Sha
    message: Text | None = None
    author: _Author | None = None
    milliseconds: _Milliseconds | None = Field(default=None, alias="authorTimestamp")

    def draft(self) -> CommitDraft:
        author = self.author or _NOBODY
        moment = None if self.milliseconds is None else _EPOCH + timedelta(milliseconds=self.milliseconds)
        return CommitDraft(
            sha=self.id,
            message=self.message,
            author_name=author.name,
            author_email=author.email,
            timestamp=moment,
        )


class _Ref(Payload):
    id: Ref
    type: Text = ""


class _Change(Payload):
    ref: _Ref
    type: Text = ""

    @property
    def may_bring_commits(self) -> bool:
        return self.ref.type != "TAG" and self.type != "DELETE"


class BitbucketDataCenterPush(PushBody):
    """A push of any number of refs. Its one list of commits does not say which is on which ref."""

    repository: _Repository
    changes: Many[_Change] = None
    commits: Many[_Commit] = None

    def pushes(self) -> Iterable[Push]:
        """One push; it has a ref if only one has changed."""
        refs = [change.ref.id for change in self.changes or ()]
        yield Push(
            repository=self.repository.named(),
            ref=refs[0] if len(refs) == 1 else None,
            commits=tuple(commit.draft() for commit in self.commits or ()),
            unlisted=int(self._lists_too_few()),
        )

    def _lists_too_few(self) -> bool:
        if self.commits is None:
            return any(change.may_bring_commits for change in self.changes or ())
        return len(self.commits) >= MOST_COMMITS


FORM: Final = Form(
    marks=("x-event-key",),
    events=("x-event-key",),
    push_events=frozenset({"repo:refs_changed"}),
    signature="X-Hub-Signature",
    signed=signed_in("x-hub-signature"),
    body=BitbucketDataCenterPush,
)
