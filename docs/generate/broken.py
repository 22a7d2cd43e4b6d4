"""The tables of what broken plugins look like, from the cases that the tests hold against real broken plugins."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from scmhost.service.error_answers import status_of_fault

from .markdown import table

_CASES: Final = Path(__file__).parents[2] / "tests" / "cases"
_WHOSE: Final = re.compile(r"^plugin 'subject' \([^)]*\)[:,] ?")


def refused_plugins() -> str:
    """What the list says of plugins that are not taken."""
    rows = [
        (case["what"], f"`{case['state']}`", _told(case["reason"])) for case in _cases("refused_plugins/entries.json")
    ]
    return table(("what is wrong", "state", "what the list says"), rows)


def failing_calls() -> str:
    """What a call that goes wrong answers, or what the log has of it."""
    rows = [(case["what"], _answer(case), _told(case["words"])) for case in _cases("hostile_plugins/calls.json")]
    return table(("what it does", "what comes of it", "in these words"), rows)


def _cases(name: str) -> Iterator[Mapping[str, Any]]:
    cases = json.loads((_CASES / name).read_text(encoding="utf-8"))
    return (case for case in cases if "what" in case)


def _answer(case: Mapping[str, Any]) -> str:
    kind = str(case["kind"])
    return f"log: `{kind}`" if " " in kind else f"{status_of_fault(kind)}, `{kind}`"


def _told(text: str) -> str:
    """The words after those that say whose fault it is."""
    return "<br>".join(f"`{line.removeprefix('- ')}`" for line in _WHOSE.sub("", text).splitlines() if line)
