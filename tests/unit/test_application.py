"""The application: the answer to each kind of error, the OpenAPI document, and the start and the end of the service."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import structlog
from anyio import to_thread
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response
from pydantic import BaseModel, Field, field_validator
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from structlog.testing import capture_logs

from scmhost.application import create_application, install_error_handlers, status_of_fault
from scmhost.infra.db.engine import Store
from scmhost.infra.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    ProviderRefused,
    ScmhostError,
    Unauthenticated,
    Unavailable,
)
from scmhost.infra.http import BodyTooLarge, BodyTooSlow
from scmhost.infra.loops import Loop, Loops
from scmhost.infra.settings import Limits
from scmhost.infra.telemetry import open_telemetry
from scmhost.installations.install import InvalidForm
from scmhost.plugins import PluginFault, ProviderOff
from scmhost.plugins.errors import FaultKind, Origin
from scmhost.services import Services
from use_cases import open_services

ORIGIN = Origin("forge", "acme-forge", "scm_install")


class Part(BaseModel):
    size: int


class Body(BaseModel):
    """A body with the mistakes that clients make."""

    name: str = Field(max_length=5)
    count: int = 0
    parts: list[Part] = Field(default_factory=list)
    word: str = "a"

    @field_validator("word")
    @classmethod
    def _is_one_word(cls, word: str) -> str:
        if " " in word:
            raise ValueError("use one word")
        return word


@pytest.fixture
def services(sqlite_store: Store) -> Iterator[Services]:
    with open_services(sqlite_store) as opened:
        yield opened


@pytest.fixture
def log_lines() -> Iterator[list[Any]]:
    """The lines of the log, down to INFO, which other tests may have turned off in this process."""
    before = structlog.get_config()["wrapper_class"]
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.INFO))
    try:
        with capture_logs() as lines:
            yield lines
    finally:
        structlog.configure(wrapper_class=before)


def answer_to(error: Exception) -> Response:
    """Return the answer of a route that raises an error."""
    app = FastAPI()
    install_error_handlers(app)

    @app.get("/")
    async def fail() -> None:
        raise error

    return TestClient(app, raise_server_exceptions=False).get("/")


def answer_to_body(content: bytes, **headers: str) -> Response:
    """Return the answer of a route that takes a ``Body``."""
    app = FastAPI()
    install_error_handlers(app)

    @app.post("/{number}")
    async def take(number: int, body: Body) -> None:
        """Accept the body."""

    return TestClient(app).post("/1", content=content, headers={"Content-Type": "application/json", **headers})


@pytest.mark.parametrize(
    ("error", "status", "body"),
    [
        (Unauthenticated("no token"), 401, {"detail": "no token"}),
        (Forbidden("no scope"), 403, {"detail": "no scope"}),
        (NotFound("no release"), 404, {"detail": "no release"}),
        (ProviderOff("forge", "kill"), 404, {"detail": "provider 'forge' is off: kill"}),
        (Conflict("it exists"), 409, {"detail": "it exists"}),
        (Unavailable("the database is down"), 503, {"detail": "the database is down"}),
        (InvalidInput("wrong"), 400, {"detail": "wrong"}),
        (InvalidInput("wrong", "version"), 400, {"version": ["wrong"]}),
        (InvalidForm({"url": ["no URL", "too long"]}), 400, {"url": ["no URL", "too long"]}),
        (ScmhostError("unexpected"), 500, {"detail": "unexpected"}),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_error_has_a_status_and_a_body(error: Exception, status: int, body: dict[str, Any]) -> None:
    """Each class of error has one status. An error of a field is listed under the field, any other as ``detail``."""
    answer = answer_to(error)
    assert (answer.status_code, answer.json()) == (status, body)


@pytest.mark.parametrize(
    ("reason", "status"),
    [("not_found", 404), ("invalid", 400), ("conflict", 409), ("forbidden", 403), ("unavailable", 503)],
)
def test_refusal_of_a_plugin_has_the_status_of_its_reason(reason: str, status: int) -> None:
    """A plugin that rejects a request on purpose is no fault of the server: the text is the plugin's."""
    answer = answer_to(ProviderRefused(reason, "There is no such group."))
    assert (answer.status_code, answer.json()) == (status, {"detail": "There is no such group."})


