"""The ASGI application."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import structlog
from anyio import to_thread
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp

from scmhost import __version__
from scmhost.admin import routes as admin_routes
from scmhost.admin.background import background_loops
from scmhost.admin.routes import gauges_loop, metrics_router
from scmhost.audit import routes as audit_routes
from scmhost.commits import routes as commit_routes
from scmhost.infra.http import BodyLimit, RequestLog
from scmhost.infra.loops import Loops
from scmhost.installations import routes as installation_routes
from scmhost.links import mapping_routes
from scmhost.links import routes as link_routes
from scmhost.organizations import routes as organization_routes
from scmhost.releases import routes as release_routes
from scmhost.repositories import routes as repository_routes
from scmhost.services import Services

from .error_answers import DOCUMENTED, install_problem_handlers

log = structlog.get_logger(__name__)

ROUTERS: Final = (
    organization_routes.router,
    audit_routes.router,
    installation_routes.router,
    installation_routes.webhook_router,
    organization_routes.projects_router,
    organization_routes.project_router,
    repository_routes.router,
    repository_routes.installation_router,
    commit_routes.router,
    mapping_routes.router,
    link_routes.path_parsing_router,
    link_routes.derivation_router,
    release_routes.router,
    release_routes.project_releases_router,
    release_routes.deploys_router,
    link_routes.router,
    link_routes.traces_router,
    admin_routes.plugins_router,
)


# Newer versions of FastAPI tell OpenTelemetry of requests, and of the texts of exceptions, unasked. Here the operator's
# switch decides, and spans are our own. Older versions keep a word that they do not know.
_NOT_FASTAPIS: Final[Any] = {"tracing": False, "metrics": False, "logs": False, "operation_spans": False}


class _Application(FastAPI):
    """FastAPI describes wrong parameters and bodies as 422; here they are 400, in the words that clients know."""

    def openapi(self) -> dict[str, Any]:
        document = super().openapi()
        for operation in (each for methods in document["paths"].values() for each in methods.values()):
            operation["responses"].pop("422", None)
        for unused in ("HTTPValidationError", "ValidationError"):
            document["components"]["schemas"].pop(unused, None)
        return document

    def build_middleware_stack(self) -> ASGIApp:
        """What answers a fault of ours stands around all other middleware; this stands around that too."""
        return RequestLog(super().build_middleware_stack(), self.state.services.telemetry)


def create_application(services: Services, on_shutdown: Callable[[], None] = lambda: None) -> FastAPI:
    """The application over these services. ``on_shutdown`` is called when the server stops."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        # Routes run in this pool. Background loops have threads of their own, so neither waits for the other.
        to_thread.current_default_thread_limiter().total_tokens = services.limits.request_threads
        loops = services.shared(Loops)
        metrics = services.telemetry.metrics
        started = background_loops(services) + ([gauges_loop(services, metrics)] if metrics else [])
        loops.add(*(loop.start() for loop in started))
        log.info("started", database=services.store.url_without_password)
        yield
        # Rounds under way need the database to their end, and may take a while: not on the event loop.
        await run_in_threadpool(loops.stop)
        if metrics:
            metrics.close()
        on_shutdown()
        log.info("stopped")

    app = _Application(
        lifespan=lifespan,
        title="scmhost",
        version=__version__,
        summary="Links errors to source code, on any code host.",
        # The usual reference pages load their scripts from another host; a closed network would show a blank page.
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        telemetry=_NOT_FASTAPIS,
        responses=DOCUMENTED,
    )
    app.state.services = services
    for router in ROUTERS:
        app.include_router(router)
    app.include_router(admin_routes.health_router)
    app.include_router(commit_routes.delivery_router)
    if services.telemetry.metrics:
        app.include_router(metrics_router(services.telemetry.metrics))
    install_problem_handlers(app)
    app.add_middleware(BodyLimit, most=services.limits.body_bytes, seconds=services.limits.body_seconds)
    return app
