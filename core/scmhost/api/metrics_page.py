"""``GET /metrics``, where the operator switched metrics on, and what keeps its gauges fresh."""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from fastapi import APIRouter, Request, Response

from scmhost.kernel.errors import ScmhostError
from scmhost.usecases.run_jobs import count_jobs
from scmhost.usecases.services import Services

from .context import ServicesOf

if TYPE_CHECKING:
    from scmhost.telemetry.metrics import Metrics

REFRESH_SECONDS: Final = 1.0


def metrics_router(metrics: "Metrics") -> APIRouter:
    """The page. It is not of the API: no document lists it."""
    router = APIRouter(include_in_schema=False)

    @router.get("/metrics")
    def page(request: Request, services: ServicesOf) -> Response:
        """Everything that is counted."""
        _show(metrics, services)
        content, media_type = metrics.page(request.headers.get("accept", ""), lambda: _jobs(services))
        return Response(content, headers={"Content-Type": media_type, "Cache-Control": "no-store"})

    return router


async def keep_gauges(services: Services) -> None:
    """Each worker tells the state of its own plugins, whichever worker is asked for the page."""
    metrics = services.telemetry.metrics
    if metrics is None:
        return
    try:
        while True:
            _show(metrics, services)
            await asyncio.sleep(REFRESH_SECONDS)
    finally:
        metrics.close()


def _show(metrics: "Metrics", services: Services) -> None:
    board = services.plugins.switchboard
    states = {report.name: report.state for report in services.plugins.plugins}
    metrics.show(states, board.generation, stale=board.stale_since is not None)


def _jobs(services: Services) -> Mapping[str, int]:
    """What is counted in memory is told even while the database does not answer."""
    try:
        return count_jobs(services)
    except ScmhostError:
        return {}
