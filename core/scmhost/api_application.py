"""The HTTP application without its routes: middleware, and answers to errors.

An error answer has one key, ``detail``, with a sentence; or it is the map of fields that Sentry's clients expect.
"""

from collections.abc import Mapping
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect
from starlette.routing import Match
from starlette.types import ASGIApp

from scmhost import __version__
from scmhost.infra.api_routes import document_errors
from scmhost.infra.db.errors import StoreError
from scmhost.infra.errors import (
    ERROR_STATUS,
    REFUSED_STATUS,
    InvalidInput,
    ProviderRefused,
    ScmhostError,
    Statuses,
    TooManyRequests,
    error_status,
)
from scmhost.infra.http import PROBES, BodyLimit, HeadRequests, RequestLog, loggable_path, problem
from scmhost.infra.public_address import PublicAddress, TrustedHosts
from scmhost.installations.install import InvalidForm
from scmhost.plugins import PluginFault, ProviderOff
from scmhost.plugins.isolation.faults import safe_text
from scmhost.services import Services

log = structlog.get_logger(__name__)

API: Final = "/api/0/"
"""The beginning of the paths of the API."""
# Checks of links and of health send HEAD.
_HEAD_AS_GET: Final = (API, "/r/", *sorted(PROBES))
_METHODS: Final = ("GET", "POST", "PUT", "DELETE")

_STATUSES: Final[Statuses] = (*ERROR_STATUS, (ProviderOff, 404), (StoreError, 503))
_FAULT_STATUS: Final = {"timed_out": 503, "busy": 503, "suspended": 503}

# Newer versions of FastAPI report requests and the texts of exceptions to OpenTelemetry by default. Here [host.spans]
# decides, and the spans are our own. Older versions ignore the argument.
_NO_FASTAPI_TELEMETRY: Final[Any] = {"tracing": False, "metrics": False, "logs": False, "operation_spans": False}


class ApiApplication(FastAPI):
    """A FastAPI application that answers 400 where FastAPI answers 422, and logs every request."""

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document, with our error answers instead of FastAPI's."""
        # FastAPI keeps the document.
        if self.openapi_schema is None:
            document_errors(super().openapi())
        return super().openapi()

    def build_middleware_stack(self) -> ASGIApp:
        """Put the request log around all middleware, including the one that answers unexpected errors."""
        return RequestLog(super().build_middleware_stack(), self.state.services.telemetry)


def api_application(services: Services, **options: Any) -> FastAPI:
    """Return an application without routes. ``options`` are those of FastAPI."""
    app = ApiApplication(
        title="scmhost",
        version=__version__,
        summary="Links errors to source code, on any code host.",
        # FastAPI's reference pages load scripts from another host, and stay blank in a closed network.
        docs_url=None,
        redoc_url=None,
        telemetry=_NO_FASTAPI_TELEMETRY,
        **options,
    )
    app.state.services = services
    install_error_handlers(app)
    _add_middleware(app, services)
    return app


def _add_middleware(app: FastAPI, services: Services) -> None:
    app.add_middleware(BodyLimit, most=services.limits.body_bytes, seconds=services.limits.body_seconds)
    app.add_middleware(HeadRequests, below=_HEAD_AS_GET)
    if services.url:
        app.add_middleware(PublicAddress, url=services.url)
    if services.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=services.cors_origins,
            allow_methods=_METHODS,
            allow_headers=("Authorization", "Content-Type"),
            expose_headers=("Link", "Retry-After", "X-Request-ID"),
        )
    if services.url is None and services.trusted_hosts is not None:
        app.add_middleware(TrustedHosts, hosts=services.trusted_hosts)


