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
def test_a_frame_comes_with_its_line(line: str) -> None:
    """A pipe that stays open holds back no frame that is complete."""
    assert len(LineReader().feed(line)) == 1


def test_a_frame_with_something_below_waits_for_it() -> None:
    """A frame whose line number stands below its file comes with the line of the number."""
    reader = LineReader()
    assert reader.feed(DJANGO) == []
    (found,) = reader.feed("  12.     return total()")
    assert (found.frame.line, found.text_line) == (12, 0)


def test_a_frame_that_waits_can_be_had() -> None:
    """When nothing more seems to come, what is known is given, once, and reading goes on."""
    reader = LineReader()
    reader.feed(DJANGO)
    (found,) = reader.flush()
    assert (found.frame.path, found.frame.line) == ("/srv/app/views.py", None)
    assert reader.flush() == []
    (later,) = reader.feed(V8)
    assert (later.text_line, reader.unread) == (1, 0)


def test_frames_that_waited_come_first() -> None:
    """Frames come in the order of the text."""
    reader = LineReader()
    reader.feed(DJANGO)
    assert [found.text_line for found in reader.feed(V8)] == [0, 1]


def test_unread_lines_are_counted() -> None:
    """Lines of no trace are counted as they arrive; blank ones are not."""
    reader = LineReader()
    for line in ("starting", "", V8, "done"):
        reader.feed(f"{line}\n")
    assert reader.unread == 2


def test_memory_does_not_grow() -> None:
    """However long a stream is, no more of it than a few lines is kept."""
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


@given(st.lists(pasted_texts(), max_size=4), st.lists(st.integers(0, 12), max_size=8))
def test_many_lines_at_once_give_what_one_after_the_other_does(texts: list[str], cuts: list[int]) -> None:
    """However the lines of a stream arrive, the same frames are found."""
    lines = "\n".join(texts).split("\n")
    slowly, quickly = LineReader(), LineReader()
    one_by_one = [found for line in lines for found in slowly.feed(line)] + slowly.flush()
    at, in_blocks = 0, []
    for size in [*cuts, len(lines)]:
        in_blocks += quickly.feed_all(lines[at : at + size])
        at += size
    in_blocks += quickly.flush()
    assert in_blocks == one_by_one
    assert quickly.unread == slowly.unread
