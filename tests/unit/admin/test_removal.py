"""Projects and organizations are deleted after an hour, in which everything works and somebody may keep them."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

import factories
from factories import Tenant
from scmhost.admin import removal
from scmhost.admin.background import run_due_jobs
from scmhost.audit.queries import list_entries
from scmhost.infra.db import jobs
from scmhost.infra.db.engine import Store
from scmhost.infra.errors import Conflict, InvalidInput, NotFound
from scmhost.infra.paging import PageQuery
from scmhost.organizations.create import create_project, find_organization, find_project
from scmhost.organizations.queries import Project
from scmhost.sdk import Organization
from scmhost.services import Services
from use_cases import open_services, recorded

AN_HOUR = 3_600.0


@pytest.fixture
def services(store: Store) -> Iterator[Services]:
    with open_services(store) as opened:
        yield opened


@pytest.fixture
def tenant(store: Store) -> Tenant:
    """An organization with a row in every table."""
    return factories.new_tenant(store)


@pytest.fixture
def acme(services: Services, tenant: Tenant) -> Organization:
    return find_organization(services, str(tenant.id))


@pytest.fixture
def web(services: Services, acme: Organization) -> Project:
    return find_project(services, acme, "web")


def wait(services: Services, seconds: float = AN_HOUR) -> int:
    """Let the time pass, and do what is due; return how many jobs ran."""
    services.clock.turn(seconds)  # type: ignore[attr-defined]
    return run_due_jobs(services)


def test_project_is_deleted_after_an_hour(services: Services, acme: Organization, web: Project) -> None:
    """Its code mappings and shared traces go with it; releases, commits and other projects stay."""
    asked = removal.remove_project(services, acme, web)
    assert asked.text == "code mappings (1), shared traces (1), places in releases (1)"
    assert asked.due_at
    assert (asked.due_at - services.clock.now()).total_seconds() == AN_HOUR
    wait(services, AN_HOUR - 60)
    assert find_project(services, acme, "web") == web
    wait(services, 61)
    with pytest.raises(NotFound):
        find_project(services, acme, "web")
    rows = factories.rows_of(services.store, acme.id)
    gone = {"code_mappings", "shared_traces", "release_projects", "projects"}
    assert {name for name in gone if rows[name]} == set()
    assert all(rows[name] for name in ("releases", "commits", "repositories"))
    assert recorded(services, acme)[-1] == ("project.delete", "web")


def test_project_without_anything_is_gone_at_once(services: Services, acme: Organization) -> None:
    """A typo leaves nothing behind."""
    project, _ = create_project(services, acme, "wbe")
    assert removal.remove_project(services, acme, project).done
    for repeated in (removal.remove_project, removal.removal_of):
        with pytest.raises(NotFound):
            repeated(services, acme, project)


def test_second_request_changes_nothing(services: Services, acme: Organization, web: Project) -> None:
    """The hour begins with the first one."""
    first = removal.remove_project(services, acme, web)
    before = factories.all_rows(services.store)
    services.clock.turn(600)  # type: ignore[attr-defined]
    assert removal.remove_project(services, acme, web) == first == removal.removal_of(services, acme, web)
    assert factories.all_rows(services.store) == before
    whole = removal.remove_organization(services, acme)
    assert removal.remove_organization(services, acme) == whole


def test_what_is_kept_stays(services: Services, acme: Organization, web: Project) -> None:
    """Keeping twice is one change; nothing but the audit log shows that there was a request."""
    before = factories.rows_of(services.store, acme.id)
    removal.remove_project(services, acme, web)
    removal.remove_organization(services, acme)
    for project in (web, web, None, None):
        removal.keep(services, acme, project)
    wait(services)
    after = factories.rows_of(services.store, acme.id)
    assert {name for name, rows in after.items() if rows != before[name]} <= {"audit_entries", "jobs"}
    assert [action for action, _ in recorded(services, acme)][-4:] == [
        "project.delete",
        "org.delete",
        "project.keep",
        "org.keep",
    ]


def test_what_a_worker_deletes_cannot_be_kept(services: Services, acme: Organization, web: Project) -> None:
    """The answer says so, instead of a promise that is not held."""
    due = removal.remove_project(services, acme, web).due_at
    assert due
    services.clock.turn(AN_HOUR)  # type: ignore[attr-defined]
    with services.store.write() as tx:
        while jobs.lease(tx, services.clock.now(), due + timedelta(days=1)):
            pass
    with pytest.raises(Conflict, match="being deleted now"):
        removal.keep(services, acme, web)


def test_organization_is_deleted_with_all_its_rows(services: Services, acme: Organization) -> None:
    """Other organizations keep theirs, and the host's audit log has who asked."""
    other = factories.new_tenant(services.store, "other")
    before = factories.rows_of(services.store, other.id)
    asked = removal.remove_organization(services, acme)
    assert "repositories (1), commits (2), releases (1), installations (1)" in asked.text
    wait(services)
    with pytest.raises(NotFound):
        find_organization(services, "acme")
    rows = factories.rows_of(services.store, acme.id)
    assert {name for name, found in rows.items() if found} == {"audit_entries"}
    after = factories.rows_of(services.store, other.id)
    assert {name for name, found in after.items() if found != before[name]} <= {"jobs", "repository_webhooks"}
    (entry,) = list_entries(services, None, PageQuery()).items
    assert (entry.action, entry.target, entry.details) == (
        "org.delete",
        "acme",
        {"repositories": 1, "installations": 1},
    )


@pytest.mark.parametrize("typed", ["", "ACME", "acme ", "acm"])
def test_name_is_typed_to_confirm(typed: str) -> None:
    """Any other text is refused."""
    removal.check_confirmed("acme", "acme")
    with pytest.raises(InvalidInput, match="type its name"):
        removal.check_confirmed("acme", typed)
