"""Linking text line by line while it arrives."""

import io
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scmhost.checkout import linked_text
from scmhost.checkout.formats import FORMATS, LinkedFrame, frame_facts
from scmhost.checkout.linked_text import Chunk, LineSplitter, LinkedText, TextLine, feed, read_stream
from scmhost.frames import FrameMatch

PYTHON = '  File "a.py", line 3, in f'


class Recorder:
    """Links every frame to its path and line, and keeps the paths in the order in which they were linked."""

    def __init__(self) -> None:
        self.out = io.StringIO()
        self.linked: list[str] = []
        self.text = LinkedText(self.link, FORMATS["text"](self.out.write))

    def link(self, frames: Sequence[FrameMatch]) -> list[LinkedFrame]:
        self.linked += [found.frame.path for found in frames]
        return [LinkedFrame(found, f"{found.frame.path}#{found.frame.line}", frame_facts(found)) for found in frames]

    def take(self, *lines: str, partial: str = "", idle: bool = False) -> str:
        """Take lines, and return the text that they print."""
        before = len(self.out.getvalue())
        self.text.take(Chunk([TextLine(line, "\n") for line in lines], partial, idle))
        return self.out.getvalue()[before:]


@contextmanager
def pipe(content: bytes) -> Iterator[int]:
    read, write = os.pipe()
    os.write(write, content)
    os.close(write)
    try:
        yield read
    finally:
        os.close(read)


def fed(content: bytes) -> Recorder:
    """Feed the content of a pipe to a text."""
    recorder = Recorder()
    with pipe(content) as descriptor:
        for _ in feed(descriptor, recorder.text):
            pass
    return recorder


def test_lines_are_held_while_a_later_line_could_complete_a_frame() -> None:
    """A line is printed when enough lines follow it, or when the input is idle."""
    recorder = Recorder()
    assert recorder.take(PYTHON) == ""
    assert recorder.take(*map(str, range(12))) == f"{PYTHON}\n    -> a.py#3\n"
    assert recorder.take(idle=True) == "".join(f"{number}\n" for number in range(12))


def test_idle_input_prints_everything() -> None:
    """A pause prints the complete lines and the start of the next one."""
    recorder = Recorder()
    assert recorder.take("one", partial="tw", idle=True) == "one\ntw"
    assert recorder.take("two", idle=True) == "o\n"


def test_start_of_a_line_is_printed_once() -> None:
    """Each pause prints only what is new."""
    recorder = Recorder()
    assert recorder.take(partial="a", idle=True) == "a"
    assert recorder.take(partial="a", idle=True) == ""
    assert recorder.take(partial="ab", idle=True) == "b"
    assert recorder.take("abc", "def", idle=True) == "c\ndef\n"


def test_frame_of_a_line_that_is_printed_in_parts_has_its_link_below() -> None:
    """The frame begins in the rest of the line, whose positions are counted from there."""
    recorder = Recorder()
    recorder.take(partial='  File "', idle=True)
    assert recorder.take(PYTHON, idle=True) == f"{PYTHON[8:]}\n    -> a.py#3\n"


def test_frame_that_is_printed_already_gets_no_link_in_the_rest() -> None:
    """The start of its path is on the terminal, so the rest cannot become a link; the frame still counts."""
    recorder = Recorder()
    recorder.take(partial='  File "a.', idle=True)
    assert recorder.take(PYTHON, idle=True) == f"{PYTHON[10:]}\n"
    assert (recorder.text.counts.frames, recorder.text.counts.links) == (1, 1)


def test_frame_that_a_later_line_completes_is_on_its_own_line() -> None:
    """IPython prints the line number some lines below the path."""
    recorder = Recorder()
    printed = recorder.take("main.py in run()", "      1 one", "----> 2 two", "      3 three", idle=True)
    assert printed.splitlines()[1] == "    -> main.py#2"


def test_link_of_a_printed_line_comes_below_the_line_that_completed_it() -> None:
    """After a pause the line of the path is printed already."""
    recorder = Recorder()
    recorder.take("main.py in run()", "      1 one", idle=True)
    printed = recorder.take("----> 2 two", "      3 three", idle=True)
    assert recorder.linked in ([], ["main.py"])
    assert printed.replace("    -> main.py#2\n", "") == "----> 2 two\n      3 three\n"


def test_unread_lines_are_counted() -> None:
    """Lines that belong to no trace are counted for the summary."""
    recorder = Recorder()
    recorder.take("nothing here", "a.py:3: Error", "nor here", idle=True)
    assert recorder.text.unread >= 1


@pytest.mark.parametrize("content", [b"", b"one", b"one\n", b"one\r\ntwo\r\n", b"\n\n", b"\xff\xfe\x00\n\x80"])
def test_stream_keeps_lines_and_endings(content: bytes) -> None:
    """Only line feeds end a line, and any byte passes through unchanged."""
    with pipe(content) as descriptor:
        lines = [line for chunk in read_stream(descriptor) for line in chunk.lines]
    assert "".join(line.text + line.ending for line in lines).encode(errors="surrogateescape") == content
    assert [line.ending for line in lines] == ["\n"] * content.count(b"\n") + [""] * (
        not content.endswith(b"\n") and content != b""
    )


