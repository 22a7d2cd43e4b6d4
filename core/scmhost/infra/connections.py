"""HTTP connections with limits: on the head of a request, on time, and on open connections.

uvicorn's own limits concern its other parser (``h11_max_incomplete_event_size``), or count requests whose head is
complete (``limit_concurrency``). Before that, a client could keep memory and connections for as long as it likes.
"""

import json
from asyncio import TimerHandle, Transport
from functools import partial
from time import monotonic
from typing import Any, Final, Literal

import structlog
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from .settings import Limits

log = structlog.get_logger(__name__)

# A client that sends requests without waiting for answers: each one takes memory.
_MOST_PIPELINED: Final = 32
_SECONDS_BETWEEN_LINES: Final = 60.0

State = Literal["head", "body", "answer"]
"""What a connection waits for: the client's next head, the rest of a body, or our answer."""


class BoundedProtocol(HttpToolsProtocol):
    """HTTP on one connection. A client that exceeds a limit gets 431, 408 or 503, and the connection is closed."""

    def __init__(self, *args: Any, limits: Limits, others: "OpenConnections", **named: Any) -> None:
        super().__init__(*args, **named)
        self._limits = limits
        self._others = others
        self._refusal: str | None = None
        self.state: State | None = None
        # Since the client has completed a head, a part of a body, or a request.
        self._bytes_without_progress = 0
        self._in_head = self._in_body = False
        self._running: RequestResponseCycle | None = None
        self._arrival: TimerHandle | None = None
        self._departure: TimerHandle | None = None

    @property
    def _is_answering(self) -> bool:
        last: RequestResponseCycle | None = self.cycle
        return last is not None and not last.response_complete

    @property
    def _waits_for(self) -> State:
        if self._in_body:
            return "body"
        return "answer" if self._is_answering else "head"

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Take a connection, or refuse it: there are too many."""
        super().connection_made(transport)
        if not self._others.make_room(self._limits.connections):
            self._refuse(503, f"All {self._limits.connections} connections are in use (limits.connections).", 1)
            return
        self._others.note(self, self._waits_for)
        self._limit_arrival()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        super().connection_lost(exc)
        # uvicorn ends the newest request alone; an older one would wait for its client for ever.
        if self._running:
            self._running.disconnected = True
            self._running.message_event.set()
        self._others.forget(self)
        self._stop_arrival()
        if self._departure:
            self._departure.cancel()

    def data_received(self, data: bytes) -> None:
        """Read what the client has sent."""
        self._bytes_without_progress += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        # Checked here, too: the head, or the headers after a body, may be incomplete for ever.
        problem = self._too_long if self._bytes_without_progress > self._limits.header_bytes else self._too_many
        if problem:
            self._refuse(431, problem)
            return
        self._others.note(self, self._waits_for)
        if self._in_head or self.state == "head":
            self._limit_arrival()

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._in_head = True

    def on_headers_complete(self) -> None:
        """Start to answer."""
        self._in_head, self._in_body = False, True
        self._stop_arrival()
        # Counted only if so much has arrived; a part of it may follow the head.
        if self._bytes_without_progress > self._limits.header_bytes:
            size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
            if size > self._limits.header_bytes:
                self._stop_parsing(self._too_long)
        if self._too_many:
            self._stop_parsing(self._too_many)
        if len(self.pipeline) >= _MOST_PIPELINED:
            self._stop_parsing(f"More than {_MOST_PIPELINED} requests wait for their answers.")
        super().on_headers_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def on_body(self, body: bytes) -> None:
        """Take a part of the body, whose size and time have limits of their own."""
        self._bytes_without_progress = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End a request; the next bytes belong to another one."""
        self._bytes_without_progress, self._in_body = 0, False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """End an answer. A body that the application did not read may still arrive, but not for long."""
        super().on_response_complete()
        self._limit_departure()
        if not self.transport.is_closing():
            self._others.note(self, self._waits_for)
            if self._in_body:
                self._limit_arrival()

    def pause_writing(self) -> None:
        """Wait until the client has read a part of the answer, but not for ever."""
        super().pause_writing()
        self._limit_departure()

    def send_400_response(self, msg: str) -> None:
        """Answer a request that was not parsed to its end."""
        if self._refusal:
            self._refuse(431, self._refusal)
        else:
            super().send_400_response(msg)

    @property
    def _too_long(self) -> str:
        return f"The head of the request is longer than {self._limits.header_bytes} bytes (limits.header_bytes)."

    @property
    def _too_many(self) -> str | None:
        # None before the first request.
        headers: list[tuple[bytes, bytes]] | None = self.headers
        if headers is None or len(headers) <= self._limits.headers:
            return None
        return f"The request has more than {self._limits.headers} headers (limits.headers)."

    def _stop_parsing(self, refusal: str) -> None:
        self._refusal = refusal
        # The parser ends at any exception, and uvicorn calls send_400_response.
        raise ValueError(refusal)

    def _refuse(self, status: int, detail: str, retry_after: int | None = None) -> None:
        """Answer with an error, and close the connection."""
        if self._is_answering:
            # An answer may have begun: another one within it would be read as a part of it.
            self.transport.abort()
            return
        body = json.dumps({"detail": detail}).encode()
        lines = [
            b"content-type: application/json",
            b"content-length: %d" % len(body),
            b"connection: close",
            *([b"retry-after: %d" % retry_after] if retry_after else []),
        ]
        self.transport.write(STATUS_LINE[status] + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body)
        self.transport.close()
        self._limit_departure()

    def _limit_arrival(self) -> None:
        if self._arrival is None:
            self._arrival = self.loop.call_later(self._limits.header_seconds, self._arrives_too_late)

    def _stop_arrival(self) -> None:
        if self._arrival:
            self._arrival.cancel()
        self._arrival = None

    def _arrives_too_late(self) -> None:
        self._arrival = None
        if self.transport.is_closing():
            return
        if self._is_answering:
            # First the answers to the requests before this one.
            self._limit_arrival()
        elif self._in_head:
            seconds = self._limits.header_seconds
            self._refuse(408, f"The head of the request took longer than {seconds} seconds (limits.header_seconds).")
        else:
            self.transport.close()

    def _limit_departure(self, unread: int | None = None) -> None:
        """Close the connection when the client has read nothing of the answers for too long.

        Args:
            unread: the bytes that the client had not read at the beginning of this period.
        """
        left = self.transport.get_write_buffer_size()
        if unread is not None:
            self._departure = None
            if left >= unread > 0:
                self.transport.abort()
                return
        if left and self._departure is None:
            self._departure = self.loop.call_later(self._limits.answer_seconds, self._limit_departure, left)

    def end(self) -> None:
        """Close the connection at once: another one needs its place."""
        self.transport.abort()


