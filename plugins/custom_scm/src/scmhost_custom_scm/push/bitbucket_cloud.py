"""Bitbucket Cloud: the event ``repo:push``, signed in ``X-Hub-Signature``. It does not say which files changed."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from scmhost.sdk import CommitDraft, Push

from .fields import Many, Moment, Ref, RepositoryName, Sha, Text
from .form import Form, Payload, PushBody, signed_in

_FULL_REFS: Final[Mapping[str, str]] = MappingProxyType({"branch": "refs/heads/", "tag": "refs/tags/"})


class _Link(Payload):
    href: RepositoryName


class _Links(Payload):
    html: _Link


class _Repository(Payload):
    links: _Links


class _Author(Payload):
    raw: Text | None = None


class _Commit(Payload):
    hash: Sha
    message: Text | None = None
    date: Moment | None = None
    author: _Author | None = None

    def draft(self) -> CommitDraft:
        name, email = _person((self.author and self.author.raw) or "")
        return CommitDraft(
            sha=self.hash, message=self.message, author_name=name, author_email=email, timestamp=self.date
        )


class _Ref(Payload):
    type: Text = ""
    name: Ref

    def full(self) -> str:
        return _FULL_REFS.get(self.type, "") + self.name


class _Change(Payload):
    """What became of one ref: ``new`` is null when it is deleted, ``old`` when it is made."""

    new: _Ref | None = None
    old: _Ref | None = None
    commits: Many[_Commit] = None
    truncated: bool = False

    def push(self, repository: str) -> Push:
        ref = self.new or self.old
        return Push(
            repository=repository,
            ref=ref.full() if ref else None,
            commits=tuple(commit.draft() for commit in self.commits or ()),
            # It lists the newest five and does not count the rest.
            unlisted=int(self.truncated),
        )


class _Changes(Payload):
    changes: Many[_Change] = None


class BitbucketCloudPush(PushBody):
    """A push of any number of refs."""

    repository: _Repository
    push: _Changes

    def pushes(self) -> Iterable[Push]:
        """One push for each ref."""
        return (change.push(self.repository.links.html.href) for change in self.push.changes or ())


def _person(raw: str) -> tuple[str | None, str | None]:
    """Name and address of ``Ada Lovelace <ada@example.com>``."""
    name, _, rest = raw.partition("<")
    return name.strip() or None, rest.partition(">")[0].strip() or None


FORM: Final = Form(
    marks=("x-hook-uuid",),
    events=("x-event-key",),
    push_events=frozenset({"repo:push"}),
    signature="X-Hub-Signature",
    signed=signed_in("x-hub-signature"),
    body=BitbucketCloudPush,
)
