"""Whether the process lives, and whether it may be sent requests. Anybody may ask: no address, no reason is told."""

from typing import Final

from fastapi import APIRouter, Response

from scmhost import __version__
from scmhost.api.context import ServicesOf
from scmhost.api.host_shapes import Health, Ready
from scmhost.usecases.readiness import readiness

router: Final = APIRouter(tags=["health"])

NO_STORE: Final = {"Cache-Control": "no-store"}


@router.get("/healthz")
async def health(response: Response) -> Health:
    """Answers 200 while the process lives, whatever its database does: a new process would not mend that."""
    response.headers.update(NO_STORE)
    return Health(status="ok", version=__version__)


@router.get("/readyz", responses={503: {"model": Ready, "description": "Send requests elsewhere, for now."}})
def ready(services: ServicesOf, response: Response) -> Ready:
    """Answers 200 while requests can be answered; else 503, and why. A suspended plugin, or settings that are stale
    because the switchboard cannot be read, are told and no reason not to be ready.
    """
    found = readiness(services)
    response.headers.update(NO_STORE)
    response.status_code = 200 if found.ready else 503
    return Ready(
        status="ready" if found.ready else "not ready",
        detail=found.detail,
        database=found.database,
        generation=found.generation,
        stale_since=found.stale_since,
        plugins=dict(found.plugins),
        suspended=list(found.suspended),
    )
