"""Routes of installations in steps: their status, and the page to which code hosts send browsers back."""

from html import escape
from typing import Annotated, Final

import structlog
from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse

from scmhost.infra.errors import Conflict, ProviderRefused, ScmhostError, Unavailable
from scmhost.infra.http import html_page
from scmhost.organizations.access import AuditedServices, ForIntegrations, NumericId, ServicesDep, parse_id
from scmhost.plugins import ProviderOff
from scmhost.services import Services

from .install_steps import (
    CALLBACK,
    CallbackRefused,
    FinishedInstallation,
    finish_installation,
    pending_installation,
    shown_error,
)
from .schemas import PendingInstallationOut

router: Final = APIRouter(prefix="/api/0/organizations/{organization}", tags=["installations"])
# A page for browsers: no client of the API calls it.
callback_router: Final = APIRouter(include_in_schema=False)

log = structlog.get_logger(__name__)

# Text only, some of which comes from plugins. The address has a code.
_PAGE: Final = """\
<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title} - scmhost</title></head>
<body>
<h1>{title}</h1>
<p>{text}</p>
<p>{next}</p>
</body>
</html>
"""
_STATUS: Final[tuple[tuple[type[ScmhostError], int], ...]] = ((ProviderOff, 404), (Conflict, 409), (Unavailable, 503))
_STATUS_UNAVAILABLE: Final = 503
_REFUSED_STATUS: Final = {"forbidden": 403, "not_found": 404, "conflict": 409, "unavailable": 503}
_FAULT: Final = 502


@router.get("/integrations/pending/{pending_id}/")
def pending_show(
    services: AuditedServices, organization: ForIntegrations, pending_id: NumericId
) -> PendingInstallationOut:
    """The status of an installation that this token began."""
    pending = pending_installation(services, organization, parse_id(pending_id, "pending installation"))
    return PendingInstallationOut(
        id=str(pending.id),
        provider=pending.provider,
        status=pending.status,
        detail=pending.detail,
        integration_id=None if pending.installation_id is None else str(pending.installation_id),
        expires_at=pending.expires_at,
    )


@callback_router.get(CALLBACK, response_class=HTMLResponse)
def install_callback(
    services: ServicesDep,
    provider: Annotated[str, Path(description="The key of a provider.")],
    request: Request,
) -> HTMLResponse:
    """Finish an installation: the code host sends the browser back. The state in the query identifies it."""
    try:
        done = finish_installation(services, provider, request.scope["query_string"])
    except CallbackRefused as error:
        return _page(410 if error.gone else 400, "Nothing was installed", str(error))
    except (ProviderOff, Unavailable) as error:
        log.warning("callback not answered", provider=provider, error=str(error))
        return _page(_status_of(error), "Nothing was installed", shown_error(error))
    if done.error is not None:
        return _page(_status_of(done.error), f"{done.provider} was not installed", shown_error(done.error))
    return _page(200, f"{done.provider} is installed", _installed(done), _page_of(services, done))


def _installed(done: FinishedInstallation) -> str:
    name = done.installation.installation.name if done.installation else ""
    return f"Organization {done.organization.slug} now has the installation {name}."


def _page_of(services: Services, done: FinishedInstallation) -> str:
    """Return the address of the installation's page; empty if pages are off."""
    if not (services.web.enabled and services.url and done.installation):
        return ""
    return f"{services.url}/organizations/{done.organization.slug}/installations/{done.installation.installation.id}"


def _status_of(error: ScmhostError) -> int:
    if isinstance(error, ProviderRefused):
        return _REFUSED_STATUS.get(error.reason, 400)
    return next((status for kind, status in _STATUS if isinstance(error, kind)), _FAULT)


def _page(status: int, title: str, text: str, address: str = "") -> HTMLResponse:
    link = f'<a href="{escape(address)}">Open the installation</a>' if address else "You can close this window."
    answer = html_page(_PAGE.format(title=escape(title), text=escape(text), next=link), status)
    if status == _STATUS_UNAVAILABLE:
        answer.headers["Retry-After"] = str(Unavailable.retry_after)
    return answer
