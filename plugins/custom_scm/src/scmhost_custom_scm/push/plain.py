"""The plain form, for scripts and for hosts without a form of their own: commits as the HTTP API takes them."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, ConfigDict, StringConstraints

from scmhost.sdk import CommitDraft, Push

from .fields import Kind, Many, Path, Ref, RepositoryName, Sha, Text, file_changes, in_utc
from .form import Form, Payload, PushBody, signed_in

_KINDS: Final = ("A", "M", "D")


def _blank_as_none(value: Any) -> Any:
    return None if isinstance(value, str) and not value.strip() else value


def _known_kind(value: Any) -> Any:
    return value if value in _KINDS else "M"


_stripped: Final = StringConstraints(strip_whitespace=True)
_Moment = Annotated[datetime, AfterValidator(in_utc)]
_Name = Annotated[Text, StringConstraints(strip_whitespace=True, max_length=128)]


class _Change(Payload):
    path: Path
    type: Annotated[Kind, BeforeValidator(_known_kind)] = "M"


class _Commit(Payload):
    """As lenient as the HTTP API: blank is none, a time without an offset is UTC, an unknown change is an M."""

    model_config = ConfigDict(strict=False)

    id: Annotated[Sha, _stripped]
    message: Text | None = None
    author_name: Annotated[_Name | None, BeforeValidator(_blank_as_none)] = None
    author_email: Text | None = None
    timestamp: Annotated[_Moment | None, BeforeValidator(_blank_as_none)] = None
    patch_set: Many[_Change] = None

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
    """``repository`` is a name, a URL or an external id."""

    repository: Annotated[RepositoryName, _stripped]
    ref: Ref | None = None
    commits: Many[_Commit] = None

    def pushes(self) -> Iterable[Push]:
        """One push."""
        commits = tuple(commit.draft() for commit in self.commits or ())
        yield Push(repository=self.repository, ref=self.ref, commits=commits)


FORM: Final = Form(
    marks=("x-scmhost-signature",),
    events=(),
    push_events=frozenset(),
    signature="X-Scmhost-Signature",
    signed=signed_in("x-scmhost-signature"),
    body=PlainPush,
)
