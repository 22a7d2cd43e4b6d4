"""Traces behind the prefixes of logs, containers, tools and people."""

from typing import Any

import pytest

from loading import case_id, load_cases
from scmhost.frames import FrameMatch, read_lines, read_text
from scmhost.frames.log_prefixes import learned_prefixes

pytestmark = pytest.mark.thorough

TRACES = load_cases("prefixed_traces")


def prefix_of(case: dict[str, Any], number: int) -> str:
    """Return a prefix with the numbers of this line: times and counters differ from line to line."""
    numbers = {"{nnn}": 100 + 7 * number, "{nn}": 10 + number, "{n}": number}
    prefix = str(case["prefix"])
    for name, value in numbers.items():
        prefix = prefix.replace(name, str(value))
    return prefix


def logged(case: dict[str, Any], text: str) -> str:
    """Return the text as the log has it."""
    tab = case.get("tab", "\t")
    if tab == "\\t":
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    lines = text.replace("\t", tab).split("\n")
    suffix = case.get("suffix", "")
    return "\n".join(f"{prefix_of(case, number)}{line}{suffix}" for number, line in enumerate(lines, start=1))


def behind(case: dict[str, Any], matches: tuple[FrameMatch, ...]) -> list[FrameMatch]:
    """Return the frames that are not places in the prefix itself, such as that of the call that logged the line."""
    return [match for match in matches if match.start >= len(prefix_of(case, match.text_line + 1))]


def rows(matches: list[FrameMatch]) -> list[list[object]]:
    return [
        [
            match.text_line,
            match.frame.path.replace("\\\\", "\\"),
            match.frame.line,
            match.frame.column,
            match.frame.function,
        ]
        for match in matches
    ]


@pytest.mark.parametrize("case", load_cases("prefixes"), ids=case_id)
def test_prefixed_traces_give_their_frames(case: dict[str, Any]) -> None:
    """A prefix before each line hides no frame, and is no part of a path or function."""
    for trace in TRACES:
        text = logged(case, trace["text"])
        matches = read_text(text).frames
        assert rows(behind(case, matches)) == trace["frames"], trace["id"]
        lines = text.split("\n")
        for match in matches:
            assert lines[match.text_line].startswith(match.frame.path, match.start)


@pytest.mark.parametrize("case", load_cases("prefixes"), ids=case_id)
def test_prefixed_streams_give_their_frames(case: dict[str, Any]) -> None:
    """A stream learns a prefix from the lines so far, or waits for one line."""
    for trace in TRACES:
        text = logged(case, trace["text"])
        assert tuple(read_lines(text.split("\n"))) == read_text(text).frames, trace["id"]


@pytest.mark.parametrize(
    ("line", "other", "ends"),
    [
        ("shop:test: at a.js:1:2", "shop:test: Error: no", ["shop:test: "]),
        ("1 a b: x", "22 a b: y", ["1 ", "1 a ", "1 a b: "]),
        ("a b x", "a b y", []),
        ("unsigned int total()", "unsigned int pay()", []),
        ("std::vector<int> total()", "std::vector<int> pay()", []),
        ("-[Shop total] (in Shop)", "-[Shop pay] (in Shop)", []),
        ("webpack:///src/a.js:1:2", "webpack:///src/b.js:1:2", []),
        ("x-12-y", "x-12-z", []),
        ("x-12-y", "x-13-z", ["x-12-"]),
        ("x 1", "x 1", []),
    ],
)
def test_prefix_ends_where_lines_begin_to_differ(line: str, other: str, ends: list[str]) -> None:
    """Numbers may differ; words alone are no prefix, and brackets are not cut."""
    assert [line[: learned.end] for learned in learned_prefixes(line, [other])] == ends


@pytest.mark.parametrize(
    "text",
    [
        "My Shop/cart.rb:12:in 'total'\nMy Shop/cart.rb:13:in 'pay'",
        "/srv/My Shop/cart.rb:12:in 'total'\n/srv/My Shop/main.rb:13:in 'pay'",
        "C:\\Users\\Jo Doe\\cart.rb:12:in 'total'\nC:\\Users\\Jo Doe\\main.rb:13:in 'pay'",
        "promise callback*total@http://acme.dev/a.js:1:2\npromise callback*pay@http://acme.dev/b.js:1:2",
        "#1  0x0001 in total () at my shop/a.c:1\n#2  0x0002 in main () at my shop/b.c:1",
        "3   Shop   0x0001 -[Shop total] + 52 (My Shop.m:12)\n4   Shop   0x0002 -[Shop pay] + 52 (My Shop.m:13)",
    ],
)
def test_neighbours_with_the_same_beginning_keep_it(text: str) -> None:
    """What two frames have in common is no prefix."""
    apart = text.replace("\n", "\n\nnothing\nmore\nto\nsee\n\n")
    assert [match.frame for match in read_text(text).frames] == [match.frame for match in read_text(apart).frames]
