"""Questions as rows of JSON lines, the form of data sets of suspect commits."""

from collections.abc import Sequence
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from .values import Blame, Change, CodeFrame, Region, SuspectQuestion

# The years from 1 to 9999. Milliseconds are refused: a commit of today would be one of the year 57,000.
_FIRST_SECOND: Final = -62_135_596_800
_LAST_SECOND: Final = 253_402_300_799

Seconds = Annotated[float, Field(ge=_FIRST_SECOND, le=_LAST_SECOND)]
"""A time in seconds since 1970."""


class _Lenient(BaseModel):
    """Unknown fields are ignored."""

    model_config = ConfigDict(frozen=True)


class FrameRow(_Lenient):
    path: str
    line: int | None = None
    function: str | None = None
    test: bool | None = None


class ChangeRow(_Lenient):
    sha: str
    time: Seconds
    words: Sequence[str] | None = None
    touched: dict[str, str] | None = None
    in_window: bool | None = None


class BlameRow(_Lenient):
    path: str
    line: int
    sha: str


class RegionRow(_Lenient):
    path: str
    line: int
    shas: Sequence[str] = ()


class SuspectsRow(_Lenient):
    """A question. ``in_window`` marks the commits of the release; without any mark all commits are compared."""

    frames: Sequence[FrameRow] = ()
    commits: Sequence[ChangeRow] = ()
    first_seen: Seconds | None = None
    blame: Sequence[BlameRow] | None = None
    region: Sequence[RegionRow] | None = None

    def question(self) -> SuspectQuestion:
        """Return the question. A commit that is listed twice counts once."""
        commits = {row.sha: row for row in self.commits}.values()
        return SuspectQuestion(
            frames=[CodeFrame(row.path, row.line, row.function, bool(row.test)) for row in self.frames],
            commits=[
                Change(row.sha, row.time, frozenset(row.words or ()), row.touched or {}, row.in_window)
                for row in commits
            ],
            first_seen=self.first_seen,
            blame=[Blame(row.path, row.line, row.sha) for row in self.blame or ()],
            regions=[Region(row.path, row.line, row.shas) for row in self.region or ()],
        )
