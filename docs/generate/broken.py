"""The tables of plugin errors, from the cases that the tests compare with real broken plugins."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from scmhost.api_application import status_of_fault

from .markdown import table

_CASES: Final = Path(__file__).parents[2] / "tests" / "cases"
_PLUGIN_NAME: Final = re.compile(r"^plugin 'subject' \([^)]*\)[:,] ?")


def refused_plugins() -> str:
    """Return the table of plugins that are rejected, with their messages."""
    cases = _cases("refused_plugins/entries.json")
    rows = [(case["what"], f"`{case['state']}`", _message(case["reason"])) for case in cases]
    return table(("problem", "state", "message"), rows)


def failing_calls() -> str:
    """Return the table of calls that fail, with HTTP status and message."""
    rows = [(case["what"], _result(case), _message(case["words"])) for case in _cases("hostile_plugins/calls.json")]
    return table(("the plugin", "result", "message"), rows)


def _cases(name: str) -> Iterator[Mapping[str, Any]]:
    cases = json.loads((_CASES / name).read_text(encoding="utf-8"))
    return (case for case in cases if "what" in case)


def _result(case: Mapping[str, Any]) -> str:
    kind = str(case["kind"])
    return f"log: `{kind}`" if " " in kind else f"{status_of_fault(kind)}, `{kind}`"


def _message(text: str) -> str:
    """Return a message without its first part, which names the plugin."""
    return "<br>".join(f"`{line.removeprefix('- ')}`" for line in _PLUGIN_NAME.sub("", text).splitlines() if line)
