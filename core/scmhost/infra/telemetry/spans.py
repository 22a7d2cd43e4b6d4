"""Acts as OpenTelemetry spans. Where they go is the operator's business: this uses the API alone, never the SDK."""

from collections.abc import Callable, Mapping
from typing import Final

from opentelemetry import context, propagate, trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, TracerProvider

from scmhost import __version__

from . import Act, Kind

# The first group are the names of OpenTelemetry's conventions for HTTP; the others are ours.
_NAMES: Final[Mapping[str, str]] = {
    "method": "http.request.method",
    "path": "url.path",
    "route": "http.route",
    "scheme": "url.scheme",
    "status": "http.response.status_code",
}
_KINDS: Final[Mapping[Kind, SpanKind]] = {"request": SpanKind.SERVER, "job": SpanKind.CONSUMER}
_TITLES: Final[Mapping[Kind, str]] = {
    "request": "{method} {route}",
    "hook": "{plugin} {hook}",
    "job": "job {job}",
}
_NUMBERS: Final = frozenset({"status"})


class Spans:
    """A span for each act, inside the span of the act around it."""

    def __init__(self, provider: TracerProvider | None = None) -> None:
        """Spans go to a provider of spans, or to that which the operator set up for the process."""
        self._tracer = trace.get_tracer("scmhost", __version__, provider)

    def begin(self, act: Act) -> Callable[[], None]:
        """Open a span. It is the current one until the act ends, in the lanes of plugins too."""
        span = self._tracer.start_span(act.kind, _parent(act), _KINDS.get(act.kind, SpanKind.INTERNAL))
        token = context.attach(trace.set_span_in_context(span))
        about = span.get_span_context()
        act.trace_id = trace.format_trace_id(about.trace_id) if about.is_valid else None

        def end() -> None:
            context.detach(token)
            _describe(span, act)
            span.end()

        return end

    def count(self, what: str, numbers: Mapping[str, int]) -> None:
        """Numbers stand at the span in which they came up."""
        trace.get_current_span().set_attributes({f"scmhost.{what}.{name}": count for name, count in numbers.items()})


def _parent(act: Act) -> context.Context | None:
    """A request may continue its caller's trace; everything else continues the current one."""
    if act.kind != "request":
        return None
    return propagate.extract({name.decode("latin-1"): value.decode("latin-1") for name, value in act.headers})


def _describe(span: Span, act: Act) -> None:
    """Labels are known in full at the end only: a request's route, a call's outcome. Texts of errors stay out."""
    if not span.is_recording():
        return
    span.update_name(_TITLES.get(act.kind, act.kind).format_map(act.labels))
    for name, value in act.labels.items():
        span.set_attribute(_NAMES.get(name, f"scmhost.{name}"), int(value) if name in _NUMBERS else value)
    if act.kind != "request":
        span.set_attribute("scmhost.outcome", act.outcome)
    if act.fault:
        span.set_attribute("error.type", act.outcome)
        span.set_status(Status(StatusCode.ERROR))