def test_stream_reports_a_pause_once() -> None:
    """While no input arrives there is one idle chunk with the start of the line."""
    read, write = os.pipe()
    os.write(write, b"one\nstart")
    stream = read_stream(read)
    assert next(stream) == Chunk([TextLine("one", "\n")])
    assert next(stream) == Chunk([], "start", idle=True)
    os.write(write, b" end\n")
    os.close(write)
    assert [line for chunk in stream for line in chunk.lines] == [TextLine("start end", "\n")]
    os.close(read)


def test_long_line_is_passed_on_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line without end cannot fill the memory."""
    monkeypatch.setattr(linked_text, "LONGEST_PART", 10)
    monkeypatch.setattr(linked_text, "_BLOCK", 8)
    (tmp_path / "long").write_bytes(b"x" * 30 + b"\nend\n")
    with (tmp_path / "long").open("rb") as opened:
        lines = [line for chunk in read_stream(opened.fileno()) for line in chunk.lines]
    assert max(len(line.text) for line in lines) <= 18
    assert "".join(line.text + line.ending for line in lines) == "x" * 30 + "\nend\n"


EVENT = {"exception": {"values": [{"stacktrace": {"frames": [{"filename": "main.py", "lineno": 2}]}}]}}


@pytest.mark.parametrize("indent", [None, 1])
def test_document_is_linked_as_a_whole(indent: int | None) -> None:
    """A JSON event of one line or of many has its frames, and its text is unchanged."""
    content = json.dumps(EVENT, indent=indent) + "\n"
    recorder = fed(content.encode())
    assert recorder.linked == ["main.py"]
    assert "".join(line for line in recorder.out.getvalue().splitlines(keepends=True) if "->" not in line) == content


def test_text_after_a_document_of_one_line_is_linked_too() -> None:
    """A log may begin with an event."""
    recorder = fed(json.dumps(EVENT).encode() + b"\na.py:3: Error\nend\n")
    assert recorder.linked == ["main.py", "a.py"]
    assert recorder.out.getvalue().splitlines()[-3:] == ["a.py:3: Error", "    -> a.py#3", "end"]


@pytest.mark.parametrize(
    "first",
    [b"[ERROR] failed", b"[1, 2", b"{not json", b"[" * 5_000, b'{"a": ' * 5_000, b"  [\x00"],
)
def test_line_with_a_bracket_does_not_hide_the_text(first: bytes) -> None:
    """What is no JSON document, or one of any depth, is read as text and printed unchanged."""
    content = first + b"\na.py:3: Error\n"
    recorder = fed(content)
    assert recorder.out.getvalue().replace("    -> a.py#3\n", "").encode(errors="surrogateescape") == content
    assert recorder.linked == ["a.py"]


def test_large_document_is_not_held_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """Text beyond the limit of a document is linked line by line."""
    monkeypatch.setattr(linked_text, "MAX_TEXT", 50)
    monkeypatch.setattr(linked_text, "_BLOCK", 16)
    recorder = fed(b"[\n" + b"1,\n" * 40 + b"a.py:3: Error\n")
    assert recorder.linked == ["a.py"]
    assert recorder.out.getvalue().endswith("a.py:3: Error\n    -> a.py#3\n")


def test_empty_input_prints_nothing() -> None:
    """No text is no error."""
    assert fed(b"").out.getvalue() == ""


@pytest.mark.parametrize("text", ["é", "█", "🎉", "ab█", "█🎉"])
def test_character_is_shown_as_a_whole(text: str) -> None:
    """A pause inside a character does not split it."""
    splitter = LineSplitter()
    shown = []
    for byte in text.encode():
        splitter.split(bytes([byte]))
        shown.append(splitter.pause().partial)
    assert shown[-1] == text
    assert all(text.startswith(part) for part in shown)


@given(st.binary(max_size=12), st.binary(max_size=12))
def test_start_of_a_line_is_never_taken_back(start: bytes, rest: bytes) -> None:
    """What a pause has shown is the start of what is shown later, for any bytes."""
    splitter = LineSplitter()
    splitter.split(start.replace(b"\n", b""))
    shown = splitter.pause().partial
    splitter.split(rest.replace(b"\n", b""))
    (line,) = splitter.split(b"\n").lines
    assert line.text.startswith(shown)


def test_wait_begins_with_the_first_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """Text that arrives faster than the wait ends is shown in time, too: only many lines begin a new wait."""
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    splitter = LineSplitter(8.0)
    waits = [splitter.seconds_left()]
    for block in (b"a", b"b\n", b"\n" * 100, b"c"):
        splitter.split(block)
        waits.append(splitter.seconds_left())
        now[0] += 2.0
    assert waits == [None, 8.0, 6.0, 8.0, 6.0]
    now[0] += 60.0
    assert splitter.seconds_left() == 0
    splitter.pause()
    assert splitter.seconds_left() is None
