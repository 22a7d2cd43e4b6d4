"""The plain push format, for scripts and other hosts: commits as in scmhost's HTTP API."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, ConfigDict, StringConstraints

from scmhost.sdk import CommitDraft, Push

from .formats import (
    ChangeKind,
    FilePath,
    Many,
    Payload,
    PushBody,
    PushFormat,
    Ref,
    RepositoryName,
    Sha,
    Text,
    file_changes,
    hmac_header,
    in_utc,
)

# Renames and copies of git (R and C) count as modifications.
_KINDS: Final = ("A", "M", "D")


def _blank_as_none(value: Any) -> Any:
    return None if isinstance(value, str) and not value.strip() else value


def _known_kind(value: Any) -> Any:
    return value if value in _KINDS else "M"


_stripped: Final = StringConstraints(strip_whitespace=True)
_LenientMoment = Annotated[datetime, AfterValidator(in_utc)]
_Name = Annotated[Text, StringConstraints(strip_whitespace=True, max_length=128)]


class _PlainChange(Payload):
    path: FilePath
    type: Annotated[ChangeKind, BeforeValidator(_known_kind)] = "M"


class _PlainCommit(Payload):
    """A commit, as lenient as the HTTP API: blank is null, a time without an offset is UTC, an unknown type is M."""

    model_config = ConfigDict(strict=False)

    id: Annotated[Sha, _stripped]
    message: Text | None = None
    author_name: Annotated[_Name | None, BeforeValidator(_blank_as_none)] = None
    author_email: Text | None = None
    timestamp: Annotated[_LenientMoment | None, BeforeValidator(_blank_as_none)] = None
    patch_set: Many[_PlainChange] = None

    def draft(self) -> CommitDraft:
        return CommitDraft(
            sha=self.id,
            message=self.message,
            author_name=self.author_name,
            author_email=self.author_email,
            timestamp=self.timestamp,
            changes=file_changes((change.path, change.type) for change in self.patch_set or ()),
        )


class PlainPush(PushBody):
    """A push to a repository, which is given by name, URL or external id."""

    repository: Annotated[RepositoryName, _stripped]
    ref: Ref | None = None
    commits: Many[_PlainCommit] = None

    def pushes(self) -> Iterable[Push]:
        """Return one push."""
        commits = tuple(commit.draft() for commit in self.commits or ())
        yield Push(repository=self.repository, ref=self.ref, commits=commits)


PLAIN: Final = PushFormat(
    marks=("x-scmhost-signature",),
    events=(),
    push_events=frozenset(),
    signature="X-Scmhost-Signature",
    is_signed=hmac_header("x-scmhost-signature"),
    body=PlainPush,
)
