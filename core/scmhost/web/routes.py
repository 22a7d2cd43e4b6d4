"""All pages, and how a request becomes a visit and an error becomes a page."""

from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Scope

from scmhost.infra.errors import Forbidden, ScmhostError, Unauthenticated

from . import (
    account,
    host,
    install_form,
    installations,
    mapping_form,
    mappings,
    openid,
    organization,
    people,
    releases,
    repositories,
    settings,
    sign_in,
    tokens,
    trace,
)
from .errors import error_page, status_of
from .rendering import FILES, file_answer
from .visit import FORM_TOKEN, Form, View, Visit, read_fields

log = structlog.get_logger(__name__)

VIEWS: Final = (
    *sign_in.VIEWS,
    *openid.VIEWS,
    *account.VIEWS,
    *organization.VIEWS,
    *repositories.VIEWS,
    # Its paths begin as those of an installation.
    *install_form.VIEWS,
    *installations.VIEWS,
    *releases.VIEWS,
    *people.VIEWS,
    *tokens.VIEWS,
    *settings.VIEWS,
    *host.VIEWS,
    *trace.VIEWS,
    *mappings.VIEWS,
    *mapping_form.VIEWS,
)
"""The pages. Each module of pages lists its own."""


class PageRoute(Route):
    """The route of a page. It names itself in the scope, as FastAPI's routes do, for logs and metrics."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, child_scope = super().matches(scope)
        return match, {**child_scope, "route": self} if child_scope else child_scope


def mount_pages(app: FastAPI) -> None:
    """Add the pages to an application, and pages for its errors that browsers see. If they are off, add nothing.

    Raises:
        Unavailable: the settings of the sign-in cannot work.
    """
    if not app.state.services.web.enabled:
        return
    openid.check_openid(app.state.services)
    for view in VIEWS:
        app.router.routes.append(PageRoute(view.path, _endpoint(view), methods=[view.method]))
    app.router.routes.append(PageRoute("/-/{name}", _file, methods=["GET"]))
    for key in (404, 405, Exception):
        app.add_exception_handler(key, _page_or(app, key))


def _endpoint(view: View) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        body = await request.body() if request.method == "POST" else b""
        # Use cases wait for the database and for code hosts.
        return await run_in_threadpool(_answer, view, request, body)

    return answer


def _answer(view: View, request: Request, body: bytes) -> Response:
    form: Form = {}
    visit = Visit(request, form)
    try:
        if request.method == "POST":
            visit.form = read_fields(body)
            _check_form_token(visit)
        response = view.show(visit)
    except Unauthenticated:
        response = visit.to_sign_in()
    except ScmhostError as error:
        response = error_page(visit, status_of(error), error)
    visit.cookie.save(response, visit.base or "/")
    return response


def _check_form_token(visit: Visit) -> None:
    if not visit.cookie.accepts(visit.form.get(FORM_TOKEN, "")):
        raise Forbidden("This form is out of date, or came from another site. Load the page again, and repeat.")


async def _file(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in FILES:
        raise HTTPException(404)
    return file_answer(name)


Handler = Callable[[Request, Exception], Response | Awaitable[Response]]


def _page_or(app: FastAPI, key: int | type[Exception]) -> Handler:
    """Return a handler: a page for a browser that did not call the API, else the answer of the API."""
    kind = HTTPException if isinstance(key, int) else key
    other: Handler = app.exception_handlers[kind]

    async def handle(request: Request, error: Exception) -> Response:
        answer = other(request, error)
        answer = answer if isinstance(answer, Response) else await answer
        if "text/html" not in request.headers.get("accept", "") or request.url.path.startswith("/api/"):
            return answer
        return await run_in_threadpool(_error, request, answer.status_code)

    return handle


def _error(request: Request, status: int) -> Response:
    visit = Visit(request, {})
    return error_page(visit, status)
