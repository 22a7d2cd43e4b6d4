"""Create and find organizations and projects."""

from collections.abc import Iterator

import pytest

from hosting import START
from scmhost.audit.queries import list_entries
from scmhost.infra.db.engine import Store
from scmhost.infra.errors import InvalidInput, NotFound
from scmhost.infra.paging import PageQuery
from scmhost.organizations.create import (
    create_organization,
    create_project,
    creation_time,
    find_organization,
    find_project,
    list_projects,
)
from scmhost.releases.manage import find_projects
from scmhost.sdk import Organization
from scmhost.services import SYSTEM, Actor, Services
from use_cases import open_services, recorded

BAD_SLUGS = ["", "123", "Acme", "-acme", "a b", "a/b", "x" * 51, "caf\u00e9", "\u0661", "acme\n", "a\x00", "\ud800"]


@pytest.fixture
def services(sqlite_store: Store) -> Iterator[Services]:
    with open_services(sqlite_store) as opened:
        yield opened


@pytest.fixture
def acme(services: Services) -> Organization:
    return create_organization(services, "acme", "Acme")


def test_organization_is_created_once(services: Services) -> None:
    """A second call returns the first organization with its name, and only the first call is audited."""
    first = create_organization(services, "acme", "Acme")
    assert create_organization(services, "acme", "Other name") == first
    assert (first.slug, first.name, creation_time(services, first)) == ("acme", "Acme", START)
    assert recorded(services, first) == [("org.create", "acme")]


def test_name_defaults_to_the_slug(services: Services, acme: Organization) -> None:
    """An organization and a project without a name are named after their slug."""
    assert create_organization(services, "rival").name == "rival"
    assert create_project(services, acme, "web")[0].name == "web"


@pytest.mark.parametrize("slug", BAD_SLUGS)
def test_bad_slug_is_refused(services: Services, acme: Organization, slug: str) -> None:
    """A slug that is malformed, or that could be an id, is refused by the name of its field."""
    for create in (lambda: create_organization(services, slug), lambda: create_project(services, acme, slug)):
        with pytest.raises(InvalidInput, match="slug") as refusal:
            create()
        assert refusal.value.field == "slug"
    assert recorded(services, acme) == [("org.create", "acme")]


@pytest.mark.parametrize("slug", ["a", "0a", "a-b_c", "x" * 50, "1-2"])
def test_good_slug_is_accepted(services: Services, slug: str) -> None:
    """Letters, digits, hyphens and underscores may be mixed, up to fifty characters."""
    assert find_organization(services, create_organization(services, slug).slug).slug == slug


def test_organization_is_found_by_slug_or_id(services: Services, acme: Organization) -> None:
    """An unknown slug or id is an error that names the command which creates an organization."""
    assert find_organization(services, "acme") == find_organization(services, str(acme.id)) == acme
    for unknown in ("rival", "0", "9" * 30, ""):
        with pytest.raises(NotFound, match="scmhost bootstrap"):
            find_organization(services, unknown)


def test_project_is_created_once(services: Services, acme: Organization) -> None:
    """A second call returns the first project and the flag that it is not new."""
    project, is_new = create_project(services, acme, "web", "Web", "python")
    assert create_project(services, acme, "web", "Other", "go") == (project, False)
    assert (is_new, project.name, project.platform, project.created_at) == (True, "Web", "python", START)
    assert recorded(services, acme) == [("org.create", "acme"), ("project.create", "web")]


def test_project_belongs_to_its_organization(services: Services, acme: Organization) -> None:
    """Two organizations may use a slug for a project; neither finds the other's project by its id."""
    rival = create_organization(services, "rival")
    own, theirs = create_project(services, acme, "web")[0], create_project(services, rival, "web")[0]
    assert find_project(services, acme, "web") == find_project(services, acme, str(own.id)) == own
    with pytest.raises(NotFound, match="'acme' has no project"):
        find_project(services, acme, str(theirs.id))


def test_projects_are_listed_by_slug(services: Services, acme: Organization) -> None:
    """A page has at most its size, and a flag whether another one follows."""
    for slug in ("web", "api", "cli"):
        create_project(services, acme, slug)
    page = list_projects(services, acme, PageQuery(size=2))
    assert ([project.slug for project in page.items], page.has_next) == (["api", "cli"], True)


def test_ids_of_projects(services: Services, acme: Organization) -> None:
    """Slugs and ids may be mixed; one unknown project refuses the whole list."""
    web, api = (create_project(services, acme, slug)[0] for slug in ("web", "api"))
    with services.store.read() as tx:
        assert find_projects(tx, acme, ["api", str(web.id)]) == [api, web]
        assert find_projects(tx, acme, []) == []
        with pytest.raises(InvalidInput, match="Invalid project ids or slugs") as refusal:
            find_projects(tx, acme, ["web", "unknown"])
    assert refusal.value.field == "projects"


def test_actor_is_recorded(services: Services, acme: Organization) -> None:
    """A change is recorded under the actor of the services."""
    actor = Actor("token", "ci", 5)
    create_project(services.for_actor(actor), acme, "web")
    newest, oldest = list_entries(services, acme, PageQuery()).items
    assert (newest.actor, oldest.actor) == (actor, SYSTEM)
