"""The fast reader against a slow one that offers every line to every notation and diagnostic."""

from typing import Any

import pytest
from hypothesis import example, given

from loading import load_cases
from scmhost.frames import Frame, FrameMatch, read_text
from scmhost.frames.diagnostics import DIAGNOSTICS
from scmhost.frames.diagnostics.tool_forms import ANNOTATIONS
from scmhost.frames.line_frames import read_line
from scmhost.frames.notation import ContextLines
from scmhost.frames.notations import NOTATIONS
from scmhost.frames.physical_lines import split_line
from scmhost.frames.reader import LONGEST_LINE, BlockReader
from strategies import pasted_texts

pytestmark = pytest.mark.thorough

# More lines than a block has.
PADDED = 500
PADDING = "\n".join(["nothing to see here"] * PADDED)


def read_slowly(text: str) -> tuple[list[Frame], int]:
    """Return the frames and the number of unread lines, without hints and without blocks."""
    lines = [part.text[:LONGEST_LINE] for line in text.split("\n") for part in split_line(line, 0)]
    context = ContextLines(lines)
    results = []
    for at, line in enumerate(lines):
        context.at = at
        results.append(read_line(line, context, ((ANNOTATIONS, *NOTATIONS), DIAGNOSTICS)))
    unread = sum(1 for line, result in zip(lines, results, strict=True) if result is None and line.strip())
    return [span.frame for result in results for span in result or ()], unread


def read(text: str) -> tuple[list[Frame], int]:
    reading = read_text(text)
    return [match.frame for match in reading.frames], reading.unread


@pytest.mark.parametrize("case", load_cases("frames"), ids=lambda case: case["id"])
def test_hints_and_blocks_change_nothing(case: dict[str, Any]) -> None:
    """The lines that the fast reader passes over have no frames."""
    assert read(case["text"]) == read_slowly(case["text"])


@example("[0:AAAA:.C(0)]")
@given(pasted_texts())
def test_hints_and_blocks_change_nothing_in_any_text(text: str) -> None:
    """The lines that it passes over have no frames, for lines and words of traces in any order."""
    assert read(text) == read_slowly(text)


def read_in_blocks(lines: list[str], size: int) -> tuple[tuple[FrameMatch, ...], int]:
    """Return the frames and the number of unread lines, read in blocks of so many lines."""
    reader = BlockReader()
    matches: list[FrameMatch] = []
    for begin in range(0, len(lines), size):
        following = lines[begin + size] if begin + size < len(lines) else None
        matches += reader.read("\n".join(lines[begin : begin + size]), following)
    return tuple(matches), reader.unread


@pytest.mark.parametrize("case", load_cases("frames"), ids=lambda case: case["id"])
def test_ends_of_blocks_change_nothing(case: dict[str, Any]) -> None:
    """A trace across several blocks gives the frames that it gives in one block."""
    reading = read_text(case["text"])
    read = {size: read_in_blocks(case["text"].split("\n"), size) for size in (1, 2, 3)}
    assert read == dict.fromkeys((1, 2, 3), (reading.frames, reading.unread))


@pytest.mark.parametrize("case", load_cases("frames"), ids=lambda case: case["id"])
def test_text_far_above_changes_nothing(case: dict[str, Any]) -> None:
    """A trace after a long text gives the frames that it gives alone."""
    frames, unread = read(f"{PADDING}\n\n{case['text']}")
    assert (frames, unread - PADDED) == read(case["text"])
