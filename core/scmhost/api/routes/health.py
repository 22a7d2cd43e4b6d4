"""Whether the service stands."""

from typing import Final

from fastapi import APIRouter

from scmhost import __version__
from scmhost.api.context import ServicesOf
from scmhost.api.shapes import Health

router: Final = APIRouter(tags=["health"])


@router.get("/healthz")
def health(services: ServicesOf) -> Health:
    """Answers 200 while the process and its database work; 503 otherwise."""
    services.store.ping()
    return Health(status="ok", version=__version__)
