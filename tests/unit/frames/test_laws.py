"""What holds for every text."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loading import load_cases
from scmhost.frames import Frame, LineReader, read_lines, read_text
from scmhost.frames.blocks import LONGEST_LINE
from scmhost.frames.near import Near
from scmhost.frames.notations import NOTATIONS
from strategies import pasted_lines, pasted_texts

COLOUR = re.compile(r"\x1b?\[[\d;]*m")
TEXTS = [case["text"] for case in load_cases("frames")]
# One language, and none of the notations that look for words before their frames.
PLAIN = [
    case["text"]
    for case in load_cases("frames")
    if case["frames"] and case["id"] in ("plain", "backtrace", "panic", "uncaught", "before 3.4", "crash report")
]
PREFIXES = [
    "> ",
    "    ",
    "# ",
    "// ",
    "web_1  | ",
    "2024-01-02T03:04:05.6789012Z ",
    "May  6 07:08:09 web-1 shop[123]: ",
    "[pod/shop-1/app] ",
    "E/AndroidRuntime( 1234): ",
    "01-02 03:04:05.678  1234  1234 E ReactNativeJS: ",
    "[2024-01-02 03:04:05,678: ERROR/Worker-1] ",
    "==123== ",
    "2024-01-02T03:04:05.678Z stderr F ",
    "2024-01-02T03:04:05.678901+00:00 app[web.1]: ",
]

# Frames, or what would be one, that are looked for in several lines.
NEIGHBOURLY = [
    "/srv/shop.go:12 (0x4a3b2d)",
    "/srv/shop.go:12 +0x1d",
    "at src/main.rs:4:5",
    "---> 12     return total",
    'File "/srv/shop.py" in total',
    "1   /srv/shop.php:12",
    "(/srv/shop.php:12)",
    "at shop.c:12",
    '[{file,"src/shop.erl"},{line,12}]',
]

# The beginnings of frames.
UNITS = [
    " ",
    "|",
    "E ",
    "a/",
    'File "',
    'File "a',
    "a.py:",
    "A.",
    "at ",
    "at a (",
    "at a.b(",
    "#1 a ",
    "#1 a(",
    " in ",
    "a@",
    "/a:1",
    "(",
    ")",
    "<",
    "{",
    " at a.rs:",
    "x.go:1 +0x",
    "called at ",
    ":in `",
    "\\n",
    "0x1 ",
    "in a line 1 ",
    "{a,b,1,[{file,",
    "eval at a (",
    "a (1.0) ",
    "frame #0: 0x1 a`",
    "operator<",
    "Assertion ",
    "::",
    "a! [a @ ",
]


def frames(text: str) -> list[Frame]:
    return [place.frame for place in read_text(text).frames]


@given(pasted_texts())
def test_a_place_encloses_the_path(text: str) -> None:
    """Where a frame stands in its text is where its path is printed, colours aside."""
    for found in read_text(text).frames:
        line = text.split("\n")[found.text_line]
        assert 0 <= found.start < found.end <= len(line)
        assert COLOUR.sub("", line[found.start : found.end]).startswith(found.frame.path)


@given(st.lists(pasted_lines().map(lambda line: line.replace("\n", " ")), min_size=1, max_size=8))
def test_stream_and_text_agree(rows: list[str]) -> None:
    """Lines that arrive one by one give the frames of the whole text, and as many unread lines."""
    reader = LineReader()
    fed = [*(found for row in rows for found in reader.feed(f"{row}\n")), *reader.flush()]
    reading = read_text("\n".join(rows))
    assert (tuple(fed), reader.unread) == (reading.frames, reading.unread)


@pytest.mark.parametrize("text", TEXTS)
def test_stream_and_text_agree_on_the_cases(text: str) -> None:
    """The frames of a whole trace are those of its lines, one by one."""
    assert tuple(read_lines(text.split("\n"))) == read_text(text).frames


@given(pasted_texts(), st.integers(min_value=0, max_value=200))
def test_a_limit_is_kept(text: str, limit: int) -> None:
    """A text within the limit is read whole; of a longer one only whole lines within it, and that is said."""
    reading = read_text(text, limit=limit)
    assert reading.truncated == (len(text) > limit)


@pytest.mark.parametrize("text", TEXTS)
def test_carriage_returns_change_nothing(text: str) -> None:
    """A text from Windows has the frames of the same text from elsewhere."""
    plain = text.replace("\r", "")
    assert frames(plain.replace("\n", "\r\n")) == frames(plain)


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_twice_has_its_frames_twice(text: str) -> None:
    """What one trace is read to be does not depend on another before it."""
    once = frames(text)
    assert frames(f"{text}\n\n{text}") == once + once


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("text", PLAIN)
def test_prefixes_change_nothing(text: str, prefix: str) -> None:
    """What a log puts before each line does not hide a frame."""
    assert frames("\n".join(prefix + line for line in text.split("\n"))) == frames(text)


@pytest.mark.parametrize("text", PLAIN)
def test_colours_change_nothing(text: str) -> None:
    """A terminal's colours do not hide a frame."""
    assert frames(re.sub(r"(\d+)", "\x1b[35m\\1\x1b[0m", text)) == frames(text)


@pytest.mark.parametrize("notation", NOTATIONS, ids=lambda notation: notation.__name__)
@pytest.mark.parametrize("unit", UNITS)
def test_hostile_lines_end(notation: Any, unit: str) -> None:
    """A line that repeats the beginning of a frame is done with, as long as lines may be."""
    line = (unit * LONGEST_LINE)[:LONGEST_LINE]
    notation.read(line, Near([line]))
    read_text(line)


def test_a_long_line_is_read_in_part() -> None:
    """A line longer than any frame is not searched to its end."""
    frame = " at total (/srv/shop.js:12:3)"
    assert frames("x" * LONGEST_LINE + frame) == []
    assert len(frames("x" + frame)) == 1


@pytest.mark.parametrize("unit", UNITS)
def test_hostile_neighbours_end(unit: str) -> None:
    """Such lines around a frame that looks at its neighbours are done with, too, and hide no frame."""
    line = (unit * LONGEST_LINE)[:LONGEST_LINE]
    text = "\n".join(f"{line}\n{frame}" for frame in NEIGHBOURLY)
    assert len(read_text(f"{text}\n{line}").frames) >= 2
