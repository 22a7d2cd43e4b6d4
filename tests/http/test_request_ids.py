"""Request ids, from the proxy in front of the service to the last line of its log."""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import Any

import pytest
import structlog
from fastapi.testclient import TestClient

from api import PLUGINS_TOML, ApiClient, open_api
from hosting import candidate
from scmhost.application import create_application
from scmhost.infra.logs import configure_logs

BOTH = PLUGINS_TOML + "[plugins.faulty]\nenabled = true\ndefault = true\n[plugins.talkative]\nenabled = true\n"
MORE = [candidate("faulty", "plugins.faulty"), candidate("talkative", "plugins.talkative")]


@contextmanager
def logging_all() -> Iterator[list[dict[str, Any]]]:
    """Yield a list that has the logged lines after the block."""
    stream = io.StringIO()
    lines: list[dict[str, Any]] = []
    with redirect_stderr(stream):
        configure_logs()
        yield lines
    configure_logs(quiet=True)
    lines += map(json.loads, stream.getvalue().splitlines())


@pytest.mark.parametrize("given", ["7d2c", "a.b:c/d+e=f@g-h_1", "x" * 128])
def test_a_given_id_is_kept(api: ApiClient, given: str) -> None:
    """The id of a proxy is in the answer and in the log."""
    with logging_all() as lines:
        answer = api.client.get("/api/0/", headers={"X-Request-Id": given})
    assert answer.headers.get_list("x-request-id") == [given]
    assert [line["request_id"] for line in lines if line["event"] == "request"] == [given]


@pytest.mark.parametrize("given", ["", "x" * 129, "two words", '"}{', "é", "line\tbreak", "a,b"])
def test_malformed_request_id_is_replaced(api: ApiClient, given: str) -> None:
    """A text that could forge log lines is replaced by a new id."""
    with logging_all() as lines:
        answer = api.client.get("/api/0/", headers={b"X-Request-Id": given.encode()})
    (own,) = answer.headers.get_list("x-request-id")
    assert (len(own), own.isalnum()) == (32, True)
    assert [line["request_id"] for line in lines if line["event"] == "request"] == [own]


def test_every_line_of_a_request_has_its_id(tmp_path: Path) -> None:
    """The lines of a plugin's thread, of its fault and of the answer have the same id."""
    with open_api(tmp_path, BOTH, more=MORE) as api, logging_all() as lines:
        api.post("integrations/", {"provider": "talkative"}, headers={"X-Request-Id": "one"})
        api.post("integrations/", {"provider": "faulty"}, headers={"X-Request-Id": "two"})
    logged_ids = [(line["event"], line.get("request_id")) for line in lines if line["event"] != "stopped"]
    assert logged_ids == [
        ("hello from a plugin", "one"),
        ("hello from a library", "one"),
        ("request", "one"),
        ("plugin fault", "two"),
        ("request", "two"),
    ]


def fail() -> None:
    """Raise, as a route with a bug."""
    raise RuntimeError("wrong")


def test_server_error_answer_contains_request_id(api: ApiClient) -> None:
    """A 500 has the id in its text and in its header."""
    application = create_application(api.services)
    application.add_api_route("/fail", fail)
    with logging_all() as lines, TestClient(application, raise_server_exceptions=False) as client:
        answer = client.get("/fail", headers={"X-Request-Id": "found-again"})
    assert (answer.status_code, answer.headers["x-request-id"]) == (500, "found-again")
    assert "found-again" in answer.json()["detail"]
    faults = [line for line in lines if line["event"] in ("unexpected error", "request")]
    assert [(line["event"], line["request_id"]) for line in faults] == [
        ("unexpected error", "found-again"),
        ("request", "found-again"),
    ]


def test_request_id_is_cleared_after_the_request(api: ApiClient) -> None:
    """A line outside of requests has no id."""
    api.client.get("/api/0/", headers={"X-Request-Id": "gone"})
    assert structlog.contextvars.get_contextvars() == {}
