"""The requests of the API's page, sent in its order."""

import json
import re
from pathlib import Path

from docs.generate.examples import requests, through
from docs.generate.pages import DOCS, examples

from house import open_house


def test_every_example_of_the_api_is_what_the_api_answers(tmp_path: Path) -> None:
    """Whoever sends the requests of the page, in its order, gets the answers of the page."""
    with open_house(tmp_path) as house:
        path, text = examples(through(house))
    assert path.read_text(encoding="utf-8") == text, "api.md is stale; run: python -m docs.generate"


def test_every_endpoint_has_an_example() -> None:
    """No endpoint of the API is left without a request."""
    shown = list(requests((DOCS / "api.md").read_text(encoding="utf-8")))
    without = [
        f"{method} {path}"
        for path, operations in json.loads((DOCS / "openapi.json").read_text(encoding="utf-8"))["paths"].items()
        for method in operations
        if not any(one.method == method.upper() and _is_of(path, one.path) for one in shown)
    ]
    assert without == []


def _is_of(template: str, path: str) -> bool:
    """Whether a request's path is one of an endpoint's."""
    pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template))
    return re.fullmatch(pattern, path.partition("?")[0]) is not None
