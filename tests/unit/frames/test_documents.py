"""Frames out of JSON documents."""

import json
from typing import Any

import pytest

from loading import case_id, load_cases
from scmhost.frames import read_text


def rows(text: str) -> list[list[Any]]:
    fields = ("path", "line", "column", "function", "module", "language")
    return [[getattr(found.frame, field) for field in fields] for found in read_text(text).frames]


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("case", load_cases("documents"), ids=case_id)
def test_reads_a_document(case: dict[str, Any], indent: int | None) -> None:
    """A document's frames come in the order of its text, however it is laid out."""
    assert rows(json.dumps(case["document"], indent=indent)) == case["frames"]


@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("case", load_cases("documents"), ids=case_id)
def test_a_frame_is_found_in_its_document(case: dict[str, Any], *, ascii_only: bool) -> None:
    """Where a frame stands is where its path is written, as JSON writes it."""
    text = json.dumps(case["document"], indent=1, ensure_ascii=ascii_only)
    for found in read_text(text).frames:
        written = text.split("\n")[found.text_line][found.start : found.end]
        assert json.dumps(found.frame.path, ensure_ascii=ascii_only)[1:-1] in (
            written,
            written[: len(found.frame.path)],
        )


def test_a_path_written_in_another_way_is_still_read() -> None:
    r"""A slash may be written ``\/``; the frame then stands where the text begins."""
    text = '{"frames": [{"filename": "app\\/shop.py", "lineno": 12}]}'
    (found,) = read_text(text).frames
    assert (found.frame.path, found.text_line, found.start) == ("app/shop.py", 0, 0)


def test_a_limit_on_frames_is_kept_in_documents() -> None:
    """Of a document with too many frames the first ones are read, and that is said."""
    reading = read_text(json.dumps({"frames": [{"filename": "a.py"}] * 3}), most=2)
    assert (len(reading.frames), reading.truncated) == (2, True)


@pytest.mark.parametrize(
    "text",
    [
        '{"frames": [',
        '{"frames": 3}',
        "[" * 100_000 + '"frames"',
        '{"a": ' * 60 + '{"frames": [{"filename": "a"}]}' + "}" * 60,
    ],
    ids=["cut off", "of another kind", "bottomless", "too deep"],
)
def test_other_documents_have_no_frames(text: str) -> None:
    """What is no document of a form that we know is read as any text is."""
    assert read_text(text).frames == ()
