"""Pushes of GitHub, GitLab, Gitea and similar hosts: one ref, and one list of commits with changed files."""

import hashlib
import hmac
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from typing import Final

from scmhost.sdk import CommitDraft, Push, same_secret

from .formats import (
    ChangeKind,
    Count,
    FilePath,
    Many,
    Moment,
    Payload,
    PushBody,
    PushFormat,
    Ref,
    RepositoryName,
    Sha,
    Text,
    file_changes,
    hmac_header,
)

MAX_GITHUB_COMMITS: Final = 2048
"""The most commits in a list of GitHub. It does not count the others."""

MAX_GOGS_COMMITS: Final = 5
"""The most commits in a list of Gogs by default. It does not count the others, as Gitea does."""

SIGNING_PREFIX: Final = "whsec_"
"""The beginning of a signing token of Standard Webhooks; the key follows in base64."""

_GITEA_EVENTS: Final = ("x-forgejo-event", "x-gitea-event", "x-gogs-event")


class _ListedAuthor(Payload):
    name: Text | None = None
    email: Text | None = None


_NO_AUTHOR: Final = _ListedAuthor()


class _ListedCommit(Payload):
    id: Sha
    message: Text | None = None
    timestamp: Moment | None = None
    author: _ListedAuthor | None = None
    added: Many[FilePath] = None
    removed: Many[FilePath] = None
    modified: Many[FilePath] = None

    def draft(self) -> CommitDraft:
        author = self.author or _NO_AUTHOR
        return CommitDraft(
            sha=self.id,
            message=self.message,
            author_name=author.name,
            author_email=author.email,
            timestamp=self.timestamp,
            changes=file_changes(self._changes()),
        )

    def _changes(self) -> Iterable[tuple[str, ChangeKind]]:
        # A path in two lists counts as deleted, else as added: the state after the push.
        lists: tuple[tuple[ChangeKind, Many[FilePath]], ...] = (
            ("D", self.removed),
            ("A", self.added),
            ("M", self.modified),
        )
        return ((path, kind) for kind, paths in lists for path in paths or ())


class _CommitList(PushBody):
    """The common fields. Each host has other fields for the repository and the number of commits."""

    ref: Ref
    commits: Many[_ListedCommit] = None

    @property
    def listed(self) -> int:
        """The number of commits in the list."""
        return len(self.commits or ())

    def push_to(self, repository: str, unlisted: int) -> Push:
        """Return the push to a repository, with the number of commits that are not listed."""
        commits = tuple(commit.draft() for commit in self.commits or ())
        return Push(repository=repository, ref=self.ref, commits=commits, unlisted=unlisted)


class _WebRepository(Payload):
    html_url: RepositoryName


class GitHubPush(_CommitList):
    """A push of GitHub. Commits with ``distinct: false`` are in an earlier push too; saving them twice is harmless."""

    repository: _WebRepository

    def pushes(self) -> Iterable[Push]:
        """Return one push."""
        # GitHub does not mark a list that it has cut, so that a full one counts as cut.
        yield self.push_to(self.repository.html_url, unlisted=int(self.listed >= MAX_GITHUB_COMMITS))


class GiteaPush(_CommitList):
    """A push of Gitea, Forgejo or Gogs. ``total_commits`` includes the commits that are not listed."""

    repository: _WebRepository
    total_commits: Count | None = None

    def pushes(self) -> Iterable[Push]:
        """Return one push."""
        if self.total_commits is None:
            unlisted = int(self.listed >= MAX_GOGS_COMMITS)
        else:
            unlisted = max(0, self.total_commits - self.listed)
        yield self.push_to(self.repository.html_url, unlisted=unlisted)


class _GitLabProject(Payload):
    web_url: RepositoryName


class GitLabPush(_CommitList):
    """A push of GitLab. It lists the newest 20 commits, and counts all."""

    project: _GitLabProject
    total_commits_count: Count = 0

    def pushes(self) -> Iterable[Push]:
        """Return one push."""
        yield self.push_to(self.project.web_url, unlisted=max(0, self.total_commits_count - self.listed))


def _is_signed_by_gitlab(headers: Mapping[str, str], body: bytes, secret: str) -> bool:
    """Return whether the secret was sent, or is a signing token with which the body was signed."""
    # While a token is being replaced, the header has a signature for each of them.
    given = headers.get("webhook-signature", "").split(" ")
    expected = _standard_signature(headers, body, _signing_key(secret))
    return same_secret(secret, headers.get("x-gitlab-token", "")) or any(same_secret(expected, one) for one in given)


def _standard_signature(headers: Mapping[str, str], body: bytes, key: bytes) -> str:
    """Return the signature of Standard Webhooks; empty, which matches nothing, without a key.

    The signed time is not compared with a clock: a repeated push changes nothing.
    """
    head = f"{headers.get('webhook-id', '')}.{headers.get('webhook-timestamp', '')}.".encode("utf-8", "surrogatepass")
    # The signature covers the raw body, so that it is checked before the body is parsed.
    digest = hmac.new(key, head + body, hashlib.sha256).digest()
    return f"v1,{b64encode(digest).decode('ascii')}" if key else ""


def _signing_key(secret: str) -> bytes:
    if not secret.startswith(SIGNING_PREFIX):
        return b""
    try:
        # Without ``validate``, wrong characters would be skipped, and a misspelled key accepted.
        return b64decode(secret.removeprefix(SIGNING_PREFIX), validate=True)
    except ValueError:
        return b""


# The older SHA-1 signature in X-Hub-Signature is not accepted.
GITHUB: Final = PushFormat(
    marks=("x-github-event",),
    events=("x-github-event",),
    push_events=frozenset({"push"}),
    signature="X-Hub-Signature-256",
    is_signed=hmac_header("x-hub-signature-256"),
    body=GitHubPush,
)
GITLAB: Final = PushFormat(
    marks=("x-gitlab-event",),
    events=("x-gitlab-event",),
    push_events=frozenset({"Push Hook", "Tag Push Hook"}),
    signature="X-Gitlab-Token or webhook-signature",
    is_signed=_is_signed_by_gitlab,
    body=GitLabPush,
)
GITEA: Final = PushFormat(
    marks=_GITEA_EVENTS,
    events=_GITEA_EVENTS,
    push_events=frozenset({"push"}),
    signature="X-Gitea-Signature (or X-Forgejo-Signature, X-Gogs-Signature)",
    is_signed=hmac_header("x-forgejo-signature", "x-gitea-signature", "x-gogs-signature", "x-hub-signature-256"),
    body=GiteaPush,
)
