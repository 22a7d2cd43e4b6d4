"""For Sentry's SDK: the page of the innermost frame of your own code, in the context ``source`` of each event.

``sentry_sdk.init(before_send=scmhost.integrations.sentry.before_send)``. Sentry removes unknown fields of frames, but
keeps and shows contexts.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

from .source_links import MOST_FRAMES, SourceLinks, answer_or, source_links

# Now, because it takes a hundred times as long as the rest.
answer_or(None, source_links)

# The SDK's own type, a TypedDict, is none of a mapping, and not every program with this package has the SDK.
Event = Any
BeforeSend = Callable[[Event, Any], Event]


def before_send(event: Event, _hint: Any = None) -> Event:
    """Add the context ``source`` to an event of an exception, with the file, the line and the URL of the page."""
    return _with_source(event, source_links)


def before_send_with(links: SourceLinks, then: BeforeSend | None = None) -> BeforeSend:
    """Return a ``before_send`` with these links, which calls your own one afterwards, if any."""

    def send(event: Event, hint: Any = None) -> Event:
        linked = _with_source(event, lambda: links)
        return then(linked, hint) if then else linked

    return send


def _with_source(event: Event, links: Callable[[], SourceLinks]) -> Event:
    return answer_or(event, lambda: _added(event, _source(event, links())))


def _added(event: Event, source: Mapping[str, object] | None) -> Event:
    if source:
        event.setdefault("contexts", {}).setdefault("source", source)
    return event


def _source(event: Mapping[str, Any], links: SourceLinks) -> dict[str, object] | None:
    for frame in islice(_frames(event), MOST_FRAMES):
        if frame.get("in_app") is False:
            continue
        line = frame.get("lineno")
        path = frame.get("abs_path") or frame.get("filename") or ""
        url = links.url(path, line)
        if url:
            return {"file": links.file_of(path), "line": line, "url": url}
    return None


def _frames(event: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the frames of an event, the innermost first."""
    exceptions = (event.get("exception") or {}).get("values") or []
    # The last exception is the one that was raised last; its frames are listed from the outermost one.
    for exception in reversed(exceptions[-MOST_FRAMES:]):
        yield from reversed((exception.get("stacktrace") or {}).get("frames") or [])
