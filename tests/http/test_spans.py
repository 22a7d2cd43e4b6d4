"""Spans, as OpenTelemetry's SDK receives them."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from api import PLUGINS_TOML, ApiClient, commit, open_api
from hosting import candidate
from scmhost.infra import telemetry
from scmhost.infra.logs import configure_logs
from scmhost.infra.telemetry import Telemetry, TelemetryMissing, check_telemetry
from scmhost.infra.telemetry.spans import Spans
from scmhost.plugins.errors import Origin
from scmhost.plugins.isolation.guard import Guard

BOTH = PLUGINS_TOML + "[plugins.faulty]\nenabled = true\ndefault = true\n"
FAULTY = candidate("faulty", "plugins.faulty")
TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}


@dataclass
class Traced:
    """An API whose spans are recorded."""

    api: ApiClient
    exporter: InMemorySpanExporter
    provider: TracerProvider

    def spans(self) -> dict[str, ReadableSpan]:
        """Return the ended spans by name."""
        return {span.name: span for span in self.exporter.get_finished_spans()}


@pytest.fixture
def traced(tmp_path: Path) -> Iterator[Traced]:
    """Yield an API with the spans of the test, without those of the start."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    telemetry = Telemetry(Spans(provider))
    with open_api(tmp_path, BOTH, more=[FAULTY], background=False, telemetry=telemetry) as api:
        exporter.clear()
        yield Traced(api, exporter, provider)
    provider.shutdown()


def parent_of(span: ReadableSpan) -> int | None:
    return span.parent.span_id if span.parent else None


def test_a_request_and_the_calls_in_it_are_one_trace(traced: Traced) -> None:
    """Each call of a plugin is a child of the request's span, with plugin, hook and outcome."""
    traced.api.install()
    spans = traced.spans()
    request, call = spans["POST /api/0/organizations/{organization}/integrations/"], spans["custom_scm scm_install"]
    assert (request.kind, request.parent) == (SpanKind.SERVER, None)
    assert parent_of(call) == request.context.span_id
    assert dict(request.attributes or {}) == {
        "http.request.method": "POST",
        "http.route": "/api/0/organizations/{organization}/integrations/",
        "http.response.status_code": 201,
        "url.path": "/api/0/organizations/acme/integrations/",
        "url.scheme": "http",
    }
    assert dict(call.attributes or {}) == {
        "scmhost.plugin": "custom_scm",
        "scmhost.hook": "scm_install",
        "scmhost.outcome": "ok",
    }


@pytest.mark.parametrize(
    ("form", "outcome", "status"),
    [({}, "raised", StatusCode.ERROR), ({"say": "Fix it"}, "refused", StatusCode.UNSET)],
)
def test_fault_metric_has_only_its_kind(traced: Traced, form: Any, outcome: str, status: StatusCode) -> None:
    """An error that a plugin raises on purpose is no fault, and no span has the text of an exception."""
    traced.api.post("integrations/", {"provider": "faulty", **form})
    calls = [span for span in traced.exporter.get_finished_spans() if span.name == "faulty scm_install"]
    assert ((calls[-1].attributes or {})["scmhost.outcome"], calls[-1].status.status_code) == (outcome, status)
    assert (calls[-1].events, calls[-1].status.description) == ((), None)


def test_a_callers_trace_is_continued(traced: Traced) -> None:
    """A request with a valid traceparent joins its trace; one with an invalid one starts a new trace."""
    for headers in (PARENT, {"traceparent": "rubbish"}):
        traced.api.get("repos/", headers=headers)
    first, second = traced.exporter.get_finished_spans()
    assert format(first.context.trace_id, "032x") == TRACE
    assert (first.parent.span_id if first.parent else 0) == 0xB7AD6B7169203331
    assert second.parent is None


def test_the_log_names_the_trace(traced: Traced) -> None:
    """The log lines of a request have the id of its trace."""
    stream = io.StringIO()
    with redirect_stderr(stream):
        configure_logs()
        traced.api.get("repos/", headers=PARENT)
    configure_logs(quiet=True)
    (line,) = map(json.loads, stream.getvalue().splitlines())
    assert (line["event"], line["trace_id"]) == ("request", TRACE)


def test_plugin_span_is_child_of_its_call(traced: Traced) -> None:
    """Spans that a plugin's thread creates are children of the call."""
    with traced.provider.get_tracer("test").start_as_current_span("around"):
        guard = Guard(telemetry=traced.api.services.telemetry)
        origin = Origin("forge", "acme-forge", "scm_install")
        guard.run(origin, lambda: traced.provider.get_tracer("forge").start_span("inner").end(), 5.0)
        guard.close()
    spans = traced.spans()
    assert parent_of(spans["inner"]) == spans["forge scm_install"].context.span_id
    assert parent_of(spans["forge scm_install"]) == spans["around"].context.span_id


def test_commits_and_links_have_spans_with_numbers(traced: Traced) -> None:
    """Saving and linking have spans with numbers by outcome."""
    traced.api.post("commits/", {"commits": [commit()]})
    traced.api.link()
    spans = traced.spans()
    assert parent_of(spans["ingest"]) == spans["POST /api/0/organizations/{organization}/commits/"].context.span_id
    sent = spans["POST /api/0/organizations/{organization}/commits/"].attributes or {}
    assert (sent["scmhost.commits.new"], sent["scmhost.commits.known"]) == (1, 0)
    assert (spans["links"].attributes or {})["scmhost.frames.no_code_mappings_for_project"] == 1


def test_server_fault_marks_span_as_error(traced: Traced) -> None:
    """A 500 is an error, a 404 is none."""
    traced.api.client.app.add_api_route("/fail", lambda: 1 // 0)  # type: ignore[attr-defined]
    for path in ("/fail", "/nowhere"):
        traced.api.get(path)
    spans = traced.spans()
    assert spans["GET /fail"].status.status_code is StatusCode.ERROR
    assert spans["GET unrouted"].status.status_code is StatusCode.UNSET


UNASKED = """
import sys
from pathlib import Path
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from api import open_api

exporter = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)
with open_api(Path(sys.argv[1])) as api:
    assert api.get("repos/").status_code == 200
print([span.name for span in exporter.get_finished_spans()])
"""


def test_no_telemetry_without_configuration(tmp_path: Path) -> None:
    """If OpenTelemetry is set up for something else, scmhost creates no spans until they are enabled."""
    words = [sys.executable, "-c", UNASKED, str(tmp_path)]
    tests = str(Path(__file__).parents[1])
    done = subprocess.run(words, env={**os.environ, "PYTHONPATH": tests}, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_traces_without_the_library_are_refused_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The service does not start, and the message has the package to install."""
    monkeypatch.setattr(telemetry, "_is_installed", lambda _name: False)
    check_telemetry(spans=False)
    with pytest.raises(TelemetryMissing, match=r"pip install 'scmhost\[otel\]'"):
        check_telemetry(spans=True)
