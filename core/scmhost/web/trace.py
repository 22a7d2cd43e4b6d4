"""Paste a trace: the link of each frame, or the reason why there is none, and what was tried; and share it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from pydantic import ValidationError
from starlette.responses import Response

from scmhost.infra.errors import Conflict, Forbidden, InvalidInput
from scmhost.links.explain import ExplainedFrame, explain_links
from scmhost.links.owners import FrameOwners, read_owners
from scmhost.links.resolve import ResolvedFrame, notes_on_release, resolve_links
from scmhost.links.shared_queries import SharedTrace
from scmhost.links.sharing import LONGEST_SHARED, delete_shared, list_shared, read_shared, share_trace
from scmhost.links.source_lines import MissingLines
from scmhost.links.suspects import FoundSuspects, SuspectOptions, find_suspects
from scmhost.links.traces import LinksIn, Trace, TraceFrame, read_trace, trace_time
from scmhost.links.values import FrameQuery, Link, NoLink, no_link_message
from scmhost.organizations.queries import Project
from scmhost.organizations.sessions import actor_of
from scmhost.sdk import Organization
from scmhost.services import Services

from .rendering import rendered_file
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
        owners: the owners of the file, or why they are not known, if they were requested.
    """

    printed: TraceFrame
    query: FrameQuery
    resolved: ResolvedFrame
    explained: ExplainedFrame | None = None
    owners: FrameOwners | MissingLines | None = None

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
    """Link the frames of the text; or store the text, and lead to its own page."""
    try:
        body, trace = read_form(visit)
        if visit.field("do") == "share":
            shared = share_trace(visit.acting, visit.organization, visit.project, body)
            return visit.redirect(f"{visit.project_path}/traces/{shared.id}", people=visit.field("people"))
    except (InvalidInput, Conflict) as error:
        sent = LinksIn.model_construct(
            text=visit.form.get("text", ""), release=visit.field("release"), commit=visit.field("commit")
        )
        return _page(visit, sent, status=400, problem=str(error))
    return _page(visit, body, trace)


def show_shared(visit: Visit) -> Response:
    """A shared trace with its links, which are made anew."""
    found = read_shared(visit.services, visit.organization, visit.project, visit.path_id("trace"))
    body = LinksIn(text=found.text, release=found.release, commit=found.commit)
    return _page(visit, body, read_trace(visit.services, body), shared=found.shared)


def list_shared_traces(visit: Visit) -> Response:
    """The traces of the project that people share."""
    traces = list_shared(visit.services, visit.organization, visit.project)
    return visit.page_that_fits("shared_traces.html", (200, 50), traces=traces, may_delete=_may_delete(visit))


def stop_sharing(visit: Visit) -> Response:
    """Delete a shared trace: one's own, or any of them as an administrator."""
    place = visit.organization, visit.project, visit.path_id("trace")
    if not _may_delete(visit)(read_shared(visit.services, *place).shared):
        raise Forbidden("Only the person who shares a trace, and administrators, may delete it.")
    delete_shared(visit.acting, *place)
    return visit.redirect(f"{visit.project_path}/traces", "The trace is deleted, with its text.")


def _may_delete(visit: Visit) -> Callable[[SharedTrace], bool]:
    own = actor_of(visit.person.person)
    return lambda shared: visit.is_admin or shared.actor == own


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


def linked_rows(
    services: Services, organization: Organization, project: Project, body: LinksIn, trace: Trace
) -> list[LinkedRow]:
    """Return the frames of a trace with their links, the first of them with what was tried."""
    arguments = services, organization, project
    queries = trace.queries[:MOST_FRAMES]
    most = min(_EXPLAINED, services.limits.explained_frames)
    explained = explain_links(*arguments, queries[:most], body.options) if queries else []
    rest = resolve_links(*arguments, queries[most:], body.options) if queries[most:] else []
    resolved: Sequence[ResolvedFrame] = [*(each.resolved for each in explained), *rest]
    why = [*explained, *([None] * len(rest))]
    return [LinkedRow(*each) for each in zip(trace.frames, queries, resolved, why, strict=False)]


def _with_owners(visit: Visit, rows: Sequence[LinkedRow]) -> list[LinkedRow]:
    """Return the rows with the owners of their files, which code hosts are asked for."""
    found = read_owners(visit.services, visit.organization, [row.resolved for row in rows])
    return [replace(row, owners=owners) for row, owners in zip(rows, found, strict=True)]


def _suspects(visit: Visit, body: LinksIn, trace: Trace, rows: Sequence[LinkedRow]) -> FoundSuspects:
    """Return the suspects of the frames on the page."""
    shown = replace(trace, frames=trace.frames[: len(rows)], queries=trace.queries[: len(rows)])
    resolved = [row.resolved for row in rows]
    return find_suspects(visit.services, visit.organization, shown, resolved, SuspectOptions(body.release or None))


def trace_file(
    services: Services, organization: Organization, project: Project, title: str, texts: Mapping[str, LinksIn]
) -> str:
    """Return the links of texts, by their headings, as a page that a browser opens from a file."""
    sections = [
        (heading, linked_rows(services, organization, project, body, read_trace(services, body)))
        for heading, body in texts.items()
    ]
    return rendered_file("trace_file.html", title=title, sections=sections)


def _page(
    visit: Visit,
    body: LinksIn | None = None,
    trace: Trace | None = None,
    *,
    status: int = 200,
    shared: SharedTrace | None = None,
    problem: str | None = None,
) -> Response:
    services, organization, project = visit.services, visit.organization, visit.project
    rows = linked_rows(services, organization, project, body, trace) if body and trace else []
    # A shared trace has an address, so that its choice is a part of that.
    with_people = bool(visit.field("people") or visit.query("people"))
    suspects = _suspects(visit, body, trace, rows) if body and trace and with_people else None
    rows = _with_owners(visit, rows) if with_people else rows
    text = (body.text if body else None) or ""
    return visit.page_that_fits(
        "trace.html",
        _SIZES,
        status,
        trace=trace,
        rows=rows,
        notes=notes_on_release(services, organization, body.release) if body and trace else (),
        problem=problem,
        text=text if len(text) <= _LONGEST_REPEATED else "",
        is_long=len(text) > _LONGEST_REPEATED,
        release=(body.release if body else None) or "",
        commit=(body.commit if body else None) or "",
        linked=sum(row.link is not None for row in rows),
        guesses=sum(row.mark == "guess" for row in rows),
        shared=shared,
        suspects=suspects,
        with_people=with_people,
        may_delete=_may_delete(visit),
        longest_shared=LONGEST_SHARED,
    )


def _timed(show: Callable[[Visit], Response]) -> Callable[[Visit], Response]:
    """Return a view whose processor time counts as that of a trace."""

    def answer(visit: Visit) -> Response:
        with trace_time(visit.services, visit.organization):
            return show(visit)

    return answer


VIEWS: Final = (
    get("/organizations/{organization}/projects/{project}", show_trace),
    post("/organizations/{organization}/projects/{project}", _timed(link_trace)),
    get("/organizations/{organization}/projects/{project}/traces", list_shared_traces),
    get("/organizations/{organization}/projects/{project}/traces/{trace}", _timed(show_shared)),
    post("/organizations/{organization}/projects/{project}/traces/{trace}/delete", stop_sharing),
)
