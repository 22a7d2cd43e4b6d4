"""Routes of health, metrics, plugins and the deletion of projects, with their wire shapes."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Final

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.responses import JSONResponse
from pydantic import Field, JsonValue

from scmhost import __version__
from scmhost.infra.errors import Forbidden, ScmhostError, Unavailable
from scmhost.infra.http import Moment, Wire
from scmhost.infra.loops import Loop
from scmhost.organizations.access import (
    AuditedServices,
    Caller,
    CallerDep,
    ForProjects,
    ProjectToRead,
    ServicesDep,
    check_scope,
)
from scmhost.organizations.tokens import ScopeClass
from scmhost.services import Services

from .background import count_jobs
from .removal import Removal, keep, removal_of, remove_project
from .status import find_plugin, is_operator, list_plugins, plugin_record, readiness

if TYPE_CHECKING:
    from scmhost.infra.telemetry.metrics import Metrics


class Health(Wire):
    """The process is running."""

    status: str
    version: str


class Revisions(Wire):
    """Revisions of the database's tables, and of the code that can serve them."""

    tables: str = Field(description="The revision of the tables; empty without tables.")
    code: str = Field(description="The newest revision of this process's code.")
    oldest_code: str = Field(description="The newest revision of the oldest code that can serve the tables.")


class Ready(Wire):
    """Whether requests can be answered, and the plugins by state."""

    status: str
    detail: str | None
    database: str
    revisions: Revisions | None = Field(description="Null if the database does not answer.")
    generation: int
    stale_since: Moment | None
    plugins: dict[str, int]
    suspended: list[str]
    stuck: list[str] = Field(description="A sentence for each background loop that makes no progress.")


class HookCalls(Wire):
    """A hook of a plugin, or a step in which the host ran its code, such as ``import``."""

    name: str
    calls: int
    faults: int
    refusals: int = Field(description="How many calls ended with an error that the plugin raised on purpose.")
    unavailable: int = Field(description="How many of the latest calls, in a row, found the code host unavailable.")
    slowest_ms: float


class SuspensionOut(Wire):
    """A hook that is not called for a while, after several faults in a row."""

    hook: str
    since: str
    next_try: str
    faults: int
    last_fault: str


class PauseOut(Wire):
    """An installation whose code host asked this worker to wait."""

    provider: str
    integration_id: str
    seconds: int


class PluginOut(Wire):
    """A plugin. One that is neither ready nor suspended is described by its metadata alone."""

    name: str
    distribution: str | None
    version: str | None
    api_range: str | None
    state: str
    reason: str
    notes: list[str]
    providers: list[str]
    features: list[str]
    import_ms: float | None
    settings: dict[str, JsonValue] = Field(description="Without secrets.")
    hooks: list[HookCalls]
    suspensions: list[SuspensionOut]
    pauses: list[PauseOut]


def operator(scope_class: ScopeClass) -> Callable[..., Caller]:
    """Return a dependency: the caller, whose scope and organization may see the whole host."""

    def check(request: Request, services: ServicesDep, caller: CallerDep) -> Caller:
        check_scope(caller, scope_class, request.method)
        if not is_operator(services, caller):
            raise Forbidden(
                "Plugins belong to the whole host, which has several organizations. To allow this one, add it to "
                "operators under [host] in plugins.toml."
            )
        return caller

    return check


health_router: Final = APIRouter(tags=["health"])

# A proxy that caches an answer would show the state of an earlier moment, or of another process.
NO_STORE: Final = {"Cache-Control": "no-store"}


# Async, so that it needs no thread of the pool: it answers while all of them are busy with slow requests.
@health_router.get("/healthz")
async def health_show(response: Response) -> Health:
    """Answers 200 while the process runs, even if its database does not: a new process would not fix that."""
    response.headers.update(NO_STORE)
    return Health(status="ok", version=__version__)


@health_router.get("/readyz", responses={503: {"model": Ready, "description": "Send requests to another process."}})
def ready_show(services: ServicesDep, response: Response) -> Ready:
    """Answers 200 while requests can be answered, otherwise 503 with the reason. A suspended plugin, or an invalid
    plugins.toml, is reported, but the process stays ready.
    """
    found = readiness(services)
    response.headers.update(NO_STORE)
    response.status_code = 200 if found.ready else 503
    if not found.ready:
        response.headers["Retry-After"] = str(Unavailable.retry_after)
    return Ready(
        status="ready" if found.ready else "not ready",
        detail=found.detail,
        database=found.database,
        revisions=Revisions.model_validate(found.schema, from_attributes=True) if found.schema else None,
        generation=found.generation,
        stale_since=found.stale_since,
        plugins=dict(found.plugins),
        suspended=list(found.suspended),
        stuck=list(found.stuck),
    )


