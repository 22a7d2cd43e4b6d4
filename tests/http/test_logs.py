"""Log lines of errors in the service itself."""

import io
import json
import re
from collections.abc import Callable
from contextlib import redirect_stderr

import psycopg
import pytest
from fastapi.testclient import TestClient
from sqlalchemy.exc import OperationalError

from api import ApiClient
from scmhost.application import create_application
from scmhost.infra.db.engine import Store
from scmhost.infra.db.errors import translate
from scmhost.infra.logs import MAX_EXCEPTION_TEXT, configure_logs
from scmhost.organizations.access import authenticate
from scmhost.redirects.keys import create_key


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        return True


def fail(token: str = "") -> None:
    """Raise, as a route with a bug."""
    raise RuntimeError(f"{len(token)} is wrong")


def logged(api: ApiClient, stream: io.StringIO, route: Callable[..., object] = fail) -> str:
    """Return what is logged to a stream when a route fails."""
    with redirect_stderr(stream):
        configure_logs(quiet=True)
        application = create_application(api.services)
        application.add_api_route("/fail", route)
        with TestClient(application, raise_server_exceptions=False) as client:
            answer = client.get("/fail?token=swordfish", headers=api.headers)
    configure_logs(quiet=True)
    assert (answer.status_code, list(answer.json())) == (500, ["detail"])
    return stream.getvalue()


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_error_is_logged_with_its_place_and_without_the_token(api: ApiClient, stream: type[io.StringIO]) -> None:
    """The log has the file of the error; it has neither the caller's token nor the query."""
    text = logged(api, stream())
    for word in ("unexpected error", "RuntimeError", "9 is wrong", "test_logs.py"):
        assert word in text
    assert api.there.token[-43:] not in text
    assert "swordfish" not in text


def test_error_is_one_line_of_json(api: ApiClient) -> None:
    """A traceback is part of the one JSON object of its log line."""
    assert [json.loads(line)["event"] for line in logged(api, io.StringIO()).splitlines()] == ["unexpected error"]


def half_a_letter() -> None:
    raise RuntimeError("half a \ud800 letter")


def huge() -> None:
    """Raise an error with a text of five megabytes, caused by one whose text cannot be encoded."""
    try:
        half_a_letter()
    except RuntimeError as error:
        raise RuntimeError("x" * 5_000_000) from error


def test_text_of_an_error_is_cut_in_the_log(api: ApiClient) -> None:
    """A long text is cut and a lone surrogate is escaped, in an error and in its cause."""
    [line] = logged(api, io.StringIO(), huge).splitlines()
    texts = [error["exc_value"] for error in json.loads(line)["exception"]]
    assert [len(text) for text in texts] == [MAX_EXCEPTION_TEXT, len("half a \ud800 letter")]
    assert line.isascii()


def test_a_path_cannot_control_a_terminal(api: ApiClient) -> None:
    """Escape sequences and 8-bit controls of a request are visible text; the renderer's own colours stay."""
    stream = Terminal()
    with redirect_stderr(stream):
        configure_logs()
        application = create_application(api.services)
        application.add_api_route("/fail", fail)
        with TestClient(application, raise_server_exceptions=False) as client:
            client.get("/api/0/%1b]0;evil%07%1b[2J%9b31m/\u0085x\u202e%0a2026-11-30 [info] forged")
    configure_logs(quiet=True)
    text = stream.getvalue()
    assert "evil" in text
    # It stays in its line, and reads from left to right.
    assert len([line for line in text.splitlines() if "evil" in line and "forged" in line]) == 1
    assert "\u202e" not in text
    # Apart from the colours of the renderer.
    assert re.findall(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", re.sub(r"\x1b\[[0-9;]*m", "", text)) == []


def test_request_line_has_client_organization_and_token(api: ApiClient) -> None:
    """A request without a token has only the client, a redirect its organization; probes are logged at debug level."""
    stream = io.StringIO()
    with redirect_stderr(stream):
        configure_logs()
        with TestClient(create_application(api.services), client=("192.0.2.7", 50_000)) as client:
            client.get("/healthz")
            client.get("/readyz")
            client.get("/api/0/organizations/acme/repos/")
            client.get("/api/0/organizations/acme/repos/", headers=api.headers)
            client.get(f"/r/{create_key(api.services, api.there.organization, 'jaeger')[1]}?file=/srv/x.py")
    configure_logs(quiet=True)
    lines = [line for line in map(json.loads, stream.getvalue().splitlines()) if line["event"] == "request"]
    token = authenticate(api.services, api.there.token).token.id
    assert [(line["client"], line.get("organization"), line.get("token")) for line in lines] == [
        ("192.0.2.7", None, None),
        ("192.0.2.7", "acme", token),
        ("192.0.2.7", "acme", None),
    ]


def test_caller_without_a_token_sees_no_database(api: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that is down is answered without its address, which the log has."""
    away = OperationalError("", {}, psycopg.OperationalError('database "links" does not exist'))
    fault = translate(away, "postgresql://ada:***@db.example/links")
    assert fault is not None

    def down(*_: object) -> None:
        raise fault

    monkeypatch.setattr(Store, "read", down)
    monkeypatch.setattr(Store, "schema_status", down)
    stream = io.StringIO()
    with redirect_stderr(stream):
        configure_logs()
        for path in ("/api/0/organizations/acme/repos/", "/readyz", "/r/1-" + "x" * 43, "/hooks/1/"):
            headers = {"Authorization": "Bearer scmhost_9_" + "x" * 43}
            answer = api.client.request("POST" if "hooks" in path else "GET", path, headers=headers)
            assert (answer.status_code, "db.example" in answer.text, "ada" in answer.text) == (503, False, False), path
    configure_logs(quiet=True)
    assert "database fault" in stream.getvalue()
    assert "no database of this name" in stream.getvalue()