def install_error_handlers(app: FastAPI) -> None:
    """Register the handlers that answer every error in one of the two shapes."""
    app.add_exception_handler(ScmhostError, _on_scmhost_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(ClientDisconnect, _on_disconnect)
    app.add_exception_handler(Exception, _on_bug)


def status_of_fault(kind: str) -> int:
    """Return the HTTP status of a plugin fault."""
    return _FAULT_STATUS.get(kind, 502)


def _on_scmhost_error(_request: Request, error: Exception) -> JSONResponse:
    if isinstance(error, InvalidForm):
        return JSONResponse(dict(error.problems), status_code=400)
    if isinstance(error, InvalidInput) and error.field:
        return JSONResponse({error.field: [error.message]}, status_code=400)
    if isinstance(error, ProviderRefused):
        return problem(REFUSED_STATUS[error.reason], str(error), _retry_after(error.retry_after))
    if isinstance(error, TooManyRequests):
        return problem(429, str(error), _retry_after(error.retry_after))
    if isinstance(error, PluginFault):
        return problem(status_of_fault(error.kind), str(error), _retry_after(error.retry_after))
    status = error_status(error, _STATUSES)
    hidden = error.public if isinstance(error, ScmhostError) else None
    if hidden and status >= 500:  # noqa: PLR2004
        log.warning("database fault", error=str(error))
    return problem(status, hidden or str(error), _headers_of(status, error))


def _headers_of(status: int, error: Exception) -> dict[str, str] | None:
    if status == 401:  # noqa: PLR2004
        return {"WWW-Authenticate": "Bearer"}
    return _retry_after(getattr(error, "retry_after", None))


def _retry_after(seconds: int | None) -> dict[str, str] | None:
    return {"Retry-After": str(seconds)} if seconds else None


def _on_invalid_request(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - FastAPI calls this handler with nothing else
    problems: dict[str, list[str]] = {}
    for item in error.errors():
        if item["type"] == "json_invalid":
            return problem(400, f"The body is not valid JSON: {item['ctx']['error']}.")
        if item["loc"] == ("body",) and isinstance(item["input"], bytes):
            return problem(400, "The body must be JSON, with the header Content-Type: application/json.")
        where = [str(part) for part in item["loc"][1:] if not isinstance(part, int)]
        problems.setdefault(where[0] if where else "nonFieldErrors", []).append(_field_error(item))
    return JSONResponse(problems, status_code=400)


def _field_error(item: Mapping[str, Any]) -> str:
    # The messages of the two commonest mistakes are Sentry's; its clients show or match them.
    if item["type"] == "missing":
        return "This field is required."
    if item["type"] in ("int_parsing", "int_type"):
        return "A valid integer is required."
    inner = [str(part) for part in item["loc"][2:]]
    text = safe_text(item["msg"]).removeprefix("Value error, ")
    return f"{'.'.join(inner)}: {text}" if inner else text


def _on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - Starlette calls this handler with nothing else
    if error.status_code == 400:  # noqa: PLR2004
        return problem(400, "The body cannot be read: it must be JSON in UTF-8, not compressed.")
    if error.status_code == 405 and request.url.path.startswith(_HEAD_AS_GET):  # noqa: PLR2004
        return _wrong_method(request)
    return problem(error.status_code, error.detail, error.headers)


def _wrong_method(request: Request) -> Response:
    """Answer OPTIONS, and methods that a path has not, with all methods that it has."""
    # Each method of a path is a route of its own, and the error has only the first one.
    allowed = [
        method
        for method in _METHODS
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in request.app.routes)
    ]
    headers = {"Allow": ", ".join([*allowed, *(["HEAD"] if "GET" in allowed else []), "OPTIONS"])}
    if request.method == "OPTIONS":
        return Response(status_code=204, headers=headers)
    return problem(405, f"This path has no {request.method}; it has {headers['Allow']}.", headers)


def _on_disconnect(_request: Request, _error: Exception) -> JSONResponse:
    # The client is gone and reads no answer; without a handler the log would show an error of the server.
    return problem(400, "The body is incomplete.")


def _on_bug(request: Request, error: Exception) -> JSONResponse:
    log.error("unexpected error", path=loggable_path(request.url.path), method=request.method, exc_info=error)
    request_id = request.scope.get("state", {}).get("request_id", "")
    return problem(500, f"Internal error. The operator finds the cause in the log under the request id {request_id}")
