"""Render what is derived from the HTTP application: openapi.json, the tables of endpoints and scopes."""

import inspect
import json
from collections.abc import Iterator
from typing import Any, Final, cast

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from scmhost.application import ROUTERS, create_application
from scmhost.commits import routes as commit_routes
from scmhost.infra.clock import SystemClock
from scmhost.infra.db.engine import Store
from scmhost.infra.settings import Limits
from scmhost.organizations.access import authenticated_caller
from scmhost.organizations.tokens import ALL_SCOPES, SCOPES, ScopeClass
from scmhost.plugins import PluginHost, Settings
from scmhost.services import Services

from .markdown import code, table

_METHODS: Final = ("GET", "POST", "PUT", "DELETE")
_PREFIXES: Final = {"/api/0/organizations/{organization}": "O", "/api/0/projects/{organization}/{project}": "P"}


def openapi() -> str:
    """Return the OpenAPI document, with sorted keys."""
    return json.dumps(_application().openapi(), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def scopes() -> str:
    """Return the table of sufficient scopes for each class of endpoints and each method."""
    used = {kind for _, kind in _routes()}
    rows = [
        (kind.replace("_", " "), *(_listed(methods.get(method, frozenset())) for method in _METHODS))
        for kind, methods in sorted(SCOPES.items())
        if kind in used
    ]
    return table(("class", *_METHODS), rows)


def endpoints() -> str:
    """Return the table of endpoints with their scope class."""
    return table(("endpoint", "description", "class"), [_row(route, kind) for route, kind in _routes()])


def _application() -> FastAPI:
    """Return an application; its database is never opened."""
    store = Store.open("sqlite:///never.opened")
    return create_application(Services(store, PluginHost.open(Settings(), candidates=[]), SystemClock(), Limits()))


def _routes() -> Iterator[tuple[APIRoute, str]]:
    """Each endpoint with its class; those without one need any token, or none."""
    for router in (*ROUTERS, commit_routes.delivery_router):
        for route in router.routes:
            if isinstance(route, APIRoute):
                yield route, next(_classes(route.dependant), _without_class(route))


def _without_class(route: APIRoute) -> str:
    needs_token = any(dependant.call is authenticated_caller for dependant in route.dependant.dependencies)
    return "any token" if needs_token else "no token"


def _classes(dependant: Dependant) -> Iterator[ScopeClass]:
    """Yield the scope classes of a route's dependencies."""
    if inspect.isfunction(dependant.call):
        bound: dict[str, Any] = dict(inspect.getclosurevars(dependant.call).nonlocals)
        if "scope_class" in bound:
            yield cast("ScopeClass", bound["scope_class"])
    for inner in dependant.dependencies:
        yield from _classes(inner)


def _row(route: APIRoute, kind: str) -> tuple[str, ...]:
    path = route.path
    for prefix, short in _PREFIXES.items():
        path = path.replace(prefix, short)
    summary = (route.description or "").split("\n\n")[0].replace("``", "`").replace("\n", " ")
    return code(f"{'/'.join(sorted(route.methods or ()))} {path}"), summary, kind.replace("_", " ")


def _listed(names: frozenset[str]) -> str:
    return ", ".join(code(name) for name in ALL_SCOPES if name in names)
