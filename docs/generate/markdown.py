"""Helpers that write Markdown."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

_LITERAL: Final = re.compile(r"``(.+?)``")
_PART: Final = "<!-- generated: {} -->\n"
_END: Final = "<!-- end of generated -->"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table. Bars in cells are escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def code(text: str) -> str:
    """Return text as inline code; an empty text stays empty."""
    return f"`{text}`" if text else ""


def prose(docstring: str | None) -> str:
    """Return a docstring as Markdown."""
    return _LITERAL.sub(r"`\1`", docstring or "")


def sentence(docstring: str | None) -> str:
    """Return the first paragraph of a docstring, on one line."""
    return " ".join(prose(docstring).split("\n\n")[0].split())


def with_part(page: str, name: str, text: str) -> str:
    """Replace the generated part with this name.

    Raises:
        ValueError: the page has no such part.
    """
    before, mark, rest = page.partition(_PART.format(name))
    _, end, after = rest.partition(_END)
    if not (mark and end):
        raise ValueError(f"there is no part {name!r}; write {_PART.format(name).strip()} and {_END}")
    return f"{before}{mark}{text}{end}{after}"
