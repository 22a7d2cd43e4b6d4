"""Traces as they are sent: a text, or frames with the keys of Sentry's events."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import AliasChoices, BaseModel, Field

from scmhost.frames import FrameMatch
from scmhost.infra.errors import InvalidInput
from scmhost.mapping import FrameInfo
from scmhost.sdk import ref_problem
from scmhost.services import Services

from .traces import queries_of, read_trace
from .values import FrameQuery

LONGEST: Final = 4096

_Text = Annotated[str | None, Field(max_length=LONGEST)]
_Count = Annotated[int | None, Field(ge=-(2**53), le=2**53)]


def _spelled(camel: str, *others: str) -> AliasChoices:
    return AliasChoices(camel, *others)


class FrameIn(BaseModel):
    """A frame of an event. Keys that are not listed are passed over."""

    filename: _Text = None
    abs_path: _Text = Field(default=None, validation_alias=_spelled("absPath", "abs_path"))
    module: _Text = None
    package: _Text = None
    function: str | None = None
    line_no: _Count = Field(default=None, validation_alias=_spelled("lineNo", "lineno", "line_no"))
    col_no: _Count = Field(default=None, validation_alias=_spelled("colNo", "colno", "col_no"))
    platform: _Text = None
    in_app: bool | None = Field(default=None, validation_alias=_spelled("inApp", "in_app"))


class TraceIn(BaseModel):
    """A stack trace, as a text or as frames, and what it is of. Camel case and snake case are both taken."""

    text: str | None = Field(default=None, description="A pasted trace, a log, or the JSON of an event.")
    frames: list[FrameIn] | None = Field(default=None, description="Frames as Sentry's events have them.")
    release: _Text = Field(default=None, description="The release that the trace is of; links lead to its commits.")
    commit: _Text = Field(default=None, description="The commit that ran; all links lead to it.")
    platform: _Text = Field(default=None, description="The platform of frames that do not tell one.")
    sdk_name: _Text = Field(default=None, validation_alias=_spelled("sdkName", "sdk_name"))


class LinksIn(TraceIn):
    """A trace to link."""

    derive: bool = Field(default=True, description="Whether mappings are derived for frames that none fits.")


class DeriveIn(TraceIn):
    """A trace to derive code mappings from."""

    save: bool = Field(default=False, description="Whether the mappings are saved; else it is told what would be.")
    confidence: Literal["high", "medium", "low"] = Field(
        default="medium", description="How sure a mapping has to be to be saved."
    )
    default_branch: str | None = Field(
        default=None,
        validation_alias=_spelled("defaultBranch", "default_branch"),
        max_length=255,
        description="The branch of new mappings; else the one that their repository's other mappings agree on.",
    )


@dataclass(frozen=True, slots=True)
class Shown:
    """A frame as it is answered. ``found`` says where it stands, if it was read from a text."""

    frame: FrameIn
    language: str | None = None
    found: FrameMatch | None = None


@dataclass(frozen=True, slots=True)
class Trace:
    """A trace as it was understood: each frame as it is shown and as it is asked about."""

    shown: Sequence[Shown]
    queries: Sequence[FrameQuery]
    unread: int = 0
    truncated: bool = False


def read(services: Services, body: TraceIn) -> Trace:
    """The frames of a body.

    Raises:
        InvalidInput: the body has neither text nor frames, or both, or too many frames, or its commit is none.
    """
    if (body.text is None) == (body.frames is None):
        raise InvalidInput("Send either text, a pasted stack trace, or frames, those of an event; not both.")
    problem = ref_problem(body.commit) if body.commit else None
    if problem:
        raise InvalidInput(f"{problem}.", "commit")
    return _of_frames(services, body, body.frames) if body.frames is not None else _of_text(services, body)


def _of_frames(services: Services, body: TraceIn, frames: Sequence[FrameIn]) -> Trace:
    services.limits.check("trace_frames", len(frames), "frames")
    return Trace([Shown(frame) for frame in frames], [_query(frame, body) for frame in frames])


def _of_text(services: Services, body: TraceIn) -> Trace:
    reading = read_trace(services, body.text or "")
    shown = [Shown(_printed(found), found.frame.language, found) for found in reading.frames]
    frames = [found.frame for found in reading.frames]
    queries = queries_of(frames, commit=body.commit or None, platform=body.platform)
    return Trace(shown, queries, reading.unread, reading.truncated)


def _query(frame: FrameIn, body: TraceIn) -> FrameQuery:
    info = FrameInfo(
        filename=frame.filename,
        module=frame.module,
        abs_path=frame.abs_path,
        package=frame.package,
        platform=frame.platform or body.platform,
        sdk_name=body.sdk_name,
    )
    return FrameQuery(info, frame.line_no, body.commit or None, frame.in_app)


def _printed(found: FrameMatch) -> FrameIn:
    frame = found.frame
    return FrameIn.model_construct(
        filename=frame.path, module=frame.module, function=frame.function, line_no=frame.line, col_no=frame.column
    )
