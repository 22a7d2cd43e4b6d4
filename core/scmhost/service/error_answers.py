"""Errors on the wire: one key, ``detail``, with a sentence; or the field map that Sentry's clients know."""

from collections.abc import Mapping
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, RootModel
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from scmhost.infra.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    ProviderRefused,
    ScmhostError,
    Unauthenticated,
    Unavailable,
)
from scmhost.infra.http import problem
from scmhost.installations.install import InvalidForm
from scmhost.plugins import PluginFault, ProviderOff

log = structlog.get_logger(__name__)


class Problem(BaseModel):
    """What went wrong, in a sentence."""

    detail: str


class FieldProblems(RootModel[dict[str, list[str]]]):
    """What is wrong with each field."""


_STATUS: Final[tuple[tuple[type[ScmhostError], int], ...]] = (
    (Unauthenticated, 401),
    (Forbidden, 403),
    (NotFound, 404),
    (ProviderOff, 404),
    (Conflict, 409),
    (Unavailable, 503),
    (InvalidInput, 400),
)
_REFUSED: Final = {"not_found": 404, "invalid": 400, "conflict": 409, "forbidden": 403, "unavailable": 503}
_FAULTS: Final = {"timed_out": 503, "busy": 503, "suspended": 503}

DOCUMENTED: Final[dict[int | str, dict[str, Any]]] = {
    400: {"model": Problem | FieldProblems, "description": "The request is wrong; nothing was changed."},
    401: {"model": Problem, "description": "No token, or none that is valid."},
    403: {"model": Problem, "description": "The token lacks a scope."},
    404: {"model": Problem, "description": "Not in this organization."},
    408: {"model": Problem, "description": "The body took longer than limits.body_seconds."},
    409: {"model": Problem, "description": "What is stored stands against it."},
    413: {"model": Problem, "description": "The body is larger than limits.body_bytes."},
    502: {"model": Problem, "description": "A plugin is at fault; the answer names it."},
    503: {"model": Problem, "description": "Not now; the same request may work in a moment."},
}


def install_problem_handlers(app: FastAPI) -> None:
    """Answer every error in one shape."""
    app.add_exception_handler(ScmhostError, _on_scmhost_error)
    app.add_exception_handler(RequestValidationError, _on_bad_request)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(ClientDisconnect, _on_disconnect)
    app.add_exception_handler(Exception, _on_bug)


def status_of_fault(kind: str) -> int:
    """The status of an answer to a request whose plugin was at fault."""
    return _FAULTS.get(kind, 502)


def _on_scmhost_error(_request: Request, error: Exception) -> JSONResponse:
    if isinstance(error, InvalidForm):
        return JSONResponse(dict(error.problems), status_code=400)
    if isinstance(error, InvalidInput) and error.field:
        return JSONResponse({error.field: [error.message]}, status_code=400)
    if isinstance(error, ProviderRefused):
        return problem(_REFUSED[error.reason], str(error))
    if isinstance(error, PluginFault):
        again = {"Retry-After": str(error.retry_after)} if error.retry_after else None
        return problem(status_of_fault(error.kind), str(error), again)
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
    return problem(status, str(error), {"WWW-Authenticate": "Bearer"} if status == 401 else None)  # noqa: PLR2004


def _on_bad_request(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - FastAPI calls this handler with nothing else
    problems: dict[str, list[str]] = {}
    for item in error.errors():
        if item["type"] == "json_invalid":
            return problem(400, f"The body is not valid JSON: {item['ctx']['error']}.")
        if item["loc"] == ("body",) and isinstance(item["input"], bytes):
            return problem(400, "The body must be JSON, and the request must say so: Content-Type: application/json.")
        where = [str(part) for part in item["loc"][1:] if not isinstance(part, int)]
        problems.setdefault(where[0] if where else "nonFieldErrors", []).append(_sentence(item))
    return JSONResponse(problems, status_code=400)


def _sentence(item: Mapping[str, Any]) -> str:
    """The messages for the two commonest mistakes are those that Sentry's clients know."""
    if item["type"] == "missing":
        return "This field is required."
    if item["type"] in ("int_parsing", "int_type"):
        return "A valid integer is required."
    inner = [str(part) for part in item["loc"][2:]]
    text = str(item["msg"]).removeprefix("Value error, ")
    return f"{'.'.join(inner)}: {text}" if inner else text


def _on_http_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - Starlette calls this handler with nothing else
    if error.status_code == 400:  # noqa: PLR2004
        return problem(400, "The body cannot be read: it must be JSON in UTF-8, not compressed.")
    return problem(error.status_code, error.detail, error.headers)


def _on_disconnect(_request: Request, _error: Exception) -> JSONResponse:
    """Nobody reads this answer, but the log should show no fault of ours."""
    return problem(400, "The body ended before it was whole.")


def _on_bug(request: Request, error: Exception) -> JSONResponse:
    log.error("unexpected error", path=request.url.path, method=request.method, exc_info=error)
    found_by = request.scope.get("state", {}).get("request_id", "")
    return problem(500, f"Something went wrong here; the operator finds it in the log by this request's id: {found_by}")
