"""The HTTP service: the ASGI application with all routes and pages, and its background loops."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from typing import TYPE_CHECKING, Final

import structlog
from anyio import to_thread
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from scmhost.admin import routes as admin_routes
from scmhost.admin.background import background_loops
from scmhost.admin.routes import gauges_loop, metrics_router
from scmhost.audit import routes as audit_routes
from scmhost.commits import routes as commit_routes
from scmhost.infra.loops import Loops
from scmhost.installations import routes as installation_routes
from scmhost.links import mapping_routes, suspect_routes
from scmhost.links import routes as link_routes
from scmhost.organizations import routes as organization_routes
from scmhost.redirects import routes as redirect_routes
from scmhost.releases import routes as release_routes
from scmhost.repositories import routes as repository_routes
from scmhost.services import Services
from scmhost.web.routes import mount_pages

from .api_application import api_application

if TYPE_CHECKING:
    from scmhost.agents.routes import McpEndpoint

log = structlog.get_logger(__name__)

# In the order in which a request is compared with them: first those that are called most often.
ROUTERS: Final = (
    link_routes.router,
    link_routes.files_router,
    redirect_routes.router,
    repository_routes.router,
    organization_routes.router,
    audit_routes.router,
    installation_routes.router,
    installation_routes.webhook_router,
    organization_routes.projects_router,
    organization_routes.project_router,
    admin_routes.removal_router,
    repository_routes.installation_router,
    commit_routes.router,
    mapping_routes.router,
    mapping_routes.project_repository_router,
    link_routes.path_parsing_router,
    link_routes.derivation_router,
    release_routes.router,
    release_routes.project_releases_router,
    release_routes.deploys_router,
    suspect_routes.router,
    admin_routes.plugins_router,
    release_routes.upload_router,
    redirect_routes.keys_router,
)


def create_application(
    services: Services, on_shutdown: Callable[[], None] = lambda: None, agents: "type[McpEndpoint] | None" = None
) -> FastAPI:
    """Return the application over these services.

    Args:
        services: the services.
        on_shutdown: is called when the server stops.
        agents: the endpoint ``/mcp``, if it is on; its package is an extra.
    """

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        # Routes run in this pool. Background loops have threads of their own, so neither waits for the other.
        to_thread.current_default_thread_limiter().total_tokens = services.limits.request_threads
        loops = services.shared(Loops)
        metrics = services.telemetry.metrics
        started = background_loops(services) + ([gauges_loop(services, metrics)] if metrics else [])
        loops.add(*(loop.start() for loop in started))
        log.info("started", database=services.store.url_without_password, pid=os.getpid())
        async with for_agents.running() if for_agents else nullcontext():
            yield
        # A round that is under way may take a while and needs the database: wait for it outside of the event loop.
        await run_in_threadpool(loops.stop)
        if metrics:
            metrics.close()
        on_shutdown()
        log.info("stopped")

    app = api_application(services, lifespan=lifespan, openapi_url="/api/openapi.json")
    _add_routers(app)
    if metrics := services.telemetry.metrics:
        app.router.routes.extend(metrics_router(metrics).routes)
    for_agents = agents(services, app) if agents else None
    if for_agents:
        app.router.routes.append(for_agents.route)
    mount_pages(app)
    return app


def _add_routers(app: FastAPI) -> None:
    outside_of_api = (admin_routes.health_router, commit_routes.delivery_router, installation_routes.callback_router)
    for router in (*ROUTERS, *outside_of_api):
        # FastAPI makes each route of a router that it includes a second time, and compares each request with both.
        app.router.routes.extend(router.routes)
