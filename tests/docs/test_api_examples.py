"""The requests in docs/api.md, sent in order."""

import json
import re
from pathlib import Path

from docs.generate.examples import requests, through
from docs.generate.pages import DOCS, examples

from api import open_api


def test_examples_show_real_answers(tmp_path: Path) -> None:
    """The page shows the answers that its requests get."""
    with open_api(tmp_path) as api:
        path, text = examples(through(api))
    assert path.read_text(encoding="utf-8") == text, "api.md is stale; run: python -m docs.generate"


def test_every_endpoint_has_an_example() -> None:
    """The page has a request for every endpoint but those for browsers, which docs/channels.md describes."""
    shown = list(requests((DOCS / "api.md").read_text(encoding="utf-8")))
    without = [
        f"{method} {path}"
        for path, operations in json.loads((DOCS / "openapi.json").read_text(encoding="utf-8"))["paths"].items()
        for method in operations
        if not path.startswith("/r/")
        and not any(one.method == method.upper() and _matches(path, one.path) for one in shown)
    ]
    assert without == []


def _matches(template: str, path: str) -> bool:
    """Return whether a request's path matches an endpoint's path."""
    pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template))
    return re.fullmatch(pattern, path.partition("?")[0]) is not None
