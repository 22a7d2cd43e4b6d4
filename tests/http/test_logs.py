"""What the log says of a fault in the service itself."""

import io
import json
from contextlib import redirect_stderr

import pytest
from fastapi.testclient import TestClient

from api import ApiClient
from scmhost.infra.logs import configure_logs
from scmhost.service import create_application


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


def fail(token: str = "") -> None:
    """A route with a fault."""
    raise RuntimeError(f"{len(token)} is wrong")


def logged(api: ApiClient, stream: io.StringIO) -> str:
    """What is logged to a stream when a route fails."""
    with redirect_stderr(stream):
        configure_logs(quiet=True)
        application = create_application(api.services)
        application.add_api_route("/fail", fail)
        with TestClient(application, raise_server_exceptions=False) as client:
            answer = client.get("/fail?token=swordfish", headers=api.headers)
    configure_logs(quiet=True)
    assert (answer.status_code, list(answer.json())) == (500, ["detail"])
    return stream.getvalue()


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_a_fault_is_logged_with_its_place_and_without_the_token(api: ApiClient, stream: type[io.StringIO]) -> None:
    """The operator sees where it happened; the caller's token and what was sent stay out of the log."""
    text = logged(api, stream())
    for word in ("unexpected error", "RuntimeError", "9 is wrong", "test_logs.py"):
        assert word in text
    assert api.there.token[-43:] not in text
    assert "swordfish" not in text


def test_a_fault_is_one_line_of_json(api: ApiClient) -> None:
    """However long a traceback is, a log line stays a JSON object."""
    assert [json.loads(line)["event"] for line in logged(api, io.StringIO()).splitlines()] == ["unexpected error"]
