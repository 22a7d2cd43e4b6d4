"""The ASGI application."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

import structlog
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from scmhost import __version__
from scmhost.kernel.errors import Unavailable
from scmhost.usecases.repositories import delete_due_repositories
from scmhost.usecases.services import Services

from .middleware import BodyLimit, RequestLog
from .problems import DOCUMENTED, install_problem_handlers
from .routes import code_mappings, commits, health, installations, links, projects, releases, repositories

log = structlog.get_logger(__name__)

HOUSEKEEPING_SECONDS: Final = 60.0

ROUTERS: Final = (
    installations.router,
    projects.router,
    repositories.router,
    commits.router,
    code_mappings.router,
    releases.router,
    links.router,
)


async def _keep_house(services: Services) -> None:
    """Once a minute, end what waits for its time. Every worker may do so: what is done is done."""
    while True:
        try:
            await run_in_threadpool(delete_due_repositories, services)
        except Unavailable as error:
            log.warning("housekeeping postponed", error=str(error))
        await asyncio.sleep(HOUSEKEEPING_SECONDS)


def create_application(services: Services, on_shutdown: Callable[[], None] = lambda: None) -> FastAPI:
    """The application over these services. ``on_shutdown`` is called when the server stops."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        housekeeping = asyncio.create_task(_keep_house(services))
        log.info("started", database=services.store.url_without_password)
        yield
        housekeeping.cancel()
        # What it does just now in a thread cannot be cancelled, and needs the database to the end.
        with suppress(asyncio.CancelledError):
            await housekeeping
        on_shutdown()
        log.info("stopped")

    app = FastAPI(
        lifespan=lifespan,
        title="scmhost",
        version=__version__,
        summary="Links errors to source code, on any code host.",
        # The usual reference pages load their scripts from another host; a closed network would show a blank page.
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        responses=DOCUMENTED,
    )
    app.state.services = services
    for router in ROUTERS:
        app.include_router(router)
    app.include_router(health.router)
    install_problem_handlers(app)
    app.add_middleware(BodyLimit, limit=services.limits.body_bytes)
    app.add_middleware(RequestLog)
    return app
