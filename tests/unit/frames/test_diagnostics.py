"""Places that tools print without a stack, in the cases of each tool, and what is no place."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loading import load_cases
from scmhost.frames import Frame, FrameMatch, LineReader, read_text
from scmhost.frames.diagnostics import DIAGNOSTICS, FORMS, PLACES
from scmhost.frames.diagnostics.file_names import has_file_name, may_be_a_file, stands_alone
from scmhost.frames.diagnostics.forms import PlaceForm, read_forms
from scmhost.frames.notation import ContextLines, Notation

CASES = [case for case in load_cases("diagnostics") if "places" in case]
NONE = [case for case in load_cases("diagnostics") if "places" not in case]


def name(case: dict[str, Any]) -> str:
    return f"{case.get('tool', '')} {case['id']}".strip()


def place(frame: Frame) -> list[object]:
    """Path, line and column, without nulls at the end."""
    row: list[object] = [frame.path, frame.line, frame.column]
    while row[-1] is None:
        row.pop()
    return row


def matches(text: str) -> tuple[FrameMatch, ...]:
    return read_text(text).frames


@pytest.mark.parametrize("case", CASES, ids=name)
def test_tool_gives_its_places(case: dict[str, Any]) -> None:
    """All places of a tool's output are read, as printed and in order."""
    found = matches(case["text"])
    assert [place(match.frame) for match in found] == case["places"]
    if "messages" in case:
        assert [match.frame.message for match in found] == case["messages"]


@pytest.mark.parametrize("case", CASES, ids=name)
def test_span_of_a_diagnostic_is_its_place(case: dict[str, Any]) -> None:
    """The span is the path, and a number directly after it; in a row below its path it is the number."""
    lines = case["text"].split("\n")
    for match in matches(case["text"]):
        text = lines[match.text_line][match.start : match.end]
        number = str(match.frame.line)
        assert text.startswith(match.frame.path) or text.partition(":")[0] == number or text.lstrip("0") == number


@pytest.mark.parametrize("line", [line for case in NONE for line in case["text"].split("\n") if line.strip()])
def test_ordinary_line_has_no_place(line: str) -> None:
    """Times, ports, versions, keys, code, styles and prose name no place."""
    assert [place(match.frame) for match in matches(line)] == []


@pytest.mark.parametrize("case", NONE, ids=name)
def test_ordinary_text_has_no_place(case: dict[str, Any]) -> None:
    """Neighbouring lines make no place of them, either."""
    assert [place(match.frame) for match in matches(case["text"])] == []


@pytest.mark.parametrize("case", CASES, ids=name)
@pytest.mark.parametrize("prefix", ["", "  "])
def test_stream_gives_the_places_of_the_text(case: dict[str, Any], prefix: str) -> None:
    """Lines that arrive one by one give the same places, besides the header that Node.js prints above a stack."""
    text = "\n".join(prefix + line for line in case["text"].split("\n"))
    reader = LineReader()
    streamed = [match for line in text.split("\n") for match in reader.feed(line)] + reader.flush()
    assert [match for match in streamed if match in matches(text)] == list(matches(text))
    assert len(streamed) - len(matches(text)) <= (case["tool"] == "Node.js")


def test_group_may_be_longer_than_the_context() -> None:
    """The path of a group is known for any number of rows."""
    rows = [f"  {number}:5  error  no price  no-undef" for number in range(1, 101)]
    found = matches("\n".join(["src/cart.js", *rows]))
    assert [match.frame.line for match in found] == list(range(1, 101))
    assert {match.frame.path for match in found} == {"src/cart.js"}


def test_group_ends_with_another_line() -> None:
    """A row after other text does not belong to the path of an earlier group."""
    row = "  12:5  error  no price  no-undef"
    assert len(matches(f"src/cart.js\n{row}\nwords\n{row}\n{row}")) == 1


@pytest.mark.parametrize("notation", DIAGNOSTICS, ids=lambda notation: notation.name)
def test_hint_alone_makes_no_place(notation: Notation) -> None:
    """A sentence with a hint has no place, and one with a sign of a place neither."""
    for hint in notation.hints or (" ", ":", "(", "line", "Line", "[", "#", " @ "):
        line = f"some words{hint}and more words"
        assert notation.read(line, ContextLines([line])) is None


# No ``ids``: pytest escapes those once more in each run of a process, and mutmut runs it several times.
@pytest.mark.parametrize("form", [pytest.param(form, id=form.example) for form in FORMS])
def test_example_of_a_form_is_a_place(form: PlaceForm) -> None:
    """Each form reads its example, and the forms together pass over none of them."""
    line = form.example
    assert read_forms([form], line)
    assert PLACES.read(line, ContextLines([line]))


def test_message_is_the_text_after_the_place() -> None:
    """A message follows its place, or stands before it if the place is in the last column."""
    (match,) = matches("src/cart.py:12:5: error: no price  [name-defined]")
    assert match.frame == Frame(
        "src/cart.py", 12, 5, language="python", kind="diagnostic", message="error: no price  [name-defined]"
    )
    (match,) = matches("we saw src/cart.py:12 in a sentence")
    assert match.frame.message is None


def test_places_of_a_line_are_in_order() -> None:
    """All places of a line are read, in whatever forms they are."""
    found = matches("src/cart.ts(12,5): error: see src/tax.ts:3 and src/old.ts#L9")
    assert [place(match.frame) for match in found] == [["src/cart.ts", 12, 5], ["src/tax.ts", 3], ["src/old.ts", 9]]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("cart.py", True),
        ("Makefile", True),
        ("src/BUILD", True),
        ("BUILD", False),
        ("CMakeLists.txt", True),
        ("notes.txt", False),
        ("docs/notes.txt", True),
        ("/etc/ssh/sshd_config", True),
        ("/v1/orders", False),
        ("./run", True),
        ("acme/shop", False),
        ("//host/cart.py", False),
        ("example.com/cart.x", False),
        ("api.shop.rs", False),
        (".py", False),
        ("12.5", False),
    ],
)
def test_file_is_told_from_other_names(path: str, expected: bool) -> None:
    """A known extension, a known name or a folder makes a file."""
    assert may_be_a_file(path) is expected


def test_bare_name_depends_on_what_is_before_it() -> None:
    """An operator before a name without folders makes it a part of an expression."""
    assert stands_alone("cart.py", "(")
    assert not stands_alone("cart.py", "?")
    assert not stands_alone("e.c", "a[")
    assert stands_alone("cart.c", " [")


@given(st.text("ab.:/\\()[]#,12 -\"'", max_size=60))
def test_any_line_gives_places_within_it(line: str) -> None:
    """A place is always a part of its line."""
    for match in matches(line):
        assert 0 <= match.start < match.end <= len(line)


def test_every_form_is_used_by_a_case() -> None:
    """A form that no tool's case needs is not kept."""
    texts = [line.strip() for case in CASES for line in case["text"].split("\n")]
    unused = [form.pattern.source for form in FORMS if not any(form.pattern.search(text) for text in texts)]
    assert unused == []


def test_names_have_no_upper_case_twins() -> None:
    """The case of a name does not matter."""
    assert has_file_name("src/CART.PY")
    assert has_file_name("makefile")
