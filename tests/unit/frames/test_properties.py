"""Properties that hold for every text."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loading import load_cases
from scmhost.frames import Frame, LineReader, read_lines, read_text
from scmhost.frames.notation import ContextLines
from scmhost.frames.notations import NOTATIONS
from scmhost.frames.reader import LONGEST_LINE
from strategies import pasted_lines, pasted_texts

pytestmark = pytest.mark.thorough

COLOUR = re.compile(r"\x1b?\[[\d;]*m")
TEXTS = [case["text"] for case in load_cases("frames")]
# Traces whose lines need no particular words before them.
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

# Lines whose frames span several lines.
MULTI_LINE = [
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
    return [match.frame for match in read_text(text).frames]


@given(pasted_texts())
def test_position_encloses_the_path(text: str) -> None:
    """The characters at the position of a frame are its path, colours aside."""
    for match in read_text(text).frames:
        line = text.split("\n")[match.text_line]
        assert 0 <= match.start < match.end <= len(line)
        assert COLOUR.sub("", line[match.start : match.end]).startswith(match.frame.path)


@given(st.lists(pasted_lines().map(lambda line: line.replace("\n", " ")), min_size=1, max_size=8))
def test_stream_and_text_agree(rows: list[str]) -> None:
    """Lines that arrive one by one give the frames of the whole text, and as many unread lines."""
    reader = LineReader()
    fed = [*(match for row in rows for match in reader.feed(f"{row}\n")), *reader.flush()]
    reading = read_text("\n".join(rows))
    assert (tuple(fed), reader.unread) == (reading.frames, reading.unread)


@pytest.mark.parametrize("text", TEXTS)
def test_stream_and_text_agree_on_the_cases(text: str) -> None:
    """The lines of a trace give the frames of the whole trace."""
    assert tuple(read_lines(text.split("\n"))) == read_text(text).frames


@given(pasted_texts(), st.integers(min_value=0, max_value=200))
def test_longer_text_is_read_up_to_the_limit(text: str, limit: int) -> None:
    """A text within the limit is read whole; of a longer one whole lines within the limit are read."""
    reading = read_text(text, limit=limit)
    assert reading.truncated == (len(text) > limit)


@pytest.mark.parametrize("text", TEXTS)
def test_carriage_returns_change_nothing(text: str) -> None:
    """Line ends of Windows give the same frames as other line ends."""
    plain = text.replace("\r", "")
    assert frames(plain.replace("\n", "\r\n")) == frames(plain)


@pytest.mark.parametrize("text", TEXTS)
def test_text_twice_gives_its_frames_twice(text: str) -> None:
    """The frames of a trace do not depend on another trace before it."""
    once = frames(text)
    assert frames(f"{text}\n\n{text}") == once + once


@pytest.mark.parametrize("text", PLAIN)
def test_prefixes_change_nothing(text: str) -> None:
    """A log's prefix before each line hides no frame."""
    once = frames(text)
    read = {prefix: frames("\n".join(prefix + line for line in text.split("\n"))) for prefix in PREFIXES}
    assert read == dict.fromkeys(PREFIXES, once)


@pytest.mark.parametrize("text", PLAIN)
def test_colours_change_nothing(text: str) -> None:
    """A terminal's colours hide no frame."""
    assert frames(re.sub(r"(\d+)", "\x1b[35m\\1\x1b[0m", text)) == frames(text)


@pytest.mark.parametrize("unit", UNITS)
def test_hostile_line_is_read_in_time(unit: str) -> None:
    """A line of the maximal length that repeats the beginning of a frame hangs no notation."""
    line = (unit * LONGEST_LINE)[:LONGEST_LINE]
    for notation in NOTATIONS:
        notation.read(line, ContextLines([line]))
    read_text(line)


def test_long_line_is_read_in_part() -> None:
    """The part of a line after the maximal length is not read."""
    frame = " at total (/srv/shop.js:12:3)"
    assert frames("x" * LONGEST_LINE + frame) == []
    assert len(frames("x" + frame)) == 1


@pytest.mark.parametrize("unit", UNITS)
def test_hostile_context_lines_are_read_in_time(unit: str) -> None:
    """Such lines around a frame over several lines neither hang its notation nor hide the frame."""
    line = (unit * LONGEST_LINE)[:LONGEST_LINE]
    text = "\n".join(f"{line}\n{frame}" for frame in MULTI_LINE)
    assert len(read_text(f"{text}\n{line}").frames) >= 2
