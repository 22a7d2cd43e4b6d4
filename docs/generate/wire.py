"""What follows from the HTTP application: openapi.json, the table of endpoints, the table of scopes."""

import inspect
import json
from collections.abc import Iterator
from typing import Any, Final, cast

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from scmhost.commits import routes as commit_routes
from scmhost.infra.clock import SystemClock
from scmhost.infra.db.engine import Store
from scmhost.infra.limits import Limits
from scmhost.organizations.access import caller_of
from scmhost.organizations.tokens import ALL_SCOPES, SCOPES, ScopeClass
from scmhost.plugins import PluginHost, Settings
from scmhost.service.application import ROUTERS, create_application
from scmhost.services import Services

from .markdown import code, table

_METHODS: Final = ("GET", "POST", "PUT", "DELETE")
_PLACES: Final = {"/api/0/organizations/{organization}": "O", "/api/0/projects/{organization}/{project}": "P"}


def openapi() -> str:
    """The application's description of itself, keys sorted."""
    return json.dumps(_application().openapi(), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def scopes() -> str:
    """For each class of endpoints and method: the scopes of which one suffices."""
    rows = [
        (kind.replace("_", " "), *(_listed(SCOPES[kind].get(method, frozenset())) for method in _METHODS))
        for kind in sorted({kind for _, kind in _routes() if kind in SCOPES})
    ]
    return table(("class", *_METHODS), rows)


def endpoints() -> str:
    """Every endpoint with the class of its scopes."""
    return table(("endpoint", "what it does", "class"), [_row(route, kind) for route, kind in _routes()])


def _application() -> FastAPI:
    """An application whose database is never opened."""
    store = Store.open("sqlite:///never.opened")
    return create_application(Services(store, PluginHost.open(Settings(), candidates=[]), SystemClock(), Limits()))


def _routes() -> Iterator[tuple[APIRoute, str]]:
    """Each endpoint with its class; those without one need any token, or none."""
    for router in (*ROUTERS, commit_routes.delivery_router):
        for route in router.routes:
            if isinstance(route, APIRoute):
                yield route, next(_classes(route.dependant), _without_class(route))


def _without_class(route: APIRoute) -> str:
    needs_token = any(dependant.call is caller_of for dependant in route.dependant.dependencies)
    return "any token" if needs_token else "no token"


def _classes(dependant: Dependant) -> Iterator[ScopeClass]:
    """The scope class that a route's dependencies were made with."""
    if inspect.isfunction(dependant.call):
        bound: dict[str, Any] = dict(inspect.getclosurevars(dependant.call).nonlocals)
        if "scope_class" in bound:
            yield cast("ScopeClass", bound["scope_class"])
    for inner in dependant.dependencies:
        yield from _classes(inner)


def _row(route: APIRoute, kind: str) -> tuple[str, ...]:
    path = route.path
    for place, short in _PLACES.items():
        path = path.replace(place, short)
    summary = (route.description or "").split("\n\n")[0].replace("``", "`").replace("\n", " ")
    return code(f"{'/'.join(sorted(route.methods or ()))} {path}"), summary, kind.replace("_", " ")


def _listed(names: frozenset[str]) -> str:
    return ", ".join(code(name) for name in ALL_SCOPES if name in names)
