"""The lines around the one that is read, and log prefixes."""

import pytest

from scmhost.frames.log_prefixes import prefix_length, printed
from scmhost.frames.notation import MAX_LINES_BACK, ContextLines


def test_lines_before_come_without_their_prefixes() -> None:
    """A notation reads the lines above as they were printed."""
    context = ContextLines(["web_1 | first  ", "> second", "third"], 2)
    assert [context.before(), context.before(2), context.before(3)] == ["second", "first", ""]
    assert [context.with_prefix(0), context.with_prefix(2)] == ["third", "web_1 | first  "]


def test_lines_far_above_are_not_available() -> None:
    """A stream keeps few lines, so a whole text must not give more."""
    context = ContextLines([f"line {number}" for number in range(30)], 29)
    assert context.before(MAX_LINES_BACK) == f"line {29 - MAX_LINES_BACK}"
    assert context.before(MAX_LINES_BACK + 1) == ""


def test_line_after_comes_without_its_prefix() -> None:
    """The next line is read as it was printed, and nothing is missing."""
    context = ContextLines(["first", "web_1 | second"])
    assert context.after() == "second"
    assert not context.looked_ahead


def test_missing_line_after_is_reported() -> None:
    """``looked_ahead`` shows that a notation needs a line that has not arrived."""
    context = ContextLines(["first"])
    assert context.after() == ""
    assert context.looked_ahead


@pytest.mark.parametrize(
    ("line", "rest"),
    [
        ("  at total", "at total"),
        ("> at total  ", "at total"),
        ("web_1  | at total", "at total"),
        ("2024-01-02T03:04:05.678Z stderr F at total", "at total"),
        ("May  6 07:08:09 web-1 shop[123]: /srv/main.go:12 +0x1d", "/srv/main.go:12 +0x1d"),
        ("[pod/shop-1/app] ==12== at total", "at total"),
        ("E/AndroidRuntime( 1234): at total", "at total"),
        ("total", "total"),
        ("", ""),
    ],
)
def test_prefixes_are_removed(line: str, rest: str) -> None:
    """Prefixes of logs and containers, and marks of quotations and comments, are no part of a line."""
    assert printed(line, prefix_length(line)) == rest
    assert line[prefix_length(line) :].rstrip() == rest
