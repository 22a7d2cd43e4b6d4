"""HTTP basics: wire types, paging, request ids, limits of bodies."""

import asyncio
import re
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final, TypeVar
from uuid import uuid4

import structlog
from fastapi import Depends, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, PlainSerializer
from pydantic.alias_generators import to_camel
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .limits import Limits
from .paging import Page, read_cursor
from .telemetry import SILENT, Act, Telemetry


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """An answer with one key."""
    return JSONResponse({"detail": detail}, status_code=status, headers=dict(headers or {}))


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


Moment = Annotated[datetime, PlainSerializer(_utc, return_type=str)]
"""A time on the wire: ISO 8601, UTC, with a Z."""


class Wire(BaseModel):
    """Base of what is sent: camel case, as Sentry writes it."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, serialize_by_alias=True)


T = TypeVar("T")


class Paging:
    """Which page is wanted, and how to answer with it."""

    def __init__(
        self,
        request: Request,
        response: Response,
        cursor: Annotated[str | None, Query(description="A cursor from a Link header; empty: the first page.")] = None,
        per_page: Annotated[int | None, Query(ge=1, le=100, description="Objects on a page.")] = None,
    ) -> None:
        limits: Limits = request.app.state.services.limits
        most = limits.page_size
        self.request = read_cursor(cursor, min(per_page or most, most))
        self._url = str(request.url.remove_query_params("cursor"))
        self._response = response

    def answer(self, page: Page[Any], items: Sequence[T]) -> Sequence[T]:
        """The items, with the Link header set."""
        joint = "&" if "?" in self._url else "?"
        self._response.headers["Link"] = ", ".join(
            f'<{self._url}{joint}cursor={cursor}>; rel="{rel}"; results="{str(there).lower()}"; cursor="{cursor}"'
            for rel, there, cursor in (
                ("previous", page.has_previous, page.previous_cursor),
                ("next", page.has_next, page.next_cursor),
            )
        )
        return items


Wanted = Annotated[Paging, Depends()]


REQUEST_ID: Final = b"x-request-id"
UNROUTED: Final = "unrouted"
"""Stands for the route of a request that no route takes: its path could be any text."""

_GOOD_ID: Final = re.compile(rb"[A-Za-z0-9._:/+=@-]{1,128}")

log = structlog.get_logger("scmhost.access")


class BodyTooLarge(HTTPException):
    """The body passed the limit while it was read. FastAPI lets HTTP errors through while it reads a body."""

    def __init__(self, limit: int) -> None:
        super().__init__(413, f"The body is larger than {limit} bytes (limits.body_bytes).")


class BodyTooSlow(HTTPException):
    """The body did not come to its end in time."""

    def __init__(self, seconds: float) -> None:
        message = f"The body took longer than {seconds} seconds (limits.body_seconds)."
        # Whatever else the client sends belongs to the request that is refused.
        super().__init__(408, message, {"Connection": "close"})


class RequestLog:
    """Gives each request an id, binds it to all log lines of the request, and tells the answer.

    An id that a proxy or a client gave is kept if it is a short word; of any other text nothing reaches the log.
    Header values and bodies are never logged: tokens travel in them.
    """

    def __init__(self, app: ASGIApp, telemetry: Telemetry = SILENT) -> None:
        self._app = app
        self._telemetry = telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _given_id(scope) or uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        about = {"method": scope["method"], "path": scope["path"], "scheme": scope["scheme"]}
        with self._telemetry.act("request", scope["headers"], **about) as act:
            told = {"request_id": request_id} | ({"trace_id": act.trace_id} if act.trace_id else {})
            with structlog.contextvars.bound_contextvars(**told):
                await self._answer(scope, receive, send, act)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, act: Act) -> None:
        started = time.perf_counter()
        status = 500

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (REQUEST_ID, scope["state"]["request_id"].encode())]
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        finally:
            act.labels |= {"status": str(status), "route": getattr(scope.get("route"), "path", UNROUTED)}
            act.end(str(status), fault=status >= 500)  # noqa: PLR2004
            milliseconds = round((time.perf_counter() - started) * 1000, 1)
            log.info("request", method=scope["method"], path=scope["path"], status=status, ms=milliseconds)


def _given_id(scope: Scope) -> str | None:
    found = next((value for name, value in scope["headers"] if name == REQUEST_ID), b"")
    return found.decode() if _GOOD_ID.fullmatch(found) else None


class BodyLimit:
    """Refuses a body over the limit, by its announced length or while it comes in, and one that comes too slowly."""

    def __init__(self, app: ASGIApp, most: int, seconds: float) -> None:
        self._app = app
        self._most = most
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif _announced_length(scope) > self._most:
            answer = problem(413, BodyTooLarge(self._most).detail)
            await answer(scope, receive, send)
        else:
            await self._app(scope, self._limited(receive), send)

    def _limited(self, receive: Receive) -> Receive:
        """What receives a body within the limits. After the body one may wait for the client without end."""
        until = asyncio.get_running_loop().time() + self._seconds
        taken, ended = 0, False

        async def receive_limited() -> Message:
            nonlocal taken, ended
            try:
                async with asyncio.timeout_at(None if ended else until):
                    message = await receive()
            except TimeoutError:
                raise BodyTooSlow(self._seconds) from None
            taken += len(message.get("body", b""))
            ended = not message.get("more_body", False)
            if taken > self._most:
                raise BodyTooLarge(self._most)
            return message

        return receive_limited


def _announced_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0


class UserOut(Wire):
    """The token that asks, in the place where Sentry's clients expect a person."""

    id: str
    name: str
    username: str
    email: str
