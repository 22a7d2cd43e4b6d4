"""The commits that plugins read from a code host, and that webhooks deliver; and who last changed a line."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import AwareDatetime, BeforeValidator, Field, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from .values import Line, Sha, Value

_YEARS: Final = range(1900, 9000)
_LONGEST_PATH: Final = 4096
_NOT_STORABLE: Final = re.compile(r"[\x00\ud800-\udfff]")


def _storable(value: object) -> object:
    """Replace what no database stores: NUL and lone surrogates. Git allows any bytes in names and messages."""
    return _NOT_STORABLE.sub("\ufffd", value) if isinstance(value, str) else value


Text = Annotated[str, BeforeValidator(_storable)]
"""Text of a code host. One odd character must not cost the commit, and with it all that are fetched together."""


def _time_or_none(value: Any, validate: ValidatorFunctionWrapHandler) -> Any:
    if not isinstance(value, str | datetime):
        return None
    try:
        moment = validate(value)
    except ValidationError:
        return None
    return moment if moment and moment.year in _YEARS else None


# In a strict model, too: after a validator of Python, pydantic no longer treats the text as JSON's.
CommitTime = Annotated[Annotated[AwareDatetime, Field(strict=False)] | None, WrapValidator(_time_or_none)]
"""The time of a commit in an answer, for models of plugins. None for a malformed one, or an impossible one, such as
of the year 1: one odd commit must not refuse the others."""


class FileChange(Value):
    """One changed path of a commit.

    Attributes:
        path: from the repository's root, with slashes.
        type: ``A`` (added), ``M`` (modified) or ``D`` (deleted).
    """

    path: Annotated[Text, Field(min_length=1, max_length=4096)]
    # As in Sentry's API. A rename is a deletion and an addition.
    type: Literal["A", "M", "D"]


def changes_of(kinds: Mapping[str, str]) -> tuple[FileChange, ...]:
    """Return the changes of a commit from ``A``, ``M`` or ``D`` by path. Paths that no database stores are left out."""
    return tuple(
        FileChange.model_validate({"path": path, "type": kind})
        for path, kind in kinds.items()
        if 0 < len(path) <= _LONGEST_PATH
    )


class CommitDraft(Value):
    """A commit to save.

    Attributes:
        sha: the full id, at most 64 characters.
        message: the full message.
        author_name: the author's name.
        author_email: the author's address, which identifies the author.
        timestamp: the time of the commit, with a UTC offset.
        changes: the changed paths; empty if they are not known.
    """

    sha: Sha
    message: Text | None = None
    author_name: Text | None = None
    author_email: Text | None = None
    # Without an offset, two servers would read the same commit as of two times.
    timestamp: AwareDatetime | None = None
    changes: tuple[FileChange, ...] = ()


class CommitPage(Value):
    """The commits between two refs, with the number of those that a limit of the plugin left out.

    Attributes:
        commits: the commits, newest first.
        unlisted: how many commits between the refs are left out; 1 for an unknown number.
        without_changes: how many of ``commits`` have no changed files because they were not read.
    """

    commits: tuple[CommitDraft, ...]
    unlisted: Annotated[int, Field(ge=0)] = 0
    without_changes: Annotated[int, Field(ge=0)] = 0


class Push(Value):
    """The commits of one repository that a webhook delivered, in the order of the body.

    Attributes:
        repository: the repository in the body: preferably its web URL, else its external id or name.
        ref: the branch or tag that was pushed.
        commits: the commits that the body lists.
        unlisted: the number of pushed commits that the body does not list; 1 for an unknown number.
        base: the commit before the push, if the body has it.
        head: the last pushed commit. If there are unlisted commits, the host reads those after ``base`` up to ``head``
            with ``scm_compare_commits``.
    """

    # The longest clone URL that the SDK parses.
    repository: Annotated[str, Field(min_length=1, max_length=2000)]
    ref: str | None = None
    commits: tuple[CommitDraft, ...] = ()
    unlisted: Annotated[int, Field(ge=0)] = 0
    base: Sha | None = None
    head: Sha | None = None


class BlamedLine(Value):
    """The commit that last changed a line.

    Attributes:
        line: the number of the line in the file that was asked for, from 1.
        sha: the full id of the commit.
        author_name: the author's name.
        author_email: the author's address.
        timestamp: the time of the commit, with a UTC offset.
        original_path: the path of the file in that commit, if it is another one.
        original_line: the number of the line in that commit, if known.
    """

    line: Line
    sha: Sha
    author_name: Text | None = None
    author_email: Text | None = None
    timestamp: AwareDatetime | None = None
    original_path: Annotated[Text, Field(min_length=1, max_length=4096)] | None = None
    original_line: Line | None = None
