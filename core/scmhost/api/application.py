"""The ASGI application."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from fastapi import FastAPI

from scmhost import __version__
from scmhost.usecases.services import Services

from .middleware import BodyLimit, RequestLog
from .problems import DOCUMENTED, install_problem_handlers
from .routes import code_mappings, commits, health, installations, links, projects, releases, repositories

ROUTERS: Final = (
    installations.router,
    projects.router,
    repositories.router,
    commits.router,
    code_mappings.router,
    releases.router,
    links.router,
)


def create_application(services: Services, on_shutdown: Callable[[], None] = lambda: None) -> FastAPI:
    """The application over these services. ``on_shutdown`` is called when the server stops."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        on_shutdown()

    app = FastAPI(
        lifespan=lifespan,
        title="scmhost",
        version=__version__,
        summary="Links errors to source code, on any code host.",
        docs_url="/api/docs",
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
