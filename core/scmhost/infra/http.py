"""HTTP basics: wire types, paging parameters, request ids and the access log, limits of request bodies."""

import asyncio
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from random import getrandbits
from typing import Annotated, Any, Final, TypeVar
from urllib.parse import urlsplit

import structlog
from fastapi import Depends, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, ValidationError
from pydantic.alias_generators import to_camel
from starlette.datastructures import URL
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scmhost.infra.telemetry import NO_TELEMETRY, Operation, Telemetry
from scmhost.sdk import Organization

from .db.replicas import REQUEST, RequestScope
from .logs import CALLER_OF_REQUEST
from .paging import Page, read_cursor
from .settings import Limits


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Return an error answer with its one key, ``detail``."""
    return JSONResponse({"detail": detail}, status_code=status, headers=dict(headers or {}))


# The pages have no script and nothing inline, and load nothing from another host.
_PAGE_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def html_page(text: str, status: int = 200, *, styled: bool = False) -> HTMLResponse:
    """Return a page as an answer for a browser. ``styled``: it loads a style sheet of this service."""
    style = " style-src 'self';" if styled else ""
    policy = f"default-src 'none';{style} base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    return HTMLResponse(text, status, {**_PAGE_HEADERS, "Content-Security-Policy": policy})


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


Moment = Annotated[datetime, PlainSerializer(_utc, return_type=str)]
"""A time on the wire: ISO 8601, UTC, with a Z."""


class Wire(BaseModel):
    """Base of the answers' models: camel case, as in Sentry's API."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, serialize_by_alias=True)


T = TypeVar("T")


_Cursor = Annotated[str | None, Field(description="A cursor from a Link header; without one, the first page.")]
_PerPage = Annotated[int | None, Field(ge=1, le=100, description="Objects on a page.")]


def service_url(request: Request) -> str:
    """Return the address of this service, without a final slash: that of the settings, or that of the request."""
    url: str | None = request.app.state.services.url
    return url or str(request.base_url).rstrip("/")


def requested_url(request: Request) -> URL:
    """Return the address of a request as its client may use it again."""
    url: str | None = request.app.state.services.url
    # Behind a proxy, the path of the settings comes before that of the request.
    return request.url.replace(path=urlsplit(url).path + request.url.path) if url else request.url


class PageParameters(BaseModel):
    """The paging parameters of a query."""

    cursor: _Cursor = None
    per_page: _PerPage = None


class Paging:
    """The page that a request is for, and the Link header of its answer."""

    def __init__(self, request: Request, parameters: PageParameters, response: Response | None = None) -> None:
        limits: Limits = request.app.state.services.limits
        # The client chooses the size of a page, up to the limit of the operator.
        size = min(parameters.per_page or limits.page_size, limits.page_size)
        self.request = read_cursor(parameters.cursor, size)
        self._request = request
        self._response = response

    def answer(self, page: Page[Any], items: Sequence[T]) -> Sequence[T]:
        """Set the Link header of the answer, and return the items."""
        assert self._response is not None  # noqa: S101 - requested_page passes it
        self._response.headers.update(self.headers(page))
        return items

    def headers(self, page: Page[Any]) -> dict[str, str]:
        """Return the Link header for a page, in Sentry's format."""
        url = str(requested_url(self._request).remove_query_params("cursor"))
        previous = ("previous", page.has_previous, page.previous_cursor)
        return {"Link": link_header(url, (previous, ("next", page.has_next, page.next_cursor)))}


# Async, because FastAPI runs a plain function in a thread.
async def requested_page(
    request: Request,
    response: Response,
    cursor: Annotated[_Cursor, Query()] = None,
    per_page: Annotated[_PerPage, Query()] = None,
) -> Paging:
    """Return the page that a request is for."""
    return Paging(request, PageParameters(cursor=cursor, per_page=per_page), response)


RequestedPage = Annotated[Paging, Depends(requested_page)]


def link_header(url: str, pages: Iterable[tuple[str, bool, str]]) -> str:
    """Return a Link header in Sentry's format, for a URL without a cursor.

    ``pages`` are the relation, whether there is such a page, and its cursor.
    """
    separator = "&" if "?" in url else "?"
    return ", ".join(
        f'<{url}{separator}cursor={cursor}>; rel="{rel}"; results="{str(exists).lower()}"; cursor="{cursor}"'
        for rel, exists, cursor in pages
    )


