"""Routes of health, metrics and plugins."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Final

from fastapi import APIRouter, Depends, Path, Request, Response

from scmhost import __version__
from scmhost.infra.errors import Forbidden, ScmhostError
from scmhost.infra.loops import Loop
from scmhost.organizations.access import CallerOf, ServicesOf, check_scope
from scmhost.organizations.tokens import Caller, ScopeClass
from scmhost.services import Services

from .background import count_jobs
from .readiness import readiness
from .schemas import Health, PluginOut, Ready
from .show_plugins import described, find_plugin, is_operator, list_plugins

if TYPE_CHECKING:
    from scmhost.infra.telemetry.metrics import Metrics


def operator(scope_class: ScopeClass) -> Callable[..., Caller]:
    """A dependency: the caller, if they may see the host itself: by scope, and by their organization."""

    def check(request: Request, services: ServicesOf, caller: CallerOf) -> Caller:
        check_scope(caller, scope_class, request.method)
        if not is_operator(services, caller):
            raise Forbidden(
                "Plugins are of the whole host, which has several organizations. Whoever runs it names those that may "
                "see them, as operators under [host] in plugins.toml."
            )
        return caller

    return check


health_router: Final = APIRouter(tags=["health"])

NO_STORE: Final = {"Cache-Control": "no-store"}


@health_router.get("/healthz")
async def health_show(response: Response) -> Health:
    """Answers 200 while the process lives, whatever its database does: a new process would not mend that."""
    response.headers.update(NO_STORE)
    return Health(status="ok", version=__version__)


@health_router.get("/readyz", responses={503: {"model": Ready, "description": "Send requests elsewhere, for now."}})
def ready_show(services: ServicesOf, response: Response) -> Ready:
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
        stuck=list(found.stuck),
    )


plugins_router: Final = APIRouter(prefix="/api/0/plugins", tags=["host"], dependencies=[Depends(operator("host"))])


@plugins_router.get("/")
def plugins_list(services: ServicesOf) -> list[PluginOut]:
    """Every plugin that is installed or named, by name, with its state and what it did in the process that answers."""
    return [PluginOut.model_validate(described(shown)) for shown in list_plugins(services)]


@plugins_router.get("/{plugin}/")
def plugins_show(services: ServicesOf, plugin: Annotated[str, Path(description="A plugin's name.")]) -> PluginOut:
    """One plugin."""
    return PluginOut.model_validate(described(find_plugin(services, plugin)))


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


def gauges_loop(services: Services, metrics: "Metrics") -> Loop:
    """Return the loop by which each worker reports the state of its own plugins, whichever worker serves the page."""

    def refresh(_woken: bool) -> bool:  # noqa: FBT001 - the shape of a loop's round
        _show(metrics, services)
        return False

    return Loop("metrics", refresh, seconds=REFRESH_SECONDS, telemetry=services.telemetry)


def _show(metrics: "Metrics", services: Services) -> None:
    board = services.plugins.configuration_status
    states = {report.name: report.state for report in services.plugins.plugins}
    metrics.show(states, board.generation, stale=board.stale_since is not None)


def _jobs(services: Services) -> Mapping[str, int]:
    """What is counted in memory is told even while the database does not answer."""
    try:
        return count_jobs(services)
    except ScmhostError:
        return {}
