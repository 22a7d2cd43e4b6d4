"""Pushes of Bitbucket Cloud and Bitbucket Data Center. Neither names the changed files."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Annotated, Final

from pydantic import Field

from scmhost.sdk import CommitDraft, Push

from .formats import Many, Moment, Payload, PushBody, PushFormat, Ref, RepositoryName, Sha, Text, hmac_header

MAX_DATA_CENTER_COMMITS: Final = 5
"""The most commits that Data Center lists by default. It does not count the others. Older versions list none."""

_NAMESPACES: Final[Mapping[str, str]] = MappingProxyType({"branch": "refs/heads/", "tag": "refs/tags/"})
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# From the year 1 to the year 9999, the range of datetime.
_Milliseconds = Annotated[int, Field(ge=-62_135_596_800_000, le=253_402_300_799_999)]
# Two of them and a slash are within the limit of ``Push.repository``.
_PathPart = Annotated[Text, Field(min_length=1, max_length=900)]


class _Link(Payload):
    href: RepositoryName


class _CloudLinks(Payload):
    html: _Link


class _CloudRepository(Payload):
    links: _CloudLinks


class _CloudAuthor(Payload):
    raw: Text | None = None


class _CloudCommit(Payload):
    hash: Sha
    message: Text | None = None
    date: Moment | None = None
    author: _CloudAuthor | None = None

    def draft(self) -> CommitDraft:
        # An author has the form "Ada Lovelace <ada@example.com>".
        name, _, rest = ((self.author and self.author.raw) or "").partition("<")
        return CommitDraft(
            sha=self.hash,
            message=self.message,
            author_name=name.strip() or None,
            author_email=rest.partition(">")[0].strip() or None,
            timestamp=self.date,
        )


class _CloudRef(Payload):
    type: Text = ""
    name: Ref

    def full(self) -> str:
        return _NAMESPACES.get(self.type, "") + self.name


class _CloudChange(Payload):
    """The change of one ref: ``new`` is null for a deleted ref, ``old`` for a new one."""

    new: _CloudRef | None = None
    old: _CloudRef | None = None
    commits: Many[_CloudCommit] = None
    truncated: bool = False

    def push(self, repository: str) -> Push:
        ref = self.new or self.old
        return Push(
            repository=repository,
            ref=ref.full() if ref else None,
            commits=tuple(commit.draft() for commit in self.commits or ()),
            # Cloud lists the newest five commits, and does not count the others.
            unlisted=int(self.truncated),
        )


class _CloudChanges(Payload):
    changes: Many[_CloudChange] = None


class BitbucketCloudPush(PushBody):
    """A push of any number of refs."""

    repository: _CloudRepository
    push: _CloudChanges

    def pushes(self) -> Iterable[Push]:
        """Return one push for each ref."""
        return (change.push(self.repository.links.html.href) for change in self.push.changes or ())


class _ServerLinks(Payload):
    own: Many[_Link] = Field(default=None, alias="self")


_NO_LINKS: Final = _ServerLinks()


class _ServerProject(Payload):
    key: _PathPart


class _ServerRepository(Payload):
    slug: _PathPart
    project: _ServerProject
    links: _ServerLinks | None = None

    def name_or_url(self) -> str:
        """Return the web URL, or project and name for versions that send no URL."""
        # The link leads to the list of files, one segment below the repository's URL.
        page = next((link.href for link in (self.links or _NO_LINKS).own or ()), "").removesuffix("/browse")
        return page or f"{self.project.key}/{self.slug}"


class _ServerAuthor(Payload):
    name: Text | None = None
    email: Text | None = Field(default=None, alias="emailAddress")


_NO_AUTHOR: Final = _ServerAuthor()


class _ServerCommit(Payload):
    id: Sha
    message: Text | None = None
    author: _ServerAuthor | None = None
    milliseconds: _Milliseconds | None = Field(default=None, alias="authorTimestamp")

    def draft(self) -> CommitDraft:
        author = self.author or _NO_AUTHOR
        moment = None if self.milliseconds is None else _EPOCH + timedelta(milliseconds=self.milliseconds)
        return CommitDraft(
            sha=self.id,
            message=self.message,
            author_name=author.name,
            author_email=author.email,
            timestamp=moment,
        )


class _ServerRef(Payload):
    id: Ref
    type: Text = ""


class _ServerChange(Payload):
    ref: _ServerRef
    type: Text = ""

    @property
    def may_have_commits(self) -> bool:
        # A tag and a deleted ref have no commits of their own.
        return self.ref.type != "TAG" and self.type != "DELETE"


class BitbucketDataCenterPush(PushBody):
    """A push of any number of refs. Its only list of commits does not separate them by ref."""

    repository: _ServerRepository
    changes: Many[_ServerChange] = None
    commits: Many[_ServerCommit] = None

    def pushes(self) -> Iterable[Push]:
        """Return one push. It has a ref only if a single ref has changed."""
        refs = [change.ref.id for change in self.changes or ()]
        yield Push(
            repository=self.repository.name_or_url(),
            ref=refs[0] if len(refs) == 1 else None,
            commits=tuple(commit.draft() for commit in self.commits or ()),
            unlisted=int(self._may_lack_commits()),
        )

    def _may_lack_commits(self) -> bool:
        if self.commits is None:
            return any(change.may_have_commits for change in self.changes or ())
        return len(self.commits) >= MAX_DATA_CENTER_COMMITS


CLOUD: Final = PushFormat(
    # The header of Cloud alone; both send the one with the event.
    marks=("x-hook-uuid",),
    events=("x-event-key",),
    push_events=frozenset({"repo:push"}),
    signature="X-Hub-Signature",
    is_signed=hmac_header("x-hub-signature"),
    body=BitbucketCloudPush,
)
DATA_CENTER: Final = PushFormat(
    marks=("x-event-key",),
    events=("x-event-key",),
    push_events=frozenset({"repo:refs_changed"}),
    signature="X-Hub-Signature",
    is_signed=hmac_header("x-hub-signature"),
    body=BitbucketDataCenterPush,
)
