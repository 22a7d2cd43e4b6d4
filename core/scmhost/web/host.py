"""The state of the host for its administrators, to read only: plugins, flags, doctor, audit log, people and jobs."""

from typing import Final

from starlette.responses import Response

from scmhost.admin.background import jobs_overview
from scmhost.admin.doctor import run_checks
from scmhost.admin.status import find_plugin, list_plugins, readiness
from scmhost.audit.queries import ACTIONS, list_entries
from scmhost.infra.errors import NotFound
from scmhost.organizations.create import find_organization
from scmhost.organizations.people import list_people
from scmhost.sdk import Organization

from .visit import Visit, get, post

_ENTRIES: Final = 50
_JOBS: Final = 100
_FINDINGS: Final = (500, 150, 50, 15)


def show_plugins(visit: Visit) -> Response:
    """Every plugin that is installed or configured, with its state and its calls in the answering process."""
    visit.require_host_admin()
    return visit.page(
        "host_plugins.html",
        plugins=list_plugins(visit.services),
        configuration=visit.services.plugins.configuration_status,
        ready=readiness(visit.services),
    )


def show_plugin(visit: Visit) -> Response:
    """One plugin: its settings without secrets, its hooks and their calls."""
    visit.require_host_admin()
    plugin = find_plugin(visit.services, visit.path("plugin"))
    return visit.page_that_fits("host_plugin.html", (200, 60, 20), plugin=plugin)


def show_flags(visit: Visit) -> Response:
    """Which providers are on for an organization, and the rules that decide."""
    visit.require_host_admin()
    organization, problem = _chosen(visit)
    plugins = visit.services.plugins
    keys = plugins.provider_keys if organization else ()
    return visit.page_that_fits(
        "host_flags.html",
        (100, 20, 5),
        organization=organization,
        problem=problem,
        decided=[(key, plugins.decide(key, organization), plugins.trace(key, organization)) for key in keys]
        if organization
        else [],
    )


def show_doctor(visit: Visit) -> Response:
    """The button that runs the checks: they take a while."""
    visit.require_host_admin()
    return visit.page("host_doctor.html", findings=None, most=0)


def run_doctor(visit: Visit) -> Response:
    """Run the checks of `scmhost plugins doctor`, and show the findings."""
    visit.require_host_admin()
    return visit.page_that_fits("host_doctor.html", _FINDINGS, findings=run_checks(visit.services))


def show_audit(visit: Visit) -> Response:
    """Who changed what: on the host, or in an organization."""
    visit.require_host_admin()
    organization, problem = _chosen(visit)
    action = visit.query("action") if visit.query("action") in ACTIONS else ""
    page = list_entries(visit.services, organization, visit.page_query(_ENTRIES), action=action or None)
    return visit.page_that_fits(
        "host_audit.html",
        (_ENTRIES, 20, 5),
        organization=organization,
        problem=problem,
        page=page,
        action=action,
        actions=[("", "any"), *((each, each) for each in ACTIONS)],
    )


def show_people(visit: Visit) -> Response:
    """Everybody who may sign in, with roles: administrators of the host first."""
    visit.require_host_admin()
    listed = sorted(list_people(visit.services), key=lambda each: not each.person.host_admin)
    return visit.page_that_fits("host_people.html", (300, 100, 30), listed=listed)


def show_jobs(visit: Visit) -> Response:
    """Background work of all organizations: failed, overdue and waiting."""
    visit.require_host_admin()
    return visit.page_that_fits("host_jobs.html", (_JOBS, 30, 10), jobs=jobs_overview(visit.services, _JOBS + 1))


def _chosen(visit: Visit) -> tuple[Organization | None, str]:
    """Return the organization that the query names; and the problem with the name."""
    name = visit.query("organization")
    if not name:
        return None, ""
    try:
        return find_organization(visit.services, name), ""
    except NotFound as error:
        return None, str(error)


VIEWS: Final = (
    get("/host", show_plugins),
    get("/host/plugins/{plugin}", show_plugin),
    get("/host/flags", show_flags),
    get("/host/doctor", show_doctor),
    post("/host/doctor", run_doctor),
    get("/host/audit", show_audit),
    get("/host/people", show_people),
    get("/host/jobs", show_jobs),
)
