"""The quick reader against one that leaves nothing out: every line is offered to every notation."""

from typing import Any

import pytest
from hypothesis import given

from loading import load_cases
from scmhost.frames import Found, Frame, read_text
from scmhost.frames.blocks import LONGEST_LINE, BlockReader
from scmhost.frames.near import Near
from scmhost.frames.notations import NOTATIONS
from scmhost.frames.pieces import pieces
from scmhost.frames.prefixes import prefix_length
from strategies import pasted_texts

# More than a block, and of no trace.
PADDED = 500
PADDING = "\n".join(["nothing to see here"] * PADDED)


def read_slowly(text: str) -> tuple[list[Frame], int]:
    """The frames of a text and its lines of no trace, without hints and without blocks."""
    printed = [piece.text[:LONGEST_LINE] for line in text.split("\n") for piece in pieces(line, 0)]
    near = Near(printed)
    answers = [_answer(line, near, at) for at, line in enumerate(printed)]
    unread = sum(1 for line, answer in zip(printed, answers, strict=True) if answer is None and line.strip())
    return [frame for answer in answers for frame in answer or ()], unread


def _answer(line: str, near: Near, at: int) -> list[Frame] | None:
    begin = prefix_length(line)
    near.at, near.prefix = at, line[:begin]
    body = line[begin:].rstrip()
    body = body.rstrip('",') if near.prefix.endswith('"') else body
    for notation in NOTATIONS:
        spots = notation.read(body, near)
        if spots is not None:
            return [spot.frame for spot in spots]
    return None


def read(text: str) -> tuple[list[Frame], int]:
    reading = read_text(text)
    return [found.frame for found in reading.frames], reading.unread


@pytest.mark.parametrize("case", load_cases("frames"), ids=lambda case: case["id"])
def test_hints_and_blocks_change_nothing(case: dict[str, Any]) -> None:
    """What the reader passes over for speed has no frames."""
    assert read(case["text"]) == read_slowly(case["text"])


@given(pasted_texts())
def test_hints_and_blocks_change_nothing_in_any_text(text: str) -> None:
    """The same, for lines and words of traces in any order."""
    assert read(text) == read_slowly(text)


@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("case", load_cases("frames"), ids=lambda case: case["id"])
def test_where_blocks_end_changes_nothing(case: dict[str, Any], size: int) -> None:
    """A trace that lies across the ends of blocks is read as it would be in one."""
    lines = case["text"].split("\n")
    reader = BlockReader()
    found: list[Found] = []
    for begin in range(0, len(lines), size):
        following = lines[begin + size] if begin + size < len(lines) else None
        found += reader.read("\n".join(lines[begin : begin + size]), following)
    reading = read_text(case["text"])
    assert (tuple(found), reader.unread) == (reading.frames, reading.unread)


@pytest.mark.parametrize("case", load_cases("frames"), ids=lambda case: case["id"])
def test_what_stands_far_above_changes_nothing(case: dict[str, Any]) -> None:
    """A trace is read as it would be alone, however much text of no trace stands before it."""
    frames, unread = read(f"{PADDING}\n\n{case['text']}")
    assert (frames, unread - PADDED) == read(case["text"])
