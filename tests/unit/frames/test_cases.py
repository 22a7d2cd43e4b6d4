"""Frames of the case tables, the samples and the recorded crashes, and the limits of one text."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from loading import CASES, case_id, load_cases
from scmhost.frames import Frame, FrameMatch, Reading, read_lines, read_text
from scmhost.frames.notation import Notation
from scmhost.frames.notations import NOTATIONS

FRAME_LINE = '  File "app/views.py", line 3, in show\n'
SAMPLES = CASES / "traces"
FIELDS = ("path", "line", "column", "function", "module")


def short(frame: Frame) -> list[object]:
    """Path, line, column, function and module, without nulls at the end."""
    row = [getattr(frame, field) for field in FIELDS]
    while row[-1] is None and len(row) > 2:
        row.pop()
    return row


def of_kind(reading: Reading, kind: str) -> list[Frame]:
    return [match.frame for match in reading.frames if match.frame.kind == kind]


def languages(reading: Reading) -> object:
    all_languages = [frame.language for frame in of_kind(reading, "frame")]
    return all_languages[0] if len(set(all_languages)) == 1 else all_languages or None


def recorded(folder: str, frames: Mapping[str, Any]) -> Iterator[Any]:
    for name, expected in frames.items():
        text = (SAMPLES / folder / name).read_bytes().decode(errors="replace")
        yield pytest.param(text, expected, id=name)


def samples() -> list[Any]:
    return list(recorded("", json.loads((SAMPLES / "expected.json").read_text("utf-8"))["traces"]))


def crashes() -> list[Any]:
    return list(recorded("recorded", json.loads((SAMPLES / "recorded" / "expected.json").read_text("utf-8"))))


@pytest.mark.parametrize("case", load_cases("frames"), ids=case_id)
def test_case_gives_its_frames(case: dict[str, Any]) -> None:
    """The frames of each notation are read as printed, diagnostics are apart, and lines with neither are counted."""
    reading = read_text(case["text"])
    assert [short(frame) for frame in of_kind(reading, "frame")] == case["frames"]
    assert [short(frame) for frame in of_kind(reading, "diagnostic")] == case.get("diagnostics", [])
    assert (languages(reading), reading.unread) == (case.get("language"), case["unread"])


@pytest.mark.parametrize(("text", "expected"), samples())
def test_sample_gives_its_frames_in_order(text: str, expected: dict[str, Any]) -> None:
    """All frames of a sample are read in order; locations in its messages may be read, too."""
    missing = [[frame.get(field) for field in FIELDS] for frame in expected["frames"]]
    allowed = [[location.get(field) for field in FIELDS] for location in expected.get("optional", [])]
    for frame in ([getattr(frame, field) for field in FIELDS] for frame in of_kind(read_text(text), "frame")):
        if missing and frame == missing[0]:
            missing.pop(0)
        else:
            assert frame in allowed
    assert missing == []


@pytest.mark.parametrize(("text", "expected"), crashes())
def test_recorded_crash_gives_its_frames(text: str, expected: list[dict[str, Any]]) -> None:
    """All fields of all frames that a crashed program printed are read."""
    frames = [frame._asdict() for frame in of_kind(read_text(text), "frame")]
    expected = [{**frame, "kind": "frame"} for frame in expected]
    assert [{name: value for name, value in frame.items() if value is not None} for frame in frames] == expected


def test_limit_on_frames_keeps_the_first_ones() -> None:
    """Of a text with too many frames the first ones are read, and the reading is marked as truncated."""
    reading = read_text(FRAME_LINE * 5, most=3)
    assert [match.text_line for match in reading.frames] == [0, 1, 2]
    assert reading.truncated
    assert not read_text(FRAME_LINE * 3, most=3).truncated


def test_long_text_is_cut_between_lines() -> None:
    """The line that crosses the limit is left out, not read in part."""
    reading = read_text(f"{FRAME_LINE}x\ny\nz", limit=len(FRAME_LINE) + 3)
    assert [match.frame.function for match in reading.frames] == ["show"]
    assert (reading.unread, reading.truncated) == (1, True)
    reading = read_text(FRAME_LINE * 3, limit=len(FRAME_LINE) * 2 + 5)
    assert [match.frame.function for match in reading.frames] == ["show", "show"]
    assert reading.truncated


def test_line_that_ends_behind_the_limit_is_left_out() -> None:
    """A line belongs to the text within the limit only with its line feed."""
    assert len(read_text(FRAME_LINE * 3, limit=len(FRAME_LINE) * 2).frames) == 2
    assert len(read_text(FRAME_LINE * 3, limit=len(FRAME_LINE) * 2 - 1).frames) == 1


def test_text_as_long_as_the_limit_is_read_whole() -> None:
    """A text of exactly the limit is not truncated."""
    assert not read_text(FRAME_LINE, limit=len(FRAME_LINE)).truncated


def test_empty_text_has_no_frames() -> None:
    """An empty text gives no frames and no unread lines."""
    assert read_text("") == Reading((), 0, truncated=False)
    assert list(read_lines([])) == []


def test_last_line_without_a_line_feed_is_read() -> None:
    """The end of the text ends the last line."""
    assert read_text(FRAME_LINE.rstrip("\n")).frames == read_text(FRAME_LINE).frames


@pytest.mark.parametrize("lines", range(12_272, 12_290))
def test_frame_across_the_end_of_a_block_is_complete(lines: int) -> None:
    """A long text is read in blocks of about 24,576 characters; a frame may begin in one and end in the next."""
    padding = "x\n" * lines
    text = f'{padding}File "/srv/views.py" in show\n12.     return total()\n{FRAME_LINE}'
    reading = read_text(text)
    assert [(match.frame.line, match.text_line) for match in reading.frames] == [(12, lines), (3, lines + 2)]
    assert reading.unread == lines + 1


def test_position_is_on_the_line_of_the_path() -> None:
    """If a path is above the line that completes its frame, the position is that of the path."""
    (match,) = read_text("~/shop.py in total(x)\n     10 def total(x):\n---> 11     return x").frames
    frame = Frame("~/shop.py", 11, function="total", language="python")
    assert match == FrameMatch(frame, 0, 0, len("~/shop.py"))


def test_position_above_is_behind_the_log_prefix() -> None:
    """The prefix of the line with the path counts, not that of the line that completes the frame."""
    (match,) = read_text("web_1 | ~/shop.py in total(x)\n---> 11     return x").frames
    assert (match.text_line, match.start, match.end) == (0, 8, 8 + len("~/shop.py"))


@pytest.mark.parametrize("notation", NOTATIONS, ids=lambda notation: notation.name)
def test_every_notation_has_cases(notation: Notation) -> None:
    """A notation has a case file of its own, or cases in the file of its family."""
    assert {path.stem for path in (CASES / "frames").glob("*.json")} & {notation.name, notation.name.partition("_")[0]}


def test_names_of_notations_are_unique() -> None:
    """A name in the report of a test identifies one notation."""
    names = [notation.name for notation in NOTATIONS]
    assert len(set(names)) == len(names)