class RemovalOut(Wire):
    """What is deleted with a project, and when."""

    counts: dict[str, int] = Field(description="How many rows go with it, by what they are.")
    date_deletion: Moment | None = Field(description="When it is deleted; null unless a deletion is scheduled.")


removal_router: Final = APIRouter(prefix="/api/0/projects/{organization}/{project}", tags=["projects"])


@removal_router.delete(
    "/",
    status_code=204,
    response_class=Response,
    responses={202: {"model": RemovalOut, "description": "It is deleted in an hour, with all its rows."}},
)
def projects_delete(services: AuditedServices, organization: ForProjects, project: ProjectToRead) -> Response:
    """Delete a project. Its releases and their commits stay."""
    removal = remove_project(services, organization, project)
    return Response(status_code=204) if removal.done else JSONResponse(_removal_out(removal), 202)


@removal_router.get("/deletion/")
def projects_deletion_show(services: ServicesDep, organization: ForProjects, project: ProjectToRead) -> RemovalOut:
    """What is deleted with a project, and when."""
    removal = removal_of(services, organization, project)
    return RemovalOut(counts=dict(removal.counts), date_deletion=removal.due_at)


@removal_router.delete("/deletion/", status_code=204, response_class=Response)
def projects_deletion_cancel(services: AuditedServices, organization: ForProjects, project: ProjectToRead) -> None:
    """Keep a project that is going to be deleted."""
    keep(services, organization, project)


def _removal_out(removal: Removal) -> dict[str, JsonValue]:
    return RemovalOut(counts=dict(removal.counts), date_deletion=removal.due_at).model_dump(mode="json", by_alias=True)


plugins_router: Final = APIRouter(prefix="/api/0/plugins", tags=["host"], dependencies=[Depends(operator("host"))])


@plugins_router.get("/")
def plugins_list(services: ServicesDep) -> list[PluginOut]:
    """Every plugin that is installed or configured, by name, with its state and its calls in the answering process."""
    return [PluginOut.model_validate(plugin_record(plugin)) for plugin in list_plugins(services)]


@plugins_router.get("/{plugin}/")
def plugins_show(services: ServicesDep, plugin: Annotated[str, Path(description="A plugin's name.")]) -> PluginOut:
    """One plugin."""
    return PluginOut.model_validate(plugin_record(find_plugin(services, plugin)))


REFRESH_SECONDS: Final = 1.0


def metrics_router(metrics: "Metrics") -> APIRouter:
    """Return the route of Prometheus' page, which is not part of the documented API."""
    router = APIRouter(include_in_schema=False)

    @router.get("/metrics")
    def page(request: Request, services: ServicesDep) -> Response:
        """All metrics, in Prometheus' format."""
        # The loop has set them up to a second ago; the worker that serves the page shows its state of now.
        _update_gauges(metrics, services)
        content, media_type = metrics.page(request.headers.get("accept", ""), lambda: _job_counts(services))
        return Response(content, headers={"Content-Type": media_type, **NO_STORE})

    return router


def gauges_loop(services: Services, metrics: "Metrics") -> Loop:
    """Return the loop by which each worker reports the state of its own plugins, whichever worker serves the page."""

    def refresh(_woken: bool) -> bool:  # noqa: FBT001 - the signature of a loop's round
        _update_gauges(metrics, services)
        return False

    return Loop("metrics", refresh, seconds=REFRESH_SECONDS, telemetry=services.telemetry)


def _update_gauges(metrics: "Metrics", services: Services) -> None:
    status = services.plugins.configuration_status
    states = {report.name: report.state for report in services.plugins.plugins}
    metrics.show(states, status.generation, stale=status.stale_since is not None)


def _job_counts(services: Services) -> Mapping[str, int]:
    # Metrics are most needed while the database is down: the page then has all others.
    try:
        return count_jobs(services)
    except ScmhostError:
        return {}
