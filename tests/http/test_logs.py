"""Log lines of errors in the service itself."""

import io
import json
from collections.abc import Callable
from contextlib import redirect_stderr

import pytest
from fastapi.testclient import TestClient

from api import ApiClient
from scmhost.application import create_application
from scmhost.infra.logs import MAX_EXCEPTION_TEXT, configure_logs


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
