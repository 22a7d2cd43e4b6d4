"""Frames out of pasted text."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loading import case_id, load_cases
from scmhost.frames import Reading, read_lines, read_text
from scmhost.frames.notations import NOTATIONS

FRAME_LINE = '  File "app/views.py", line 3, in show\n'

lines = st.one_of(
    st.text(max_size=60),
    st.sampled_from([FRAME_LINE.strip(), "a.py:3: in f", "E   a b.py:1: KeyError", "", '  |   File "x", line 1']),
)


@pytest.mark.parametrize("case", load_cases("frames"), ids=case_id)
def test_reads_a_text(case: dict[str, Any]) -> None:
    """Each notation's frames come out as printed, and lines without one are counted."""
    reading = read_text(case["text"])
    found = [[place.frame.path, place.frame.line, place.frame.function] for place in reading.frames]
    assert (case["frames"], case["unread"]) == (found, reading.unread)


def test_tells_the_language() -> None:
    """A frame says which language printed it."""
    (found,) = read_text(FRAME_LINE).frames
    assert found.frame.language == "python"


@given(st.lists(lines, max_size=6))
def test_a_place_encloses_the_path(rows: list[str]) -> None:
    """Where a frame stands in its text is where its path is printed."""
    text = "\n".join(rows)
    for found in read_text(text).frames:
        line = text.split("\n")[found.text_line]
        assert line[found.start : found.end].startswith(found.frame.path)


@given(st.lists(lines.filter(lambda line: "\n" not in line), max_size=6))
def test_stream_and_text_agree(rows: list[str]) -> None:
    """Lines that arrive one by one give the frames of the whole text."""
    assert read_text("\n".join(rows)).frames == tuple(read_lines(f"{row}\n" for row in rows))


@given(st.text(max_size=200), st.integers(min_value=0, max_value=200))
def test_a_limit_is_kept(text: str, limit: int) -> None:
    """A text within the limit is read whole; of a longer one only whole lines within it, and that is said."""
    reading = read_text(text, limit=limit)
    assert reading.truncated == (len(text) > limit)


def test_a_long_text_is_cut_between_lines() -> None:
    """The line on which the limit falls is left out, not read in part."""
    reading = read_text(FRAME_LINE * 3, limit=len(FRAME_LINE) * 2 + 5)
    assert len(reading.frames) == 2


def test_a_text_up_to_the_limit_is_whole() -> None:
    """The limit itself is still within the limit."""
    assert not read_text(FRAME_LINE, limit=len(FRAME_LINE)).truncated


def test_nothing_gives_nothing() -> None:
    """An empty text is read, and has no frames."""
    assert read_text("") == Reading((), 0, truncated=False)


@pytest.mark.parametrize("notation", NOTATIONS, ids=lambda notation: notation.__name__)
@pytest.mark.parametrize("unit", [" ", "|", "E ", "a/", 'File "', 'File "a', "a.py:", "\x1b[0m", "A.", "| "])
def test_hostile_lines_are_no_frames(notation: Any, unit: str) -> None:
    """A line that repeats the beginning of a frame is refused, however long it is."""
    assert notation.read(unit * 50_000) is None
