"""Stack traces as they are sent, a text or frames with the keys of Sentry's events, and the frames to link in them."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from math import ceil
from time import monotonic, thread_time
from typing import Annotated, Any, Final, Literal, ParamSpec, TypeVar

from msgspec import Struct
from pydantic import AfterValidator, AliasChoices, BaseModel, Field

from scmhost.frames import Frame, FrameMatch, read_text
from scmhost.frames.frame import JVM
from scmhost.infra.errors import InvalidInput, TooManyRequests
from scmhost.mapping import FrameInfo
from scmhost.organizations.queries import Project
from scmhost.sdk import Organization, ref_problem
from scmhost.services import Services

from .resolve import ResolvedFrame, resolve_links
from .values import FrameQuery, LinkOptions, encodable

P = ParamSpec("P")
T = TypeVar("T")

MAX_FIELD: Final = 4096
_TRACES: Final = "trace seconds"
_HOUR: Final = 3_600.0

_Text = Annotated[str | None, Field(max_length=MAX_FIELD)]
_AnyText = Annotated[str, AfterValidator(encodable)]
_Count = Annotated[int | None, Field(ge=-(2**53), le=2**53)]


class FrameIn(BaseModel):
    """A frame of an event. Other keys are ignored."""

    filename: _Text = None
    abs_path: _Text = Field(default=None, validation_alias=AliasChoices("absPath", "abs_path"))
    module: _Text = None
    package: _Text = None
    function: _AnyText | None = None
    # SDKs write events in snake case; Sentry's API returns them in camel case.
    line_no: _Count = Field(default=None, validation_alias=AliasChoices("lineNo", "lineno", "line_no"))
    col_no: _Count = Field(default=None, validation_alias=AliasChoices("colNo", "colno", "col_no"))
    platform: _Text = None
    in_app: bool | None = Field(default=None, validation_alias=AliasChoices("inApp", "in_app"))


class TraceIn(BaseModel):
    """A stack trace, as a text or as frames. Camel case and snake case are both accepted."""

    text: _AnyText | None = Field(default=None, description="A pasted trace, a log, or the JSON of an event.")
    frames: list[FrameIn] | None = Field(default=None, description="Frames as Sentry's events have them.")
    release: _Text = Field(default=None, description="The trace's release; links lead to the release's commits.")
    commit: _Text = Field(default=None, description="The commit that ran; all links lead to it.")
    platform: _Text = Field(default=None, description="The platform of frames that have none.")
    sdk_name: _Text = Field(default=None, validation_alias=AliasChoices("sdkName", "sdk_name"))


class LinksIn(TraceIn):
    """A trace to link."""

    derive: bool = Field(default=True, description="Whether mappings are derived for frames that no mapping matches.")

    @property
    def options(self) -> LinkOptions:
        """The options of the links."""
        return LinkOptions(self.release or None, derive=self.derive, with_file_status=True)


class DeriveIn(TraceIn):
    """A trace to derive code mappings from."""

    save: bool = Field(default=False, description="Whether the mappings are saved; else the actions are only listed.")
    confidence: Literal["high", "medium", "low"] = Field(
        default="medium", description="The least confidence of a mapping that is saved."
    )
    default_branch: str | None = Field(
        default=None,
        validation_alias=AliasChoices("defaultBranch", "default_branch"),
        max_length=255,
        description="The branch of new mappings; else the one that their repository's other mappings agree on.",
    )


class TraceFrame(Struct, frozen=True, gc=False):
    """A frame of a trace, with its position if it was read from a text."""

    frame: FrameIn
    language: str | None = None
    match: FrameMatch | None = None


@dataclass(frozen=True, slots=True)
class Trace:
    """The frames of a trace: as they are repeated in the answer, and as they are linked, in the same order."""

    frames: Sequence[TraceFrame]
    queries: Sequence[FrameQuery]
    unread: int = 0
    truncated: bool = False


def read_trace(services: Services, body: TraceIn) -> Trace:
    """Return the frames of a request's trace.

    Raises:
        InvalidInput: the body has neither text nor frames, or both, or too many frames, or its commit is malformed.
    """
    if (body.text is None) == (body.frames is None):
        raise InvalidInput("Send either text, a pasted stack trace, or frames, those of an event; not both.")
    # Checked once for all frames; a frame of an event has no commit of its own.
    problem = ref_problem(body.commit) if body.commit else None
    if problem:
        raise InvalidInput(f"{problem}.", "commit")
    if body.frames is not None:
        # A list that is too long is an error, but a text is cut: nobody can count its frames before.
        services.limits.check("trace_frames", len(body.frames), "frames")
        return Trace([TraceFrame(frame) for frame in body.frames], [_event_query(frame, body) for frame in body.frames])
    reading = read_text(body.text or "", limit=services.limits.trace_characters, most=services.limits.trace_frames)
    matches = [match._replace(frame=_encodable(match.frame)) for match in reading.frames]
    return Trace(
        [TraceFrame(_printed(match.frame), match.frame.language, match) for match in matches],
        [_printed_query(match.frame, body.commit or None, body.platform) for match in matches],
        reading.unread,
        reading.truncated,
    )


def link_frames(
    services: Services,
    organization: Organization,
    project: Project,
    frames: Sequence[Frame],
    *,
    release: str | None = None,
    commit: str | None = None,
) -> list[ResolvedFrame]:
    """Link printed frames at the given commit, else at the release's, else at the default branch."""
    queries = [_printed_query(frame, commit) for frame in frames]
    return resolve_links(services, organization, project, queries, LinkOptions(release, derive=True))


