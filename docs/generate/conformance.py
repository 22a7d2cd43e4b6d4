"""docs/conformance.md, from scmhost.sdk.testing."""

from typing import Final

from scmhost.sdk import API_VERSION
from scmhost.sdk.testing import CHECKS, Check, FileSample, ProviderConformance, PushSample, Waiver

from .classes import samples
from .markdown import code, table

_HEAD: Final = f"""\
# Conformance checks

This page is generated from `scmhost.sdk.testing`, the conformance suite of the plugin contract, version {API_VERSION}.
[plugin-authors.md](plugin-authors.md) shows how to run it.

A check has a stable name, which works with `scmhost plugin check --check NAME`, with `pytest -k NAME` and in a waiver.
It is run for every plugin, or for plugins that have one of its hooks. A plugin without such a hook does not declare the
capability; that is no violation.
"""
_SAMPLES: Final = """\
## Samples

What you give to the suite. `scmhost plugin check --samples FILE` reads the same names from TOML: keys, and the tables
`[settings]`, `[form]`, `[installation]`, `[repository]`, `[old_configurations]`, `[file]` and `[push]`, there with
`body`, `headers` and `secret`. `plugin`, `examples`, `waived` and a function for `headers` are for Python only.
"""


def conformance_page() -> str:
    """Return the whole page."""
    rows = [(code(check.name), check.sentence, _capitalized(check.help), _run_for(check)) for check in CHECKS]
    checks = table(("check", "rule", "how to comply", "run for"), rows)
    return f"{_HEAD}\n{checks}\n{_SAMPLES}\n{samples(ProviderConformance, PushSample, FileSample, Waiver)}"


def _capitalized(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _run_for(check: Check) -> str:
    return (" and " if check.together else ", ").join(map(code, check.hooks)) or "every plugin"
