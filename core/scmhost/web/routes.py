"""The routes of all pages: each request becomes a visit, and each error a page with the next step."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import structlog
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Scope

from scmhost.infra.db.errors import StoreError
from scmhost.infra.errors import (
    ERROR_STATUS,
    Forbidden,
    ProviderRefused,
    ScmhostError,
    Statuses,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
    error_status,
)
from scmhost.organizations.quotas import QuotaExceeded
from scmhost.plugins import PluginFault, ProviderOff

from . import (
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
    sign_in,
    tokens,
    trace,
)
from .rendering import FILES, file_answer
from .visit import FORM_TOKEN, Form, View, Visit, read_fields

log = structlog.get_logger(__name__)

VIEWS: Final = (
    *sign_in.VIEWS,
    *openid.VIEWS,
    *organization.VIEWS,
    *repositories.VIEWS,
    # Its paths begin as those of an installation.
    *install_form.VIEWS,
    *installations.VIEWS,
    *releases.VIEWS,
    *people.VIEWS,
    *tokens.VIEWS,
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


_STATUSES: Final[Statuses] = (
    *ERROR_STATUS,
    (ProviderOff, 404),
    (TooManyRequests, 429),
    (ProviderRefused, 502),
    (PluginFault, 502),
    (StoreError, 503),
)

_TITLES: Final[Mapping[int, str]] = {
    400: "This does not work",
    403: "Not allowed",
    404: "Not found",
    405: "Not found",
    409: "This conflicts with what is stored",
    429: "Too many requests",
    500: "Internal error",
    502: "A code host or its plugin failed",
    503: "Not available",
}
_WHAT_TO_DO: Final[Mapping[int, str]] = {
    400: "Go back and correct it. Nothing was changed.",
    403: "Ask an administrator for the right to do this, or sign in as somebody else.",
    404: "Check the address. Pages of organizations that you do not belong to are not found either.",
    405: "Check the address.",
    409: "Load the page again, and repeat the change if it is still needed.",
    429: "Wait a minute, then repeat it.",
    500: "Try again. If it stays so, give the operator the request id below: the log has the cause under it.",
    502: "Try again. If it stays so, an administrator finds the reason with `scmhost plugins doctor`.",
    503: "Try again in a moment. If it stays so, the operator finds the cause in the log and in /readyz.",
}
_OVER_QUOTA: Final = "Nothing was changed. The page Limits of the organization shows what it has and may have."
_RETRY_SECONDS: Final = 5


def status_of(error: ScmhostError) -> int:
    """Return the HTTP status of an error."""
    return error_status(error, _STATUSES)


def error_page(visit: Visit, status: int, error: ScmhostError | None = None) -> Response:
    """Return the page of an error. The text of a database's error has its address, which nobody needs to see."""
    _set_person_of_error_page(visit, status)
    shown = None if error is None or isinstance(error, StoreError | Unavailable) else str(error)
    page = visit.page(
        "error.html",
        status,
        number=status,
        title=_TITLES.get(status, "Error"),
        detail=shown,
        what_to_do=_OVER_QUOTA
        if isinstance(error, QuotaExceeded)
        else _WHAT_TO_DO.get(status, "Go back and try again."),
        request_id=visit.request.scope.get("state", {}).get("request_id", ""),
    )
    if status in (429, 503):
        page.headers["Retry-After"] = str(getattr(error, "retry_after", None) or _RETRY_SECONDS)
    return page


def _set_person_of_error_page(visit: Visit, status: int) -> None:
    """Show the page without a person if the database, which has the sessions, may not answer."""
    try:
        known = visit.signed_in if status < 500 else None  # noqa: PLR2004
    except ScmhostError:
        known = None
    visit.signed_in = known
