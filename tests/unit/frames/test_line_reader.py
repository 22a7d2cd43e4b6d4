"""Frames of lines that arrive one by one."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scmhost.frames import LineReader
from strategies import pasted_texts

V8 = "    at Cart.total (/srv/app/cart.js:12:3)"
DJANGO = 'File "/srv/app/views.py" in show'
AT_ONCE = [
    V8,
    '  File "app/views.py", line 3, in show',
    "tests/test_shop.py:12: AssertionError",
    "app/shop.rb:12:in 'total'",
    "\tat com.acme.Cart.total(Cart.java:12)",
    "thread 'main' panicked at src/main.rs:2:5:",
]


@pytest.mark.parametrize("line", AT_ONCE)
def test_complete_frame_comes_with_its_line(line: str) -> None:
    """A frame that is complete on its line does not wait for the next line."""
    assert len(LineReader().feed(line)) == 1


def test_frame_waits_for_its_number_on_the_next_line() -> None:
    """A frame whose line number is below its file comes with the line of the number."""
    reader = LineReader()
    assert reader.feed(DJANGO) == []
    (match,) = reader.feed("  12.     return total()")
    assert (match.frame.line, match.text_line) == (12, 0)


def test_flush_returns_the_frame_that_waits() -> None:
    """A flush returns an incomplete frame once, and more lines may follow."""
    reader = LineReader()
    reader.feed(DJANGO)
    (match,) = reader.flush()
    assert (match.frame.path, match.frame.line) == ("/srv/app/views.py", None)
    assert reader.flush() == []
    (later,) = reader.feed(V8)
    assert (later.text_line, reader.unread) == (1, 0)


def test_frames_that_waited_come_first() -> None:
    """Frames come in the order of the text."""
    reader = LineReader()
    reader.feed(DJANGO)
    assert [match.text_line for match in reader.feed(V8)] == [0, 1]


def test_unread_lines_are_counted() -> None:
    """Lines without a frame are counted as they arrive; blank ones are not."""
    reader = LineReader()
    for line in ("starting", "", V8, "done"):
        reader.feed(f"{line}\n")
    assert reader.unread == 2


@pytest.mark.thorough
def test_memory_does_not_grow() -> None:
    """The reader keeps only a few lines of a long stream."""
    reader = LineReader()
    tracemalloc.start()
    try:
        held = []
        for _ in range(2):
            for number in range(2_000):
                reader.feed(f"{number:0500d} {V8}")
            held.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert held[1] - held[0] < 50_000


def test_feed_all_accepts_line_feeds() -> None:
    """Lines with their line feeds, in any groups, give the frames of the whole text."""
    lines = [f"{DJANGO}\n", "  12.     return total()\n", f"{V8}\n", "done\n", f"{DJANGO}\n"]
    for size in range(1, 6):
        reader = LineReader()
        matches = [match for at in range(0, 5, size) for match in reader.feed_all(lines[at : at + size])]
        matches += reader.flush()
        assert [(match.frame.line, match.text_line) for match in matches] == [(12, 0), (12, 2), (None, 4)]
        assert reader.unread == 2
        assert reader.feed_all([]) == []


def test_feed_all_completes_the_frame_that_waits() -> None:
    """The first line of a group completes the frame of the line before it."""
    reader = LineReader()
    assert reader.feed_all(["x\n", f"{DJANGO}\n"]) == []
    (match,) = reader.feed_all(["  12.     return total()\n", "y\n"])
    assert (match.frame.line, match.text_line, reader.unread) == (12, 1, 3)


def test_feed_all_without_lines_keeps_the_frame_that_waits() -> None:
    """An empty group is not the end of the stream."""
    reader = LineReader()
    reader.feed(DJANGO)
    assert reader.feed_all([]) == []
    (match,) = reader.feed("  12.     return total()")
    assert match.frame.line == 12


@given(st.lists(pasted_texts(), max_size=4), st.lists(st.integers(0, 12), max_size=8))
def test_feed_all_gives_the_frames_of_feed(texts: list[str], cuts: list[int]) -> None:
    """Lines that arrive in groups of any size give the same frames."""
    lines = "\n".join(texts).split("\n")
    slowly, quickly = LineReader(), LineReader()
    one_by_one = [match for line in lines for match in slowly.feed(line)] + slowly.flush()
    at, in_blocks = 0, []
    for size in [*cuts, len(lines)]:
        in_blocks += quickly.feed_all(lines[at : at + size])
        at += size
    in_blocks += quickly.flush()
    assert in_blocks == one_by_one
    assert quickly.unread == slowly.unread
