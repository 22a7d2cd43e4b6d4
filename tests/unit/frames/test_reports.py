"""Frames in the fields of JSON and XML documents."""

import json
import time
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from loading import case_id, load_cases
from scmhost.frames import Frame, FrameMatch, read_lines, read_text


def rows(text: str) -> list[list[Any]]:
    fields = ("path", "line", "column", "function", "module", "language")
    return [[getattr(match.frame, field) for field in fields] for match in read_text(text).frames]


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("case", load_cases("documents"), ids=case_id)
def test_document_gives_its_frames(case: dict[str, Any], indent: int | None) -> None:
    """The frames of a document come in the order of its text, with any indentation."""
    assert rows(json.dumps(case["document"], indent=indent)) == case["frames"]


@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("case", load_cases("documents"), ids=case_id)
def test_position_is_that_of_the_path_in_the_document(case: dict[str, Any], *, ascii_only: bool) -> None:
    """The position of a frame is that of its path as JSON writes it."""
    text = json.dumps(case["document"], indent=1, ensure_ascii=ascii_only)
    for match in read_text(text).frames:
        written = text.split("\n")[match.text_line][match.start : match.end]
        assert json.dumps(match.frame.path, ensure_ascii=ascii_only)[1:-1] in (
            written,
            written[: len(match.frame.path)],
        )


def test_document_of_a_known_form_without_frames_is_read_as_text() -> None:
    """Words of a form alone make no report."""
    text = '{"frames": [], "log": "File \'/srv/shop.py\', line 12, in total"}'
    assert [match.frame.path for match in read_text(text).frames] == ["/srv/shop.py"]


def test_document_has_no_unread_lines() -> None:
    """All lines of a document belong to it."""
    reading = read_text(json.dumps({"frames": [{"filename": "a.py"}]}, indent=1))
    assert (len(reading.frames), reading.unread, reading.truncated) == (1, 0, False)


def test_path_in_another_spelling_has_its_position() -> None:
    r"""A slash may be written ``\/``."""
    text = '{"frames": [{"filename": "app\\/shop.py", "lineno": 12}, {"filename": "a.py"}]}'
    first, second = read_text(text).frames
    assert first == FrameMatch(Frame("app/shop.py", 12, language="python"), 0, 26, 38)
    assert text[second.start : second.end] == "a.py"


def test_equal_paths_have_consecutive_positions() -> None:
    """Frames with the same path are at its occurrences in the order of the text, on their own lines."""
    text = json.dumps({"frames": [{"filename": "a.py"}, {"filename": "a.py"}, {"filename": "bb.py"}]}, indent=1)
    positions = [(match.text_line, match.start, match.end) for match in read_text(text).frames]
    lines = [number for number, line in enumerate(text.split("\n")) if "filename" in line]
    assert positions == [(line, 16, 16 + length) for line, length in zip(lines, (4, 4, 5), strict=True)]


def test_limit_on_frames_keeps_the_first_ones_of_a_document() -> None:
    """Of a document with too many frames the first ones are read, and the reading is marked as truncated."""
    text = json.dumps({"frames": [{"filename": "a.py"}] * 3})
    reading = read_text(text, most=2)
    assert (len(reading.frames), reading.truncated) == (2, True)
    assert not read_text(text, most=3).truncated


def test_texts_of_a_document_are_read_beside_its_fields() -> None:
    """A stack trace in an OpenTelemetry attribute gives frames, in the order of the text with those of the fields."""
    trace = 'File "first.py", line 1, in f'
    text = json.dumps(
        {"exception.stacktrace": trace, "code.file.path": "app/shop.py", "code.line.number": 12}, indent=1
    )
    reading = read_text(text)
    assert [(match.frame.path, match.text_line) for match in reading.frames] == [("first.py", 1), ("app/shop.py", 2)]


def test_truncated_document_is_read_as_text() -> None:
    """Half a document is no JSON, so its fields are not read."""
    text = json.dumps({"frames": [{"filename": "a.py"}]}) + "\n"
    assert len(read_text(text).frames) == 1
    assert read_text(text + text, limit=len(text)).frames == ()


@pytest.mark.parametrize("before", ["", " ", "\n\n"])
def test_blanks_before_a_document_are_allowed(before: str) -> None:
    """A document may begin with blanks and empty lines."""
    text = f'{before}[{{"frames": [{{"filename": "a.py"}}]}}]'
    (match,) = read_text(text).frames
    assert match.text_line == before.count("\n")
    assert text.split("\n")[match.text_line][match.start : match.end] == "a.py"


@pytest.mark.parametrize(
    "text",
    [
        '{"frames": [',
        '{"frames": 3}',
        "[" * 100_000 + '"frames"',
        '{"a": ' * 60 + '{"frames": [{"filename": "a"}]}' + "}" * 60,
    ],
    ids=["cut off", "another type", "endless nesting", "too deep"],
)
def test_other_documents_have_no_frames(text: str) -> None:
    """A text that is no document of a known form gives no frames from fields."""
    assert read_text(text).frames == ()


@pytest.mark.parametrize(("line", "column"), [("lineno", "colno"), ("lineNo", "colNo")])
def test_sentry_frame_has_its_line_and_column_in_both_spellings(line: str, column: str) -> None:
    """Sentry's API spells line and column of a frame in another way than its events."""
    text = json.dumps({"frames": [{"absPath": "/srv/shop.js", line: 12, column: 7, "function": "total"}]})
    (match,) = read_text(text).frames
    assert (match.frame.path, match.frame.line, match.frame.column) == ("/srv/shop.js", 12, 7)