@pytest.mark.parametrize(
    ("kind", "status"),
    [("raised", 502), ("bad_result", 502), ("exited", 502), ("timed_out", 503), ("busy", 503), ("suspended", 503)],
)
def test_fault_of_a_plugin_names_the_plugin(kind: FaultKind, status: int) -> None:
    """A broken plugin is 502; one that may work later is 503."""
    answer = answer_to(PluginFault(ORIGIN, kind, "it failed"))
    assert (answer.status_code, status_of_fault(kind)) == (status, status)
    assert answer.json() == {"detail": "plugin 'forge' (acme-forge), scm_install: it failed"}
    assert "Retry-After" not in answer.headers


def test_fault_with_an_estimate_has_a_time_to_retry() -> None:
    """If the host can estimate it, ``Retry-After`` has the seconds."""
    assert answer_to(PluginFault(ORIGIN, "suspended", "it rests", 10)).headers["Retry-After"] == "10"


def test_only_401_names_the_authentication_scheme() -> None:
    """HTTP requires the header with 401; a browser would show a password prompt for other statuses."""
    assert answer_to(Unauthenticated("no token")).headers["WWW-Authenticate"] == "Bearer"
    assert "WWW-Authenticate" not in answer_to(Forbidden("no scope")).headers


@pytest.mark.parametrize(
    ("error", "status", "detail"),
    [
        (HTTPException(405, "Method Not Allowed"), 405, "Method Not Allowed"),
        (HTTPException(400, "There was an error parsing the body"), 400, "must be JSON in UTF-8"),
        (BodyTooLarge(10), 413, "larger than 10 bytes (limits.body_bytes)"),
        (BodyTooSlow(2.5), 408, "longer than 2.5 seconds (limits.body_seconds)"),
        (ClientDisconnect(), 400, "incomplete"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_http_errors_have_the_same_shape(error: Exception, status: int, detail: str) -> None:
    """Errors of the framework are answered with ``detail`` too."""
    answer = answer_to(error)
    assert (answer.status_code, list(answer.json())) == (status, ["detail"])
    assert detail in answer.json()["detail"]


def test_slow_body_closes_the_connection() -> None:
    """The rest of the body must not be read as the next request."""
    assert answer_to(BodyTooSlow(1)).headers["Connection"] == "close"


def test_unexpected_error_is_logged_but_not_shown() -> None:
    """The text of a bug may have secrets: the answer is 500 without it, and the log has the exception."""
    error = RuntimeError("password=hunter2")
    with capture_logs() as logs:
        answer = answer_to(error)
    assert (answer.status_code, list(answer.json())) == (500, ["detail"])
    assert "hunter2" not in answer.text
    assert [(line["event"], line["path"], line["method"], line["exc_info"]) for line in logs] == [
        ("unexpected error", "/", "GET", error)
    ]


@pytest.mark.parametrize(
    ("content", "body"),
    [
        (b"{}", {"name": ["This field is required."]}),
        (b'{"name": "a", "count": "x"}', {"count": ["A valid integer is required."]}),
        (b'{"name": "a", "count": null}', {"count": ["A valid integer is required."]}),
        (b'{"name": "abcdef"}', {"name": ["String should have at most 5 characters"]}),
        (b'{"name": "a", "word": "a b"}', {"word": ["use one word"]}),
        (b'{"count": "x"}', {"name": ["This field is required."], "count": ["A valid integer is required."]}),
        (b"[]", {"nonFieldErrors": ["Input should be a valid dictionary or object to extract fields from"]}),
    ],
)
def test_invalid_fields_are_listed_by_name(content: bytes, body: dict[str, list[str]]) -> None:
    """The status is 400, not FastAPI's 422, and the two commonest texts are Sentry's."""
    answer = answer_to_body(content)
    assert (answer.status_code, answer.json()) == (400, body)


def test_error_inside_of_a_list_names_the_inner_field() -> None:
    """The key is the outer field; the text begins with the place inside of it."""
    answer = answer_to_body(b'{"name": "a", "parts": [{"size": 1}, {"size": 1.5}]}')
    assert answer.status_code == 400
    assert [(key, text.partition(":")[0]) for key, (text,) in answer.json().items()] == [("parts", "1.size")]


@pytest.mark.parametrize(
    ("content", "headers", "detail"),
    [
        (b'{"name": ', {}, "not valid JSON"),
        (b'{"name": "a"}', {"Content-Type": "application/x-www-form-urlencoded"}, "Content-Type: application/json"),
        (b'{"name": "\xff"}', {}, "JSON in UTF-8"),
    ],
)
def test_unreadable_body_is_explained(content: bytes, headers: dict[str, str], detail: str) -> None:
    """Malformed JSON, another type of content and another encoding are 400 with the next step."""
    answer = answer_to_body(content, **headers)
    assert (answer.status_code, list(answer.json())) == (400, ["detail"])
    assert detail in answer.json()["detail"]


def test_openapi_document_has_no_422(services: Services) -> None:
    """The document lists the errors that the service answers with, and none of FastAPI's own."""
    document = create_application(services).openapi()
    operations = [operation for methods in document["paths"].values() for operation in methods.values()]
    assert len(operations) > 50
    for operation in operations:
        assert "422" not in operation["responses"]
        assert {"400", "401", "403", "404", "503"} <= set(operation["responses"])
    assert not {"HTTPValidationError", "ValidationError"} & set(document["components"]["schemas"])
    assert "ErrorDetail" in document["components"]["schemas"]


def test_reference_pages_of_fastapi_are_off(services: Services) -> None:
    """They would load scripts from another host."""
    client = TestClient(create_application(services))
    assert [client.get(path).status_code for path in ("/docs", "/redoc", "/api/openapi.json")] == [404, 404, 200]


def names(loops: Loops) -> list[str]:
    """Return the names of the loops that run."""
    return [loop.name for loop in loops._loops]


def test_service_starts_and_stops_its_loops(services: Services, log_lines: list[Any]) -> None:
    """The loops run from the start to the end of the server, and then the host is closed."""
    closed: list[list[str]] = []
    loops = services.shared(Loops)
    app = create_application(services, on_shutdown=lambda: closed.append(names(loops)))
    with TestClient(app):
        running = list(loops._loops)
        assert names(loops) == ["jobs", "housekeeping"]
        assert closed == []
    # The host is closed only after the loops have ended, because they use its database.
    assert closed == [[]]
    assert [is_alive(loop) for loop in running] == [False, False]
    assert [line["event"] for line in log_lines if line["event"] in ("started", "stopped")] == ["started", "stopped"]


def is_alive(loop: Loop) -> bool:
    """Return whether the thread of a loop runs."""
    return loop._thread is not None and loop._thread.is_alive()


def test_metrics_have_a_loop_and_a_page(services: Services) -> None:
    """With metrics, a third loop refreshes them, and the page exists."""
    telemetry = open_telemetry(metrics=True, spans=False)
    measured = replace(services, telemetry=telemetry)
    with TestClient(create_application(measured)) as client:
        assert names(services.shared(Loops)) == ["jobs", "housekeeping", "metrics"]
        assert client.get("/metrics").status_code == 200
    assert TestClient(create_application(services)).get("/metrics").status_code == 404


def test_start_is_logged_with_the_database(services: Services, log_lines: list[Any]) -> None:
    """The database is the one of the services, as a URL without credentials."""
    with TestClient(create_application(services)):
        pass
    started = next(line for line in log_lines if line["event"] == "started")
    assert started["database"] == services.store.url_without_password


@pytest.mark.parametrize("threads", [1, 7])
def test_number_of_request_threads_is_a_limit(services: Services, threads: int) -> None:
    """``limits.request_threads`` is the size of the pool that runs the routes."""
    limited = replace(services, limits=Limits(request_threads=threads))
    with TestClient(create_application(limited)) as client:
        assert client.portal is not None
        assert client.portal.call(_pool_size) == threads


async def _pool_size() -> float:
    return to_thread.current_default_thread_limiter().total_tokens


def test_body_limits_come_from_the_settings(services: Services) -> None:
    """A body above ``limits.body_bytes`` is answered 413 before any route runs."""
    limited = replace(services, limits=Limits(body_bytes=1024))
    answer = TestClient(create_application(limited)).post("/api/0/organizations/acme/repos/", content=b"x" * 1025)
    assert (answer.status_code, answer.json()) == (
        413,
        {"detail": "The body is larger than 1024 bytes (limits.body_bytes)."},
    )
