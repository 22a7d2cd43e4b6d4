"""Plugins in words: aligned, no wider than the terminal, and in colour only there."""

import shutil
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import click

_COLOURS: Final = {"ready": "green", "suspended": "yellow", "broken": "red", "incompatible": "red"}
_WIDEST: Final = 100
_GAP: Final = "  "
_LEAST: Final = 8


def width() -> int:
    """How many columns a line may have; 80 where there is no terminal."""
    return min(shutil.get_terminal_size((80, 24)).columns, _WIDEST)


def state_word(state: str, columns: int = 0) -> str:
    """A state in its colour, which ``click.echo`` takes away where nobody sees it."""
    return click.style(state.ljust(columns), fg=_COLOURS.get(state, "bright_black"))


def wrapped(text: str, indent: str) -> str:
    """Text within the width; paths and addresses stay whole, so that they can be copied."""
    return "\n".join(
        textwrap.fill(
            line,
            width(),
            initial_indent=indent,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
        for line in text.splitlines()
    )


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: int = 0) -> Iterator[str]:
    """Lines in columns, the last ``numbers`` of them aligned to the right. The widest column gives way to the width."""
    sizes = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    left = len(head) - numbers
    widest = max(range(left), key=sizes.__getitem__)
    over = sum(sizes) + len(_GAP) * (len(sizes) - 1) - width()
    sizes[widest] = max(sizes[widest] - max(over, 0), _LEAST)
    for row in (head, *rows):
        cells = (
            _cut(cell, size).ljust(size) if place < left else cell.rjust(size)
            for place, (cell, size) in enumerate(zip(row, sizes, strict=True))
        )
        yield _GAP.join(cells).rstrip()


def _cut(cell: str, size: int) -> str:
    return cell if len(cell) <= size else f"{cell[: size - 1]}…"


def milliseconds(value: float | None) -> str:
    """A time as people read it."""
    if not value:
        return "-"
    return f"{value:.0f} ms" if value >= 10 else f"{value:.1f} ms" if value >= 0.1 else "<0.1 ms"  # noqa: PLR2004


def totals(plugin: Mapping[str, Any]) -> tuple[int, int, int, float]:
    """Calls, faults, refusals and the slowest call of all hooks of a plugin."""
    hooks = plugin["hooks"]
    calls, faults, refusals = (sum(hook[name] for hook in hooks) for name in ("calls", "faults", "refusals"))
    return calls, faults, refusals, max((hook["slowestMs"] for hook in hooks), default=0.0)


def origin(plugin: Mapping[str, Any]) -> str:
    """Who brought it."""
    return f"{plugin['distribution']} {plugin['version']}" if plugin["distribution"] else "not installed"
