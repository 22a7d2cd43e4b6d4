"""From a whole stack trace to links, and how they come about."""

from typing import Final

from fastapi import APIRouter

from scmhost.api import trace_bodies
from scmhost.api.context import ForLinks, ProjectToLink, ServicesOf
from scmhost.api.trace_bodies import LinksIn
from scmhost.api.trace_shapes import ExplainedTraceOut, LinkedTraceOut, explained_frame, linked_frame
from scmhost.usecases.explain_links import explain_links
from scmhost.usecases.frame_query import Wish
from scmhost.usecases.resolve_links import resolve_links

router: Final = APIRouter(prefix="/api/0/projects/{organization}/{project}", tags=["links"])


@router.post("/trace-links/")
def trace_links(services: ServicesOf, organization: ForLinks, project: ProjectToLink, body: LinksIn) -> LinkedTraceOut:
    """The links of all frames of a stack trace, pasted or as an event has them, each with how sure it is."""
    trace = trace_bodies.read(services, body)
    answers = resolve_links(services, organization, project, trace.queries, _wish(body))
    frames = [linked_frame(shown, answer) for shown, answer in zip(trace.shown, answers, strict=True)]
    return LinkedTraceOut(frames=frames, unread_lines=trace.unread, truncated=trace.truncated)


@router.post("/explain/")
def explain(services: ServicesOf, organization: ForLinks, project: ProjectToLink, body: LinksIn) -> ExplainedTraceOut:
    """How frames come to their links or to none: the same answers, with every code mapping that was tried and why."""
    trace = trace_bodies.read(services, body)
    services.limits.check("explained_frames", len(trace.queries), "frames" if body.text is None else "text")
    answers = explain_links(services, organization, project, trace.queries, _wish(body))
    frames = [explained_frame(shown, answer) for shown, answer in zip(trace.shown, answers, strict=True)]
    return ExplainedTraceOut(frames=frames, unread_lines=trace.unread, truncated=trace.truncated)


def _wish(body: LinksIn) -> Wish:
    return Wish(body.release or None, derive=body.derive, tell_files=True)