def _encodable(frame: Frame) -> Frame:
    """Return the frame with lone surrogates replaced: those of a JSON document in the text are escaped until here."""
    texts = (frame.path, frame.function, frame.module, frame.language, frame.message)
    if all(text is None or text.isascii() for text in texts):
        return frame
    path, function, module, language, message = (text and encodable(text) for text in texts)
    return frame._replace(path=path or "", function=function, module=module, language=language, message=message)


def _event_query(frame: FrameIn, body: TraceIn) -> FrameQuery:
    platform = frame.platform or body.platform
    info = FrameInfo(frame.filename, frame.module, frame.abs_path, frame.package, platform, body.sdk_name)
    return FrameQuery(info, frame.line_no, body.commit or None, frame.in_app)


def _printed_query(frame: Frame, commit: str | None, platform: str | None = None) -> FrameQuery:
    """Return a printed frame to link. The platform is that of frames whose notation does not show their language."""
    on_jvm = frame.language in JVM or (frame.language is None and platform == "java")
    # The JVM prints only the name of a file; the class in front of it has the folders.
    abs_path = frame.path if on_jvm else None
    info = FrameInfo(frame.path, frame.module, abs_path, platform="java" if on_jvm else platform)
    return FrameQuery(info, frame.line, commit)


def _printed(frame: Frame) -> FrameIn:
    # Without validation: a printed path may be longer than a field of a request.
    return FrameIn.model_construct(
        filename=frame.path, module=frame.module, function=frame.function, line_no=frame.line, col_no=frame.column
    )


@contextmanager
def trace_time(services: Services, organization: Organization) -> Iterator[None]:
    """Count the processor time of this thread in the block against the quota of the organization.

    It is a token bucket as that of requests: it holds the seconds of an hour, and fills up in an hour.

    Raises:
        TooManyRequests: it is empty.
    """
    most, key = services.quota_of(organization).trace_seconds_per_hour, (_TRACES, organization.id)
    wait = services.buckets.used(key, monotonic()) - _HOUR
    if wait > 0:
        services.telemetry.count("refused_requests", {_TRACES: 1})
        raise TooManyRequests(
            f"The traces of {organization.slug!r} have used the {most} s of processor time of an hour "
            "(limits.quotas.trace_seconds_per_hour)",
            ceil(wait),
        )
    began = thread_time()
    try:
        yield
    finally:
        services.buckets.take(key, (thread_time() - began) * _HOUR / most, monotonic())


def counts_trace_time(route: Callable[P, T]) -> Callable[P, T]:
    """Decorate a route that reads traces: its processor time counts. Its thread does nothing else meanwhile."""

    @wraps(route)
    def timed(*arguments: P.args, **named: P.kwargs) -> T:
        access: Any = named.get("access")
        services: Any = access.services if access else named["services"]
        organization: Any = access.organization if access else named["organization"]
        with trace_time(services, organization):
            return route(*arguments, **named)

    return timed


def trace_seconds(services: Services, organization: Organization) -> float:
    """Return how many seconds of processor time traces have used in about an hour, in this worker."""
    used = services.buckets.used((_TRACES, organization.id), monotonic())
    return used * services.quota_of(organization).trace_seconds_per_hour / _HOUR
