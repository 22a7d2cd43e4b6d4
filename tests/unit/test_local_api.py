"""The API of commands: the routes of a room answer, and the whole API where no room does."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute
from starlette.routing import Match

from api import ApiClient, open_api
from scmhost.application import ROUTERS
from scmhost.cli.api_client import LocalClient, OrganizationApi
from scmhost.infra.errors import NotFound, ScmhostError
from scmhost.local_api import ROOMS, LocalApi, _key_of, routers_of


def method_of(route: APIRoute) -> str:
    """Return a method of a route; few have several."""
    return min(route.methods or ())


ROUTES = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
OF_ROOMS = [route for route in ROUTES if _key_of(route.path) in ROOMS]


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiClient]:
    """An API with an organization and a project."""
    with open_api(tmp_path_factory.mktemp("local"), background=False) as opened:
        yield opened


@pytest.fixture
def local(api: ApiClient) -> OrganizationApi:
    """The API of a command in the same database."""
    return OrganizationApi(LocalClient(*api.host.api(api.there.organization)), "acme")


def endpoint(routes: list[APIRoute], scope: Mapping[str, Any]) -> Callable[..., Any] | None:
    """Return the function of the first route that answers a request."""
    return next((route.endpoint for route in routes if route.matches(dict(scope))[0] is Match.FULL), None)


@pytest.mark.parametrize("route", OF_ROOMS, ids=lambda route: f"{method_of(route)} {route.path}")
def test_a_room_answers_as_the_whole_api(route: APIRoute) -> None:
    """The first module that answers a request does so with the function of the whole API."""
    scope = {"type": "http", "method": method_of(route), "path": route.path.replace("{", "").replace("}", "")}
    modules = (routers_of(module) for module in ROOMS[_key_of(route.path)])
    routes = [each for routers in modules for router in routers for each in router.routes]
    found = endpoint([each for each in routes if isinstance(each, APIRoute)], scope)
    assert found is endpoint(ROUTES, scope)


def test_rooms_are_those_of_paths() -> None:
    """Every entry of the table is the beginning of a route."""
    assert {_key_of(route.path) for route in OF_ROOMS} == set(ROOMS)


def test_requests_to_several_rooms_are_answered_by_one_api(local: OrganizationApi) -> None:
    """Writes and reads of different rooms, with paths and errors as in the service."""
    local.post("repos/", {"name": "team/app"})
    assert [each["name"] for each in local.list("repos/")] == ["team/app"]
    assert [each["slug"] for each in local.list("projects/")] == ["web"]
    with pytest.raises(NotFound, match="no project 'gone'"):
        local.get(local.project("gone"))


def test_a_path_of_no_room_is_answered_by_the_whole_api(local: OrganizationApi) -> None:
    """A path that the table of rooms does not have."""
    assert ("organizations", "audit-logs") not in ROOMS
    assert local.get("audit-logs/")["rows"]


@pytest.mark.parametrize(
    ("method", "path", "error"),
    [("GET", "nothing/", NotFound), ("GET", "/api/", NotFound), ("PUT", "projects/", ScmhostError)],
)
def test_what_no_route_answers_is_an_error(
    local: OrganizationApi, method: str, path: str, error: type[ScmhostError]
) -> None:
    """Unknown paths, and methods that a path has not."""
    with pytest.raises(error) as raised:
        local.client.answer(method, local._path(path, {}))
    assert type(raised.value) is error


def test_of_a_room_no_other_is_loaded(tmp_path: Path) -> None:
    """Two requests to a room make its routes once."""
    with open_api(tmp_path, background=False) as api:
        application, token = api.host.api(api.there.organization)
        assert isinstance(application, LocalApi)
        local = OrganizationApi(LocalClient(application, token), "acme")
        local.list("projects/")
        local.list("projects/")
        routers = routers_of("organizations.routes")
    assert application._app.routes == [route for router in routers for route in router.routes]