class OpenConnections:
    """The connections of one process, by what each one waits for; the first has waited longest."""

    def __init__(self) -> None:
        self._by_state: dict[State, dict[BoundedProtocol, None]] = {"head": {}, "body": {}, "answer": {}}
        self._next_line = 0.0

    def note(self, connection: BoundedProtocol, state: State) -> None:
        """Keep what a connection waits for. It waits from now on, if that has changed."""
        if connection.state != state:
            self.forget(connection)
            self._by_state[state][connection] = None
            connection.state = state

    def forget(self, connection: BoundedProtocol) -> None:
        """Remove a connection."""
        if connection.state:
            self._by_state[connection.state].pop(connection, None)
            connection.state = None

    def make_room(self, most: int) -> bool:
        """Return whether there is room for one more, after closing the one that waits longest for its client.

        Connections without a complete head end first, idle ones among them; then those whose body is incomplete. One
        that waits for our answer is kept.
        """
        if sum(map(len, self._by_state.values())) < most:
            return True
        if monotonic() >= self._next_line:
            self._next_line = monotonic() + _SECONDS_BETWEEN_LINES
            waiting = {state: len(connections) for state, connections in self._by_state.items()}
            log.warning("all connections in use", most=most, **waiting)
        for state in ("head", "body"):
            oldest = next(iter(self._by_state[state]), None)
            if oldest:
                self.forget(oldest)
                oldest.end()
                return True
        return False


def bounded_protocol(limits: Limits) -> "partial[BoundedProtocol]":
    """Return the protocol for uvicorn. It can be pickled, because each worker gets a copy."""
    return partial(BoundedProtocol, limits=limits, others=OpenConnections())
