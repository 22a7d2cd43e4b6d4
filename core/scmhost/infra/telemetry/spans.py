"""Operations as OpenTelemetry spans. Only the API is used: the operator sets up the SDK and the exporter."""

from collections.abc import Callable, Mapping
from typing import Final

from opentelemetry import context, propagate, trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, TracerProvider

from scmhost import __version__

from . import Kind, Operation

# The attribute names of OpenTelemetry's conventions for HTTP. Other labels get the prefix "scmhost.".
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
    """Makes a span for each operation, inside the span of the operation around it."""

    def __init__(self, provider: TracerProvider | None = None) -> None:
        """Use a tracer provider, or the one that the operator has set up for the process."""
        self._tracer = trace.get_tracer("scmhost", __version__, provider)

    def begin(self, operation: Operation) -> Callable[[], None]:
        """Open a span. It is the current span until the operation ends, in plugins' worker threads too."""
        # The name is final only at the end, when the route is known.
        span = self._tracer.start_span(
            operation.kind, _parent(operation), _KINDS.get(operation.kind, SpanKind.INTERNAL)
        )
        token = context.attach(trace.set_span_in_context(span))
        # Without a tracer provider the API makes spans without a valid id.
        about = span.get_span_context()
        operation.trace_id = trace.format_trace_id(about.trace_id) if about.is_valid else None

        def end() -> None:
            context.detach(token)
            _describe(span, operation)
            span.end()

        return end

    def count(self, counter: str, numbers: Mapping[str, int]) -> None:
        """Add the numbers to the current span."""
        trace.get_current_span().set_attributes(
            {f"scmhost.{counter}.{name}": number for name, number in numbers.items()}
        )


def _parent(operation: Operation) -> context.Context | None:
    """Return the caller's trace for a request, which may continue it; other operations continue the current one."""
    if operation.kind != "request":
        return None
    # HTTP/1.1 headers are Latin-1.
    return propagate.extract({name.decode("latin-1"): value.decode("latin-1") for name, value in operation.headers})


def _describe(span: Span, operation: Operation) -> None:
    """Set name and attributes at the end, when route and outcome are known. Error texts may contain secrets."""
    if not span.is_recording():
        return
    span.update_name(_TITLES.get(operation.kind, operation.kind).format_map(operation.labels))
    for name, value in operation.labels.items():
        span.set_attribute(_NAMES.get(name, f"scmhost.{name}"), int(value) if name in _NUMBERS else value)
    if operation.kind != "request":
        span.set_attribute("scmhost.outcome", operation.outcome)
    if operation.fault:
        span.set_attribute("error.type", operation.outcome)
        span.set_status(Status(StatusCode.ERROR))
