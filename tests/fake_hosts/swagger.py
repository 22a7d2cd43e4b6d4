"""Compare recorded requests with a code host's own description of its API: Swagger 2.0, as Gitea publishes."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from .base import Call

_TYPES: Mapping[str, Any] = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "array": list,
    "object": dict,
}
_TEXTS: Mapping[str, re.Pattern[str]] = {
    "integer": re.compile(r"-?\d+"),
    "boolean": re.compile("true|false"),
    "string": re.compile(".*", re.DOTALL),
}


class Swagger:
    """The description of an API."""

    def __init__(self, path: Path) -> None:
        self._document = json.loads(path.read_text(encoding="utf-8"))
        base = self._document["basePath"]
        self.base = base
        self._operations = [
            (method.upper(), self._pattern(base + template, operation), operation)
            for template, methods in self._document["paths"].items()
            for method, operation in methods.items()
        ]

    def problems(self, calls: Iterable[Call]) -> list[str]:
        """Return what is wrong with requests below the API's path, one text for each problem."""
        mine = [call for call in calls if call.path.startswith(self.base)]
        return [f"{call.method} {call.path}: {problem}" for call in mine for problem in self._problems_of(call)]

    def _problems_of(self, call: Call) -> Iterator[str]:
        found = [item for method, path, item in self._operations if method == call.method and path.fullmatch(call.path)]
        if not found:
            yield "there is no such call"
            return
        # A literal segment takes precedence, as in routers: /repos/search is no repository.
        problems = [list(self._problems_in(call, operation)) for operation in found]
        yield from min(problems, key=len)

    def _problems_in(self, call: Call, operation: Mapping[str, Any]) -> Iterator[str]:
        declared = {(item["in"], item["name"]): item for item in operation.get("parameters", ())}
        for name, value in call.query.items():
            item = declared.get(("query", name))
            if item is None:
                yield f"the query has an unknown {name!r}"
            elif not _TEXTS[item.get("type", "string")].fullmatch(value) or value not in item.get("enum", [value]):
                yield f"the query's {name!r} has the wrong type"
        body = next((item for (place, _), item in declared.items() if place == "body"), None)
        if body is None and call.body:
            yield "a body is not expected"
        if body is not None and call.body:
            yield from self._misfits(call.json, body["schema"], "body")

    def _misfits(self, value: Any, schema: Mapping[str, Any], place: str) -> Iterator[str]:
        if "$ref" in schema:
            schema = self._document["definitions"][schema["$ref"].rpartition("/")[2]]
        kind = schema.get("type", "object")
        if not isinstance(value, _TYPES[kind]) or (kind == "integer" and isinstance(value, bool)):
            yield f"{place} is no {kind}"
            return
        if value not in schema.get("enum", [value]):
            yield f"{place} is none of {schema['enum']}"
        if kind == "array":
            for index, item in enumerate(value):
                yield from self._misfits(item, schema["items"], f"{place}.{index}")
        if kind == "object":
            yield from self._misfits_of_fields(value, schema, place)

    def _misfits_of_fields(self, value: Mapping[str, Any], schema: Mapping[str, Any], place: str) -> Iterator[str]:
        properties, others = schema.get("properties", {}), schema.get("additionalProperties")
        yield from (f"{place} lacks {name!r}" for name in schema.get("required", ()) if name not in value)
        for name, item in value.items():
            inner = properties.get(name, others)
            if inner is None:
                yield f"{place} has an unknown {name!r}"
            else:
                yield from self._misfits(item, inner, f"{place}.{name}")

    def _pattern(self, template: str, operation: Mapping[str, Any]) -> re.Pattern[str]:
        kinds = {item["name"]: item.get("type") for item in operation.get("parameters", ()) if item["in"] == "path"}
        parts = re.split(r"\{(\w+)\}", template)
        # Names of refs and files go on over slashes; they are the last part of their paths.
        last = len(parts) - 2 if parts[-1] == "" else -1
        texts = [
            re.escape(part)
            if index % 2 == 0
            else (r"\d+" if kinds.get(part) == "integer" else _text(part, index == last))
            for index, part in enumerate(parts)
        ]
        return re.compile("".join(texts))


def _text(name: str, is_last: bool) -> str:
    return ".+" if is_last and name in {"filepath", "branch", "tag", "ref", "basehead"} else "[^/]+"
