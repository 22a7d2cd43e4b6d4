"""Texts that JSON can hold and UTF-8 cannot, in every text field of the requests about links."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from api import ApiClient
from scmhost.links.routes import PathsIn
from scmhost.links.traces import DeriveIn, FrameIn, LinksIn

PROJECT = "/api/0/projects/acme/web"
ODD = ["\ud800", "/srv/app/\udfff.py", "a\x00b", "\x1b]8;;https://evil.example\x07"]
VALID = {"filename": "/srv/app/cart.py", "lineno": 3}
TRACE_ROUTES = ["trace-links", "explain", "derive-mappings"]


def spellings(model: type[BaseModel]) -> Iterator[str]:
    """Every name under which a request may have one of the model's fields."""
    for name, field in model.model_fields.items():
        yield name
        alias = field.validation_alias
        yield from (str(choice) for choice in getattr(alias, "choices", ()))


def bodies(odd: str) -> Iterator[tuple[str, dict[str, Any]]]:
    frames = {"frames": [VALID]}
    for route in TRACE_ROUTES:
        for name in spellings(FrameIn):
            yield route, {"frames": [{**VALID, name: odd}]}
        for name in {*spellings(LinksIn), *spellings(DeriveIn)} - {"text", "frames"}:
            yield route, {**frames, name: odd}
        yield route, {"text": odd}
        yield route, {"text": f'File "/srv/{odd}.py", line 3, in {odd}'}
        # The document in the text escapes the character once more.
        for fields in ({"filename": odd}, {"filename": "a.py", "function": odd}, {"filename": "a.py", "module": odd}):
            yield route, {"text": json.dumps({"frames": [{"lineno": 3, **fields}]})}
            yield route, {"text": json.dumps({"line": 3, "file": "a.py", **fields}) + "\nnext"}
        yield route, {"text": json.dumps({"stack": [f"    at {odd} (/srv/{odd}.js:3:1)"]})}
    for name in spellings(PathsIn):
        yield "repo-path-parsing", {"sourceUrl": "https://git.example.com/a/b", "stackPath": "/srv/a.py", name: odd}


@pytest.mark.parametrize("odd", ODD, ids=["surrogate", "surrogate in a path", "NUL", "escape"])
def test_odd_text_is_answered_or_refused(api: ApiClient, odd: str) -> None:
    """An odd text in any field is refused with the reason, or is safe in an answer that can be sent."""
    api.post("code-mappings/", {"projectId": "1", "stackRoot": "/srv", "sourceRoot": "src", "repositoryId": "1"})
    for route, body in bodies(odd):
        content = json.dumps(body)
        answer = api.call("POST", f"{PROJECT}/{route}/", content=content, headers={"Content-Type": "application/json"})
        assert answer.status_code < 500, (route, content, answer.text)
        assert answer.status_code == 200 or answer.json(), (route, content)
        answer.text.encode()


@pytest.mark.parametrize("value", ["%ED%A0%80", "%FF", "a%00b", "%1B"])
def test_odd_query_is_answered_or_refused(api: ApiClient, value: str) -> None:
    """So is one in a query, where it may be no UTF-8 at all."""
    names = ("file", "commitId", "platform", "sdkName", "absPath", "module", "package", "lineNo", "release", "ref")
    for route in ("stacktrace-link", "stacktrace-links"):
        for name in names:
            query = f"{name}={value}" if name == "file" else f"file=/srv/app/a.py&{name}={value}"
            answer = api.get(f"{PROJECT}/{route}/?{query}")
            assert answer.status_code < 500, (route, name, answer.text)
