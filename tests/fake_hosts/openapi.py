"""Compare recorded requests with GitHub's own OpenAPI document and GraphQL schema, which npm has."""

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, Final

import graphql
import jsonschema_rs

from real_clients import NODE_READY

from .base import Call
from .github import API

PACKAGES: Final = NODE_READY.with_name("node_modules") / "@octokit"
DOCUMENT: Final = PACKAGES / "openapi" / "generated" / "api.github.com.json"
WEBHOOKS: Final = PACKAGES / "webhooks-examples" / "api.github.com" / "index.json"
GRAPHQL: Final = PACKAGES / "graphql-schema" / "schema.graphql"

IS_MISSING: Final = not DOCUMENT.exists() and os.environ.get("CI") != "true"
WHY_MISSING: Final = "GitHub's documents are packages of npm; run `make clients`"

# GitHub redirects former names of repositories to this address, and describes it nowhere else.
_BY_ID: Final = re.compile(r"/repositories/\d+(?=/|$)")


@cache
def document() -> Mapping[str, Any]:
    """Return the description of the REST API."""
    read: dict[str, Any] = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    return read


def webhook_examples(event: str) -> list[dict[str, Any]]:
    """Return the recorded deliveries of an event."""
    events = json.loads(WEBHOOKS.read_text(encoding="utf-8"))
    return [example for one in events if one["name"] == event for example in one["examples"]]


def answer_examples(method: str, path: str, status: str) -> list[Any]:
    """Return the recorded answers of an operation."""
    content = resolved(resolved(document()["paths"][path][method])["responses"][status])["content"]
    examples = content["application/json"].get("examples", {})
    return [resolved(example)["value"] for example in examples.values()]


def resolved(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a reference leads to, or the value itself."""
    while "$ref" in value:
        found: Any = document()
        for name in value["$ref"].removeprefix("#/").split("/"):
            found = found[name.replace("~1", "/").replace("~0", "~")]
        value = found
    return value


def problems(calls: Iterable[Call]) -> list[str]:
    """Return what is wrong with requests to the REST and GraphQL APIs, one text for each problem."""
    found: list[str] = []
    for call in calls:
        if call.path == "/api/graphql":
            found += [f"GraphQL: {problem}" for problem in _graphql_problems(call.json)]
        elif call.path.startswith(API + "/"):
            found += [f"{call.method} {call.path}: {problem}" for problem in _problems_of(call)]
    return found


def _problems_of(call: Call) -> Iterator[str]:
    path = _BY_ID.sub("/repos/owner/name", call.path.removeprefix(API), count=1)
    found = [
        (parameters, methods[call.method.lower()])
        for pattern, parameters, methods in _operations()
        if call.method.lower() in methods and pattern.fullmatch(path)
    ]
    if not found:
        yield "there is no such operation"
        return
    # A literal segment takes precedence: /user/repos is nobody's repository.
    yield from min((list(_problems_in(call, *operation)) for operation in found), key=len)


def _problems_in(call: Call, shared: Iterable[Any], operation: Mapping[str, Any]) -> Iterator[str]:
    declared = {(one["in"], one["name"]): one for one in map(resolved, [*shared, *operation.get("parameters", ())])}
    for (place, name), parameter in declared.items():
        if place == "query" and parameter.get("required") and name not in call.query:
            yield f"the query lacks {name!r}"
    for name, value in call.query.items():
        known = declared.get(("query", name))
        if known is None:
            yield f"the query has an unknown {name!r}"
        elif not any(_fits(one, known["schema"]) for one in _values(value)):
            yield f"the query's {name!r} does not fit"
    body = operation.get("requestBody")
    if body is None:
        yield from ("a body is not expected" for _ in [call.body] if call.body)
        return
    if not call.body:
        yield from ("a body is required" for _ in [body] if body.get("required"))
        return
    schema = resolved(body)["content"]["application/json"]["schema"]
    yield from (f"body: {error.message}" for error in _validator(json.dumps(schema)).iter_errors(call.json))


@cache
def _operations() -> list[tuple[re.Pattern[str], list[Any], Mapping[str, Any]]]:
    return [
        (re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path))), methods.get("parameters", []), methods)
        for path, methods in document()["paths"].items()
    ]


def _values(text: str) -> list[Any]:
    """Return what a text of a query may be as JSON."""
    return [
        text,
        *([int(text)] if re.fullmatch(r"-?\d+", text) else []),
        *({"true": [True], "false": [False]}.get(text, [])),
    ]


def _fits(value: Any, schema: Mapping[str, Any]) -> bool:
    return bool(_validator(json.dumps(schema)).is_valid(value))


@cache
def _validator(schema: str) -> Any:
    return jsonschema_rs.validator_for({**json.loads(schema), "components": document()["components"]})


def _graphql_problems(body: Mapping[str, Any]) -> Iterator[str]:
    query = graphql.parse(body["query"])
    yield from (error.message for error in graphql.validate(_graphql_schema(), query))
    [operation] = [one for one in query.definitions if isinstance(one, graphql.OperationDefinitionNode)]
    values = graphql.get_variable_values(_graphql_schema(), operation.variable_definitions or (), body["variables"])
    if isinstance(values, list):
        yield from (error.message for error in values)


@cache
def _graphql_schema() -> graphql.GraphQLSchema:
    return graphql.build_schema(GRAPHQL.read_text(encoding="utf-8"), assume_valid=True)