Q = TypeVar("Q", bound=BaseModel)


def read_query(request: Request, model: type[Q]) -> Q:
    """Return the query of a request as a model.

    Routes that are called often read their parameters themselves: FastAPI reads each one as a field of its own, which
    takes longer than to answer. ``documented`` lists them in the API's description.

    Raises:
        RequestValidationError: the model refuses the query.
    """
    try:
        # Of several values of a parameter the last one counts, as in FastAPI.
        return model.model_validate(dict(request.query_params) if request.scope["query_string"] else {})
    except ValidationError as error:
        raise RequestValidationError([{**item, "loc": ("query", *item["loc"])} for item in error.errors()]) from error


def documented(
    path: Mapping[str, str], query: type[BaseModel] | None = None, headers: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return the OpenAPI description of parameters that a route reads itself: see ``read_query``.

    Args:
        path: the names of the parameters of its path, with their descriptions.
        query: the model of its query.
        headers: the names of optional headers, with their descriptions.
    """
    listed = [_text_parameter("path", name, text) for name, text in path.items()]
    schema = query.model_json_schema() if query else {}
    for name, field in schema.get("properties", {}).items():
        required = name in schema.get("required", ())
        text = {key: field.pop(key) for key in ("description",) if key in field}
        listed.append({"name": name, "in": "query", "required": required, "schema": field, **text})
    listed += [_text_parameter("header", name, text) for name, text in (headers or {}).items()]
    return {"parameters": listed, "security": [{"HTTPBearer": []}]}


def _text_parameter(where: str, name: str, description: str) -> dict[str, Any]:
    # A parameter of a path is always required.
    required = where == "path"
    return {"name": name, "in": where, "required": required, "schema": {"type": "string"}, "description": description}


def json_answer(body: bytes | str, headers: Mapping[str, str] | None = None) -> Response:
    """Return an answer whose JSON is encoded already."""
    return Response(body, headers=headers, media_type="application/json")


# ASGI servers pass header names in lower case, as bytes.
REQUEST_ID: Final = b"x-request-id"
_NO_ROUTE: Final = "unrouted"
"""The route label of requests without a route. Their paths could be any text, and each would become a time series."""

# Requests that change nothing: these may be answered from a replica of the database.
_READING_METHODS: Final = frozenset({"GET", "HEAD"})
_READING_PATHS: Final = ("/trace-links/", "/explain/", "/suspects/", "/commits/missing/")

PROBES: Final = frozenset({"/healthz", "/readyz"})

_VALID_ID: Final = re.compile(rb"[A-Za-z0-9._:/+=@-]{1,128}")

# The key of a redirect is a part of its path. Anyone who has the key may follow redirects.
# A proxy may double a slash: there is no such route, but its path has the key.
_KEY_IN_PATH: Final = re.compile(r"^(/+r/+(?:sentry/+)?)(?!-/)[^/]+")

log = structlog.get_logger("scmhost.access")


class BodyTooLarge(HTTPException):
    """The body exceeded the limit while it was read. FastAPI passes only HTTP errors on while it reads a body."""

    def __init__(self, limit: int) -> None:
        super().__init__(413, f"The body is larger than {limit} bytes (limits.body_bytes).")


class BodyTooSlow(HTTPException):
    """The body did not arrive in time."""

    def __init__(self, seconds: float) -> None:
        message = f"The body took longer than {seconds} seconds (limits.body_seconds)."
        # The rest of the body may still come, and must not be read as the next request.
        super().__init__(408, message, {"Connection": "close"})


class RequestLog:
    """Middleware that gives each request an id, binds the id to the request's log lines, and logs the answer.

    The id of a proxy or client is kept if it is a short word. Other texts are replaced, so that nobody can forge log
    lines. Header values and bodies are never logged, because they may contain tokens.
    """

    def __init__(self, app: ASGIApp, telemetry: Telemetry = NO_TELEMETRY) -> None:
        self._app = app
        self._telemetry = telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = next((value for name, value in scope["headers"] if name == REQUEST_ID), b"")
        # The id is no secret: a system call for random bits would take as long as writing the log line.
        request_id = given.decode() if _VALID_ID.fullmatch(given) else f"{getrandbits(128):032x}"
        # The answer to an unexpected error contains the id too; it is read from here.
        scope.setdefault("state", {})["request_id"] = request_id
        path = loggable_path(scope["path"])
        labels = {"method": scope["method"], "path": path, "scheme": scope["scheme"]}
        with self._telemetry.operation("request", scope["headers"], **labels) as operation:
            bound = {"request_id": request_id} | ({"trace_id": operation.trace_id} if operation.trace_id else {})
            with structlog.contextvars.bound_contextvars(**bound):
                await self._answer(scope, receive, send, operation, path)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, operation: Operation, path: str) -> None:
        started = time.perf_counter()
        CALLER_OF_REQUEST.set({})
        reads = scope["method"] in _READING_METHODS or scope["path"].endswith(_READING_PATHS)
        REQUEST.set(RequestScope(reads))
        # The status if the application raises before it answers.
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
            operation.labels |= {"status": str(status), "route": getattr(scope.get("route"), "path", _NO_ROUTE)}
            # 501 is the answer to a method that the host does not have: it is no fault.
            operation.end(str(status), fault=status >= 500 and status != 501)  # noqa: PLR2004
            milliseconds = round((time.perf_counter() - started) * 1000, 1)
            who = {"client": scope["client"][0] if scope.get("client") else None, **CALLER_OF_REQUEST.get({})}
            # A probe comes every few seconds; one that fails has a line of its own.
            write = log.debug if path in PROBES else log.info
            write("request", method=scope["method"], path=path, status=status, ms=milliseconds, **who)


def note_organization(organization: Organization, token_id: int | None = None) -> None:
    """Note the organization of the current request, so that it may read from a replica; and for its log, the token."""
    caller = CALLER_OF_REQUEST.get({})
    caller["organization"] = organization.slug
    if token_id is not None:
        caller["token"] = token_id
    scope = REQUEST.get()
    if scope:
        scope.organization_id = organization.id


class PeerAddress:
    """Middleware that keeps the address of the peer, which middleware for proxies replaces with that of the client."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope[_PEER] = (scope.get("client") or ("",))[0]
        await self._app(scope, receive, send)


_PEER: Final = "scmhost.peer"


def peer_address(scope: Scope) -> str:
    """Return the address that a request's connection comes from: that of the last proxy, if there is one."""
    kept = scope.get(_PEER)
    return str(kept if kept is not None else (scope.get("client") or ("",))[0])


def loggable_path(path: str) -> str:
    """Return the path of a request without the key of a redirect."""
    return _KEY_IN_PATH.sub(r"\1***", path)


class BodyLimit:
    """Middleware that refuses a body that is too large, by its header or while it arrives, or that is too slow."""

    def __init__(self, app: ASGIApp, most: int, seconds: float) -> None:
        self._app = app
        self._limit = most
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif _announced_length(scope) > self._limit:
            # Answered without reading the body: the client has announced that it is too large.
            answer = problem(413, BodyTooLarge(self._limit).detail)
            await answer(scope, receive, send)
        else:
            await self._app(scope, self._limited(receive), send)

    def _limited(self, receive: Receive) -> Receive:
        """Return a receive function that enforces the limits. After the body, waiting for the client has no limit."""
        deadline = asyncio.get_running_loop().time() + self._seconds
        size, ended = 0, False

        async def receive_limited() -> Message:
            nonlocal size, ended
            try:
                async with asyncio.timeout_at(None if ended else deadline):
                    message = await receive()
            except TimeoutError:
                raise BodyTooSlow(self._seconds) from None
            size += len(message.get("body", b""))
            # A disconnect has neither a body nor "more_body".
            ended = not message.get("more_body", False)
            if size > self._limit:
                raise BodyTooLarge(self._limit)
            return message

        return receive_limited


def _announced_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0


class HeadRequests:
    """Middleware that answers HEAD below some paths as GET, without a body. Elsewhere a GET may change something."""

    def __init__(self, app: ASGIApp, below: tuple[str, ...]) -> None:
        self._app = app
        self._below = below

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD" or not scope["path"].startswith(self._below):
            await self._app(scope, receive, send)
            return

        async def send_head(message: Message) -> None:
            # The server reads the method of this scope, to know whether a body follows the head.
            scope["method"] = "HEAD"
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        # Not a copy: the request log reads the route from the same scope afterwards.
        scope["method"] = "GET"
        try:
            await self._app(scope, receive, send_head)
        finally:
            scope["method"] = "HEAD"


class UserOut(Wire):
    """A token in the shape of a user, which Sentry's clients expect."""

    id: str
    name: str
    username: str
    email: str
