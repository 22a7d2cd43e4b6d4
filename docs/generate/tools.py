"""The table of tools whose places are read, from the cases that the tests read."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from .markdown import table

_CASES: Final = Path(__file__).parents[2] / "tests" / "cases" / "diagnostics"
# By file of cases, in the order of the table. The other files have no tools: what is not read, and forms without one.
_KINDS: Final[Mapping[str, str]] = {
    "compilers": "compiler",
    "builds": "build",
    "linters": "linter",
    "test_runners": "tests",
    "configuration": "configuration, data",
    "annotations": "CI",
    "logs": "log",
}
_LONGEST: Final = 90
_COLOUR: Final = re.compile(r"\x1b\[[\d;]*m")


def tools() -> str:
    """Return a table with a line that each tool prints, and the place in it."""
    rows: dict[tuple[str, str], tuple[str, str]] = {}
    for kind, case in _cases():
        rows.setdefault((kind, case["tool"]), (_example(case), _place(case["places"][0])))
    return table(
        ("kind", "tool", "prints", "place"),
        [(_KINDS[kind], tool, f"`{line}`", f"`{place}`") for (kind, tool), (line, place) in rows.items()],
    )


def _cases() -> Iterator[tuple[str, Mapping[str, Any]]]:
    for kind in _KINDS:
        cases = json.loads((_CASES / f"{kind}.json").read_text(encoding="utf-8"))
        for case in sorted(cases, key=lambda case: str(case["tool"]).casefold()):
            if case["places"]:
                yield kind, case


def _example(case: Mapping[str, Any]) -> str:
    """Return the first line with the number of the first place. In a grouped form the path is on a line above."""
    path, number = case["places"][0][:2]
    lines = [line.strip() for line in _COLOUR.sub("", case["text"]).split("\n")]
    with_number = [line for line in lines if str(number) in line]
    line = next((line for line in with_number if path in line), with_number[0] if with_number else lines[0])
    line = line.replace("`", "'")
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}..."


def _place(place: list[Any]) -> str:
    return ":".join(str(part) for part in place)
