"""The API for commands, in their own process."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Final

from fastapi import APIRouter
from starlette.routing import Match
from starlette.types import ASGIApp, Receive, Scope, Send

from scmhost.services import Services

from .api_application import api_application

ROOMS: Final[Mapping[tuple[str, str], Sequence[str]]] = {
    ("organizations", ""): ("organizations.routes",),
    ("organizations", "projects"): ("organizations.routes",),
    ("organizations", "repos"): ("repositories.routes", "commits.routes"),
    ("organizations", "config"): ("installations.routes",),
    ("organizations", "integrations"): ("installations.routes", "repositories.routes"),
    ("organizations", "code-mappings"): ("links.mapping_routes",),
    ("organizations", "releases"): ("releases.routes",),
    ("organizations", "redirect-keys"): ("redirects.routes",),
    ("projects", ""): ("organizations.routes", "admin.routes"),
    ("projects", "deletion"): ("admin.routes",),
    ("projects", "trace-links"): ("links.routes",),
    ("projects", "derive-mappings"): ("links.routes",),
}
"""The modules whose routes answer a path, in the order in which they are tried.

The key is what the path begins with, and its segment after the organization or the project.
"""

# Segments before that one: the empty one before the first slash, api, 0, the kind, and the names.
_NAMES: Final = {"organizations": 5, "projects": 6}


class LocalApi:
    """An ASGI application that makes the routes of a room at the first request to it.

    To make all routes of the API takes longer than most commands, which need those of one or two rooms.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._app = api_application(services, openapi_url=None)
        self._loaded: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        await self._application_for(scope)(scope, receive, send)

    def _application_for(self, scope: Scope) -> ASGIApp:
        for module in ROOMS.get(_key_of(scope["path"]), ()):
            self._load(module)
            if any(route.matches(scope)[0] is Match.FULL for route in self._app.routes):
                return self._app
        # It also answers what no route matches.
        from scmhost.application import create_application

        return create_application(self._services)

    def _load(self, module: str) -> None:
        if module not in self._loaded:
            self._loaded.add(module)
            for router in routers_of(module):
                self._app.router.routes.extend(router.routes)


def routers_of(module: str) -> list[APIRouter]:
    """Return the routers of a module of routes."""
    found = vars(import_module(f"scmhost.{module}")).values()
    return [each for each in found if isinstance(each, APIRouter)]


def _key_of(path: str) -> tuple[str, str]:
    segments = [*path.split("/"), "", "", "", ""]
    kind = segments[3]
    return kind, segments[_NAMES.get(kind, 4)]
