"""Physical lines and their positions in the text."""

import re

import pytest

from scmhost.frames.physical_lines import LineMarks, PhysicalLine, physical_lines, split_line

RED, OFF = "\x1b[31m", "\x1b[0m"
MARKS = LineMarks(("mark", "sign"), (re.compile(r"#\d"),))


def texts(line: str) -> list[str]:
    return [part.text for part in split_line(line, 0)]


@pytest.mark.parametrize(
    ("block", "numbers"),
    [
        ("", []),
        ("nothing\nhere", []),
        ("mark", [0]),
        ("mark mark\nsign", [0, 1]),
        ("\n\nmark\n\n#1\nsign #2\n", [2, 4, 5]),
        ("sign\nmark\nsign", [0, 1, 2]),
        ("a\nb #7", [1]),
    ],
)
def test_marks_are_found_on_their_lines(block: str, numbers: list[int]) -> None:
    """A line with any number of marks is listed once, and the lines are in order."""
    assert MARKS.lines(block) == numbers


def test_line_without_marks_is_its_own_physical_line() -> None:
    """A block without colours and escaped line ends is only split into lines."""
    lines, origins = physical_lines("one\ntwo", 5)
    assert (lines, origins) == (["one", "two"], range(5, 7))


def test_only_marked_lines_have_parts() -> None:
    """Beside a line with colours, other lines keep their numbers."""
    lines, origins = physical_lines(f"one\n{RED}two{OFF}\nthree\nfour", 5)
    assert lines == ["one", "two", "three", "four"]
    assert origins == [5, PhysicalLine("two", 6, 0, ((0, 5), (3, 9))), 7, 8]


def test_two_marked_lines_keep_the_line_between() -> None:
    """The lines between two marked ones are neither lost nor repeated."""
    lines, origins = physical_lines(f"{RED}a\nb\nc\n{RED}d", 0)
    assert lines == ["a", "b", "c", "d"]
    assert [origin if isinstance(origin, int) else origin.number for origin in origins] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "line",
    [
        f"a {RED}b{OFF} c",
        "a \\u001b[31mb\\u001b[0m c",
        "a \\x1b[1;31mb\\033[m c",
        "a ␛[31mb␛[K c",
        "a [31mb[0m c",
        "a \x1b]8;;https://acme.dev\x1b\\b\x1b]8;;\x07 c",
    ],
)
def test_colours_are_removed(line: str) -> None:
    """Colours and links of a terminal are no part of the physical line, even without the escape character."""
    assert texts(line) == ["a b c"]


def test_positions_lead_back_over_colours() -> None:
    """A position counts what was removed before it; an end does not count what was removed at it."""
    line = f"a {RED}b{OFF} c"
    (part,) = split_line(line, 3)
    assert part.number == 3
    assert [line[part.position(at)] for at in range(5)] == ["a", " ", "b", " ", "c"]
    assert line[part.position(2) : part.position(3, end=True)] == "b"
    assert part.position(2, end=True) == 2


def test_escaped_line_ends_split_a_line() -> None:
    """A log that writes a trace as one line gives the lines of the trace, without their indentation."""
    line = '{"msg": "Error: no\\n    at total (/srv/a.js:1:2)\\n\\tat main (/srv/b.js:3:4)\\n", "level": "error"}'
    parts = list(split_line(line, 2))
    assert [part.text for part in parts] == [
        "Error: no",
        "at total (/srv/a.js:1:2)",
        "at main (/srv/b.js:3:4)",
        "",
    ]
    for part in parts:
        assert part.number == 2
        assert line[part.position(0) :].startswith(part.text)


def test_doubled_backslashes_split_a_line() -> None:
    """A log within a log has doubled the backslashes of the line ends."""
    assert texts("Error\\\\n  at total (/srv/a.js:1:2)\\\\n  at b (/srv/a.js:3:4)") == [
        "Error",
        "at total (/srv/a.js:1:2)",
        "at b (/srv/a.js:3:4)",
    ]


@pytest.mark.parametrize("line", ["open C:\\new\\names.txt", "a\\nb", "printf '%s\\n'"])
def test_backslash_n_elsewhere_is_no_line_end(line: str) -> None:
    r"""A ``\n`` without a trace behind it belongs to a path or to code."""
    assert texts(line) == [line]


def test_positions_lead_back_over_colours_in_every_part() -> None:
    """Each part of a split line counts only the colours within itself."""
    line = f"{RED}Error{OFF}\\n    at {RED}total{OFF} (/srv/a.js:1:2)\\n    at {RED}main{OFF} (/srv/b.js:3:4)"
    parts = list(split_line(line, 0))
    assert [part.text for part in parts] == ["Error", "at total (/srv/a.js:1:2)", "at main (/srv/b.js:3:4)"]
    for part, word in zip(parts, ["Error", "total", "main"], strict=True):
        begin = part.text.index(word)
        assert line[part.position(begin) : part.position(begin + len(word), end=True)] == word
        assert [line[part.position(at)] for at in range(len(part.text))] == list(part.text)
