"""Frames out of pasted text."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

import pytest

from loading import CASES, case_id, load_cases
from scmhost.frames import Frame, Reading, read_lines, read_text
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


def languages(reading: Reading) -> object:
    found = [place.frame.language for place in reading.frames]
    return found[0] if len(set(found)) == 1 else found or None


def recorded(folder: str, frames: Mapping[str, Any]) -> Iterator[Any]:
    for name, expected in frames.items():
        text = (SAMPLES / folder / name).read_bytes().decode(errors="replace")
        yield pytest.param(text, expected, id=name)


def samples() -> list[Any]:
    return list(recorded("", json.loads((SAMPLES / "expected.json").read_text("utf-8"))["traces"]))


def crashes() -> list[Any]:
    return list(recorded("recorded", json.loads((SAMPLES / "recorded" / "expected.json").read_text("utf-8"))))


@pytest.mark.parametrize("case", load_cases("frames"), ids=case_id)
def test_reads_a_text(case: dict[str, Any]) -> None:
    """Each notation's frames come out as printed, and lines without one are counted."""
    reading = read_text(case["text"])
    assert [short(place.frame) for place in reading.frames] == case["frames"]
    assert (languages(reading), reading.unread) == (case.get("language"), case["unread"])


@pytest.mark.parametrize(("text", "expected"), samples())
def test_reads_a_sample(text: str, expected: dict[str, Any]) -> None:
    """The frames of the samples come out in their order; the places in messages may come out too."""
    wanted = [[frame.get(field) for field in FIELDS] for frame in expected["frames"]]
    allowed = [[place.get(field) for field in FIELDS] for place in expected.get("optional", [])]
    found = [[getattr(place.frame, field) for field in FIELDS] for place in read_text(text).frames]
    for frame in found:
        if wanted and frame == wanted[0]:
            wanted.pop(0)
        else:
            assert frame in allowed
    assert wanted == []


@pytest.mark.parametrize(("text", "expected"), crashes())
def test_reads_a_crash(text: str, expected: list[dict[str, Any]]) -> None:
    """What programs print as they crash is read whole."""
    found = [asdict(place.frame) for place in read_text(text).frames]
    assert [{name: value for name, value in frame.items() if value is not None} for frame in found] == expected


def test_a_limit_on_frames_is_kept() -> None:
    """Of a text with too many frames the first ones are read, and that is said."""
    reading = read_text(FRAME_LINE * 5, most=3)
    assert (len(reading.frames), reading.truncated) == (3, True)
    assert not read_text(FRAME_LINE * 3, most=3).truncated


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
    assert list(read_lines([])) == []


def test_a_frame_is_found_where_its_path_stands() -> None:
    """Where a path stands above the line that completes its frame, the path is what is found."""
    (found,) = read_text("~/shop.py in total(x)\n     10 def total(x):\n---> 11     return x").frames
    assert (found.text_line, found.start, found.end) == (0, 0, len("~/shop.py"))


@pytest.mark.parametrize("notation", NOTATIONS, ids=lambda notation: notation.__name__)
def test_every_notation_has_cases(notation: Any) -> None:
    """A notation comes with examples of its own, or shares those of its language."""
    name = notation.__name__.rpartition(".")[2]
    language = name.partition("_")[0]
    shared = {"xunit": "csharp", "vitest": "v8", "django": "python"}.get(name, language)
    assert {path.stem for path in (CASES / "frames").glob("*.json")} & {name, shared}
