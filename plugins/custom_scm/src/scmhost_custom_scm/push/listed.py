"""A push as GitHub, GitLab, Gitea and their kin write it: one ref, and a list of commits of one shape."""

from typing import Final

from scmhost.sdk import CommitDraft, Push

from .fields import Kind, Many, Moment, Path, Ref, RepositoryName, Sha, Text, file_changes
from .form import Payload, PushBody

_STRONGEST_FIRST: Final[tuple[Kind, ...]] = ("D", "A", "M")


class WebRepository(Payload):
    """A repository with the page that people open."""

    html_url: RepositoryName


class _Author(Payload):
    name: Text | None = None
    email: Text | None = None


_NOBODY: Final = _Author()


class _Commit(Payload):
    id: Sha
    message: Text | None = None
    timestamp: Moment | None = None
    author: _Author | None = None
    added: Many[Path] = None
    removed: Many[Path] = None
    modified: Many[Path] = None

    def draft(self) -> CommitDraft:
        author = self.author or _NOBODY
        paths = zip(_STRONGEST_FIRST, (self.removed, self.added, self.modified), strict=True)
        return CommitDraft(
            sha=self.id,
            message=self.message,
            author_name=author.name,
            author_email=author.email,
            timestamp=self.timestamp,
            # A path in two lists is deleted, else added: what is there afterwards.
            changes=file_changes((path, kind) for kind, listed in paths for path in listed or ()),
        )


class ListedPush(PushBody):
    """What all of them have; each host names its repository and counts its commits in its own way."""

    ref: Ref
    commits: Many[_Commit] = None

    @property
    def listed(self) -> int:
        """How many commits the body lists."""
        return len(self.commits or ())

    def push_to(self, repository: str, unlisted: int) -> Push:
        """The push, once it is known to which repository and how many commits are missing."""
        commits = tuple(commit.draft() for commit in self.commits or ())
        return Push(repository=repository, ref=self.ref, commits=commits, unlisted=unlisted)
