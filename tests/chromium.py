"""A real browser for the tests of pages: Debian's Chromium, driven by Playwright, and checked by axe-core."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from real_clients import CLIENTS

AXE = CLIENTS / "node" / "node_modules" / "axe-core" / "axe.min.js"
_NAMES = ("chromium", "chromium-browser", "google-chrome")

RULES = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
"""The rules whose outcome depends on the colours of a page."""


def require_chromium() -> str:
    """Return the path of the browser. Without it the test is skipped; with ``CI=true`` it fails."""
    path = next(filter(None, map(shutil.which, _NAMES)), None)
    if path is None:
        _missing("chromium is missing; install it with `apt install chromium`")
    return str(path)


def axe_source() -> str:
    """Return the program of axe-core."""
    if not AXE.exists():
        _missing("axe-core is missing; run `make clients`")
    return AXE.read_text(encoding="utf-8")


def _missing(message: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


@contextmanager
def open_chromium() -> Iterator[Any]:
    """Open the browser; every test takes a context of its own in it."""
    path = require_chromium()
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - most test runs start no browser

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


def findings(page: Any, source: str, rules: Mapping[str, Any]) -> list[str]:
    """Return what axe-core finds serious or critical on a page, by rule and element."""
    # Evaluated through the debugger: the policy of the page allows no script of others.
    page.evaluate(source)
    results = page.evaluate("rules => axe.run({runOnly: rules, resultTypes: ['violations']})", rules)
    return [
        f"{found['id']} at {node['target']}: {node['failureSummary']}"
        for found in results["violations"]
        if found["impact"] in ("serious", "critical")
        for node in found["nodes"]
    ]
