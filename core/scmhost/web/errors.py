"""Pages of errors: what happened, and what to do."""

from collections.abc import Mapping
from typing import Final

from starlette.responses import Response

from scmhost.infra.db.errors import StoreError
from scmhost.infra.errors import (
    ERROR_STATUS,
    ProviderRefused,
    ScmhostError,
    Statuses,
    TooManyRequests,
    Unavailable,
    error_status,
)
from scmhost.plugins import PluginFault, ProviderOff

from .visit import Visit

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
_RETRY_SECONDS: Final = 5


def status_of(error: ScmhostError) -> int:
    """Return the HTTP status of an error."""
    return error_status(error, _STATUSES)


def error_page(visit: Visit, status: int, error: ScmhostError | None = None) -> Response:
    """Return the page of an error. The text of a database's error has its address, which nobody needs to see."""
    _forget_unknown_person(visit, status)
    shown = None if error is None or isinstance(error, StoreError | Unavailable) else str(error)
    page = visit.page(
        "error.html",
        status,
        number=status,
        title=_TITLES.get(status, "Error"),
        detail=shown,
        what_to_do=_WHAT_TO_DO.get(status, "Go back and try again."),
        request_id=visit.request.scope.get("state", {}).get("request_id", ""),
    )
    if status in (429, 503):
        page.headers["Retry-After"] = str(getattr(error, "retry_after", None) or _RETRY_SECONDS)
    return page


def _forget_unknown_person(visit: Visit, status: int) -> None:
    """Show the page as to somebody who is not signed in, where the database may not answer."""
    try:
        known = visit.signed_in if status < 500 else None  # noqa: PLR2004
    except ScmhostError:
        known = None
    visit.signed_in = known
