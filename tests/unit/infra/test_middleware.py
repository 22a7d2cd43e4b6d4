"""The middlewares of the service, called as ASGI applications."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest
import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scmhost.infra.http import BodyLimit, BodyTooLarge, BodyTooSlow, RequestLog
from scmhost.infra.telemetry import Operation, Telemetry

LIMIT = 10


class RecordingSink:
    """Keeps the operations that have ended."""

    def __init__(self) -> None:
        self.operations: list[Operation] = []

    def begin(self, operation: Operation) -> Callable[[], None]:
        return lambda: self.operations.append(operation)

    def count(self, counter: str, numbers: Mapping[str, int]) -> None:
        """Not needed here."""


async def read_body(_scope: Scope, receive: Receive, send: Send) -> None:
    """An application that reads the body and answers with its length."""
    length, more = 0, True
    while more:
        message = await receive()
        length += len(message.get("body", b""))
        more = message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(length).encode()})


def request(
    app: ASGIApp,
    chunks: Iterable[bytes] = (b"",),
    headers: Iterable[tuple[bytes, bytes]] = (),
    *,
    complete: bool = True,
    **scope: Any,
) -> list[Message]:
    """Send a request whose body arrives in chunks, and return what the application sends.

    The last chunk of an incomplete body does not end it, and nothing follows.
    """
    incoming: list[Message] = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    incoming[-1]["more_body"] = not complete
    sent: list[Message] = []

    async def receive() -> Message:
        if not incoming:
            await asyncio.Event().wait()
        return incoming.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    async def run() -> None:
        async with asyncio.timeout(5):
            await app(
                {"type": "http", "method": "GET", "path": "/x", "scheme": "http", "headers": list(headers), **scope},
                receive,
                send,
            )

    asyncio.run(run())
    return sent


def limited(seconds: float = 5.0) -> BodyLimit:
    return BodyLimit(read_body, LIMIT, seconds)


@pytest.mark.parametrize("chunks", [[b"x" * LIMIT], [b"x" * 4, b"x" * 6], [b"x"] * LIMIT, [b""]])
def test_body_within_the_limit_is_passed_on(chunks: list[bytes]) -> None:
    """A body may have exactly the limit, in any number of chunks."""
    assert request(limited(), chunks)[1]["body"] == str(sum(map(len, chunks))).encode()


def test_announced_body_over_the_limit_is_answered() -> None:
    """A Content-Length over the limit is answered with 413, and the application is not called."""
    start, body = request(limited(), headers=[(b"content-length", b"11")])
    assert (start["status"], b"larger than 10 bytes" in body["body"]) == (413, True)


@pytest.mark.parametrize("length", [b"10", b"-5", b"x", b"", b"1e3"])
def test_small_or_malformed_length_is_no_reason_to_refuse(length: bytes) -> None:
    """The bytes that arrive are counted anyway."""
    assert request(limited(), [b"x"], [(b"content-length", length)])[0]["status"] == 200


@pytest.mark.parametrize("chunks", [[b"x" * 11], [b"x" * 6, b"x" * 5]])
def test_body_that_grows_over_the_limit_is_refused(chunks: list[bytes]) -> None:
    """Without a Content-Length the body is refused as soon as it exceeds the limit."""
    with pytest.raises(BodyTooLarge, match="10 bytes"):
        request(limited(), chunks)


def test_slow_body_is_refused() -> None:
    """A body whose end does not arrive in time is refused, and the connection is closed."""
    with pytest.raises(BodyTooSlow, match=r"longer than 0\.01 seconds") as refusal:
        request(limited(0.01), [b"x"], complete=False)
    assert refusal.value.headers == {"Connection": "close"}


def answering(status: int, route: str | None = None) -> ASGIApp:
    """An application that answers with a status, as a route if one is given."""

    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        if route is not None:
            scope["route"] = type("Route", (), {"path": route})()
        await send({"type": "http.response.start", "status": status, "headers": [(b"a", b"b")]})

    return app


def request_id(messages: list[Message]) -> str:
    """The id in the answer's headers."""
    return str(dict(messages[0]["headers"])[b"x-request-id"].decode())


@pytest.mark.parametrize("given", [b"7d2c", b"a.b:c/d+e=f@g-h_1", b"x" * 128])
def test_id_of_the_client_is_kept(given: bytes) -> None:
    """A short word of harmless characters is the request's id."""
    scope_state: dict[str, Any] = {}
    sent = request(RequestLog(answering(200)), headers=[(b"x-request-id", given)], state=scope_state)
    assert request_id(sent) == scope_state["request_id"] == given.decode()
    assert (b"a", b"b") in sent[0]["headers"]


@pytest.mark.parametrize("given", [b"", b"x" * 129, b"two words", b"\xff", b"a\n", b'"'])
def test_other_id_is_replaced(given: bytes) -> None:
    """Any other text is replaced by 32 hexadecimal digits, which differ between requests."""
    app = RequestLog(answering(200))
    first, second = (request_id(request(app, headers=[(b"x-request-id", given)])) for _ in range(2))
    assert first != second
    assert (len(first), int(first, 16) > 0) == (32, True)


@pytest.mark.parametrize(
    ("status", "route", "fault"), [(200, "/a/{b}", False), (404, None, False), (499, "/", False), (500, "/a", True)]
)
def test_operation_has_route_and_status(status: int, route: str | None, *, fault: bool) -> None:
    """A request without a route has the label "unrouted", because its path could be any text."""
    sink = RecordingSink()
    request(RequestLog(answering(status, route), Telemetry(sink)))
    (operation,) = sink.operations
    assert (operation.labels["status"], operation.labels["route"]) == (str(status), route or "unrouted")
    assert (operation.outcome, operation.fault) == (str(status), fault)


def test_failing_application_is_a_fault() -> None:
    """An application that raises before it answers counts as 500, and its exception is passed on."""

    async def fail(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise ZeroDivisionError

    sink = RecordingSink()
    with pytest.raises(ZeroDivisionError):
        request(RequestLog(fail, Telemetry(sink)))
    assert [(operation.outcome, operation.fault) for operation in sink.operations] == [("500", True)]
    assert structlog.contextvars.get_contextvars() == {}


def test_other_protocols_are_passed_on() -> None:
    """Start-up and WebSocket messages are not requests: nothing is logged or limited."""

    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": scope["type"]})

    sink = RecordingSink()
    assert request(RequestLog(BodyLimit(app, LIMIT, 5.0), Telemetry(sink)), type="lifespan") == [{"type": "lifespan"}]
    assert sink.operations == []