REPORTS = load_cases("reports")
TEXTS = [case for case in REPORTS if "text" in case]


def full_rows(matches: Iterable[FrameMatch]) -> list[list[Any]]:
    fields = ("path", "line", "column", "function", "module", "language", "kind", "message")
    return [[getattr(match.frame, field) for field in fields] for match in matches]


def text_of(case: dict[str, Any]) -> str:
    return str(case["text"]) if "text" in case else json.dumps(case["document"])


@pytest.mark.parametrize("case", REPORTS, ids=case_id)
def test_report_gives_its_places(case: dict[str, Any]) -> None:
    """Reports of linters and test runners, and records of logs and error trackers, give the places in their fields."""
    assert full_rows(read_text(text_of(case)).frames) == case["frames"]


@pytest.mark.parametrize("case", [case for case in REPORTS if not text_of(case).startswith("<")], ids=case_id)
def test_json_on_one_line_is_read_in_a_stream(case: dict[str, Any]) -> None:
    """A stream gives what the whole text gives, at the same positions, whatever is around the record."""
    text = text_of(case)
    number = len(text.split("\n"))
    before, after = list(read_lines(text.split("\n"))), list(read_lines(["hello", *text.split("\n"), "hello"]))
    assert tuple(before) == read_text(text).frames
    assert [match.text_line for match in after] == [match.text_line + 1 for match in before]
    reading = read_text(f"hello\n{text}\nhello\n{text}")
    assert [match.text_line for match in reading.frames] == [
        match.text_line + shift for shift in (1, number + 2) for match in before
    ]


@pytest.mark.parametrize("case", REPORTS, ids=case_id)
def test_positions_lead_to_the_path(case: dict[str, Any]) -> None:
    """The text at a position is the path, as it is written, or the element of a finding in a file's list."""
    text = text_of(case)
    for match in read_text(text).frames:
        written = text.split("\n")[match.text_line][match.start : match.end]
        path = match.frame.path.replace("\\", "\\\\") if text[0] in "[{" else match.frame.path
        assert written in (path, f"{path}:{match.frame.line}") or (text[0] == "<" and written[0] == "<")


@pytest.mark.parametrize("case", [case for case in TEXTS if case["text"][0] == "<"], ids=case_id)
def test_broken_xml_gives_what_it_has(case: dict[str, Any]) -> None:
    """A document that is cut off anywhere is read up to there."""
    for end in range(len(case["text"])):
        rows = full_rows(read_text(case["text"][:end]).frames)
        assert len(rows) <= len(case["frames"]) + 1


def test_entities_of_a_document_type_are_not_expanded() -> None:
    """Only the entities of single characters are replaced; a document type ends the reading."""
    bomb = '<!DOCTYPE a [<!ENTITY b "&c;&c;"><!ENTITY c SYSTEM "file:///etc/passwd">]>'
    test = '<testsuite><testcase file="a.py" line="3"><failure>&b; at x.py</failure></testcase></testsuite>'
    assert read_text(bomb + test).frames == ()
    (match,) = read_text(test).frames
    assert (match.frame.path, match.frame.line) == ("a.py", 3)


def test_prefix_before_a_record_is_kept() -> None:
    """A log may put its own prefix before a JSON record."""
    record = '{"time": 1, "caller": "shop/cart.go:12", "msg": "no price"}'
    text = f"web_1  | {record}\nweb_1  | ready"
    reading = read_text(text)
    assert [(match.frame.path, match.frame.line) for match in reading.frames] == [("shop/cart.go", 12)]
    assert text[reading.frames[0].start : reading.frames[0].end] == "shop/cart.go:12"


HOSTILE: list[tuple[str, Callable[[int], str]]] = [
    ("escaped paths", lambda size: json.dumps([{"file": f"ä/{n}.py", "line": 3} for n in range(size)])),
    ("one path", lambda size: json.dumps([{"file": "a.py", "line": 3}] * size)),
    ("findings of one file", lambda size: json.dumps([{"filePath": "a.py", "messages": [{"line": 3}] * size}])),
    ("records", lambda size: '{"file": "a.py", "line": 3}\n' * size),
    ("records that are no JSON", lambda size: '{"line": ' * size),
    ("places of one digit", lambda size: json.dumps({"stack": ["a:" * size]})),
    ("open tags", lambda size: "<testsuite>" + "<a b='" * size),
    ("open sections", lambda size: "<testsuite>" + "<![CDATA[" * size),
    ("deep elements", lambda size: "<testsuite>" + '<a file="b.py" line="3">' * size),
    ("tests", lambda size: "<testsuite>" + '<testcase file="b.py" line="3"><failure/></testcase>' * size),
    ("entities", lambda size: "<testsuite><a>" + "&lt;&#10;" * size),
    ("attributes", lambda size: "<testsuite><a " + "b" * size + ">"),
    ("printed lines", lambda size: '{"Output": "' * size),
]


@pytest.mark.thorough
@pytest.mark.parametrize("make", [make for _, make in HOSTILE], ids=[name for name, _ in HOSTILE])
def test_cost_is_linear_in_the_length(make: Callable[[int], str]) -> None:
    """Four times the length costs at most eight times as much."""

    def cost(size: int) -> float:
        text = make(size)
        times = []
        for _ in range(5):
            begin = time.process_time()
            read_text(text, limit=len(text))
            times.append(time.process_time() - begin)
        return min(times)

    assert cost(2000) <= 8 * cost(500) + 0.002
