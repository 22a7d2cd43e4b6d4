"""Paste a trace: the link of each frame, or the reason why there is none, and what was tried."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError
from starlette.responses import Response

from scmhost.infra.errors import InvalidInput
from scmhost.links.explain import ExplainedFrame, explain_links
from scmhost.links.resolve import ResolvedFrame, notes_on_release, resolve_links
from scmhost.links.traces import LinksIn, Trace, TraceFrame, read_trace, trace_time
from scmhost.links.values import FrameQuery, Link, NoLink, no_link_message

from .visit import Visit, get, post

MOST_FRAMES: Final = 200
"""How many frames of a text a page links; the API and the command take more."""

_EXPLAINED: Final = 50
# The first number of frames that fits into a page is shown.
_SIZES: Final = (MOST_FRAMES, 80, 40, 20, 10, 5, 2, 0)
_LONGEST_REPEATED: Final = 12_000
_LONGEST_PATH_IN_ADDRESS: Final = 500

_REF_SOURCES: Final = {
    "frame": "the commit of the frame",
    "release": "the commit of the release",
    "default_branch": "the default branch",
    "newest_commit": "the newest known commit",
}


@dataclass(frozen=True, slots=True)
class LinkedRow:
    """A frame of the page, with its link or the reason why there is none.

    Attributes:
        printed: the frame as it was printed.
        query: the frame as it was linked.
        resolved: the outcome.
        explained: what was tried; None for frames far down in a long text.
    """

    printed: TraceFrame
    query: FrameQuery
    resolved: ResolvedFrame
    explained: ExplainedFrame | None = None

    @property
    def place(self) -> str:
        """The path and the line, as they were printed."""
        frame = self.printed.frame
        path = frame.filename or frame.module or frame.function or "?"
        return f"{path}:{frame.line_no}" if frame.line_no else path

    @property
    def link(self) -> Link | None:
        """The link, if there is one."""
        return self.resolved.outcome if isinstance(self.resolved.outcome, Link) else None

    @property
    def missing(self) -> NoLink | None:
        """The reason why there is no link."""
        return self.resolved.outcome if isinstance(self.resolved.outcome, NoLink) else None

    @property
    def message(self) -> str:
        """Why there is no link, in a sentence."""
        return no_link_message(self.missing) if self.missing else ""

    @property
    def mark(self) -> str:
        """A word for links that nobody configured."""
        if self.link is None:
            return ""
        return "guess" if self.link.basis.confidence == "low" else "derived" * (self.link.basis.mapping == "derived")

    @property
    def ref_source(self) -> str:
        """Where the ref of the link is from."""
        return _REF_SOURCES[self.link.ref_source] if self.link else ""

    @property
    def for_mapping(self) -> dict[str, object]:
        """The fields of a form that makes a code mapping for the frame; none if its path is no path."""
        info = self.query.info
        path = info.filename or ""
        if not path or len(path) > _LONGEST_PATH_IN_ADDRESS:
            return {}
        return {"path": path, "line": self.query.line, "module": info.module, "platform": info.platform}


def show_trace(visit: Visit) -> Response:
    """The form for a text."""
    return _page(visit)


def link_trace(visit: Visit) -> Response:
    """Link the frames of the text."""
    try:
        with trace_time(visit.services, visit.organization):
            body, trace = read_form(visit)
            rows = linked_rows(visit, body, trace)
    except InvalidInput as error:
        return _page(visit, 400, problem=error.message)
    notes = notes_on_release(visit.services, visit.organization, body.release)
    return _page(visit, trace=trace, rows=rows, notes=notes)


def read_form(visit: Visit) -> tuple[LinksIn, Trace]:
    """Return the text of the form, and its frames.

    Raises:
        InvalidInput: there is no text, or its release or commit is malformed.
    """
    text = visit.form.get("text", "")
    if not text.strip():
        raise InvalidInput(
            "Paste a stack trace, the output of a compiler or a test runner, or an event as JSON.", "text"
        )
    fields = {"text": text, "release": visit.field("release") or None, "commit": visit.field("commit") or None}
    try:
        body = LinksIn.model_validate(fields)
    except ValidationError:
        raise InvalidInput("The release or the commit is too long.", "release") from None
    return body, read_trace(visit.services, body)


def linked_rows(visit: Visit, body: LinksIn, trace: Trace) -> list[LinkedRow]:
    """Return the frames of a trace with their links, the first of them with what was tried."""
    arguments = visit.services, visit.organization, visit.project
    queries = trace.queries[:MOST_FRAMES]
    most = min(_EXPLAINED, visit.services.limits.explained_frames)
    explained = explain_links(*arguments, queries[:most], body.options) if queries else []
    rest = resolve_links(*arguments, queries[most:], body.options) if queries[most:] else []
    resolved: Sequence[ResolvedFrame] = [*(each.resolved for each in explained), *rest]
    why = [*explained, *([None] * len(rest))]
    return [LinkedRow(*each) for each in zip(trace.frames, queries, resolved, why, strict=False)]


def _page(
    visit: Visit,
    status: int = 200,
    *,
    trace: Trace | None = None,
    rows: Sequence[LinkedRow] = (),
    notes: Sequence[str] = (),
    problem: str | None = None,
) -> Response:
    text = visit.form.get("text", "")
    return visit.page_that_fits(
        "trace.html",
        _SIZES,
        status,
        trace=trace,
        rows=rows,
        notes=notes,
        problem=problem,
        text=text if len(text) <= _LONGEST_REPEATED else "",
        is_long=len(text) > _LONGEST_REPEATED,
        release=visit.field("release"),
        commit=visit.field("commit"),
        linked=sum(row.link is not None for row in rows),
        guesses=sum(row.mark == "guess" for row in rows),
    )


VIEWS: Final = (
    get("/organizations/{organization}/projects/{project}", show_trace),
    post("/organizations/{organization}/projects/{project}", link_trace),
)
