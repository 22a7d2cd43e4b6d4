"""From matches to spans, and symbols without their arguments."""

import re

import pytest

from scmhost.frames import Frame, MatchSpan
from scmhost.frames.frame import LINE_COLUMN, Pattern, match_span, parse_number, without_arguments

WITH_COLUMN = re.compile(rf"in (?P<path>\S+?)(?::| line ){LINE_COLUMN}")
WITHOUT_COLUMN = re.compile(r"in (?P<other>\S+?)(?::(?P<line>-?\d+))?$")


def span(line: str) -> MatchSpan:
    match = WITH_COLUMN.match(line)
    assert match
    return match_span(match, "python", function="f", module="m")


def test_attached_line_number_belongs_to_the_span() -> None:
    """A span ends after a line number that follows the path and one character."""
    assert span("in a.py:12") == MatchSpan(Frame("a.py", 12, None, "f", "m", "python"), 3, 10)
    assert span("in a.py:12:7") == MatchSpan(Frame("a.py", 12, 7, "f", "m", "python"), 3, 10)


def test_separate_line_number_does_not_belong_to_the_span() -> None:
    """A span ends after the path if words are between it and its line number."""
    assert span("in a.py line 12") == MatchSpan(Frame("a.py", 12, None, "f", "m", "python"), 3, 7)


@pytest.mark.parametrize(("text", "line", "end"), [("in a.py", None, 7), ("in a.py:-1", None, 10), ("in a.py:0", 0, 9)])
def test_missing_line_number_is_none(text: str, line: int | None, end: int) -> None:
    """No number and -1 mean an unknown line; 0 is kept."""
    match = WITHOUT_COLUMN.match(text)
    assert match
    expected = MatchSpan(Frame("a.py", line, language="go"), 3, end)
    assert match_span(match, "go", function="", module="", group="other") == expected


@pytest.mark.parametrize(("digits", "number"), [(None, None), ("", None), ("-1", None), ("0", 0), ("42", 42)])
def test_number_is_parsed(digits: str | None, number: int | None) -> None:
    """Only digits are a number."""
    assert parse_number(digits) == number


@pytest.mark.parametrize(
    ("symbol", "name"),
    [
        ("total", "total"),
        ("total(int, char)", "total"),
        ("total (n=3)", "total"),
        ("shop::Cart<std::pair<int, int>>::total(int)", "shop::Cart<std::pair<int, int>>::total"),
        ("Cart<void (int)>::total(int)", "Cart<void (int)>::total"),
        ("(anonymous namespace)::total(int)", "(anonymous namespace)::total"),
        ("operator()(int)", "operator()"),
        ("operator<(Cart const&)", "operator<"),
        ("operator<<(int)", "operator<<"),
        ("operator->()", "operator->"),
        ("Cart::operator>=(int)", "Cart::operator>="),
        ("shop::{lambda(int)#1}::total(int)", "shop::{lambda(int)#1}::total"),
        ("main::'lambda1'(int)::run(int)", "main::'lambda1'(int)::run"),
        ("{closure(int)}(int)", "{closure(int)}"),
        ("a>b(int)", "a>b"),
        ("f -> int (int)", "f -> int"),
        ("-[Shop total:]", "-[Shop total:]"),
        ("+[Shop total:](x)", "+[Shop total:]"),
        ("-[Shop", "-[Shop"),
        ("(x)", "(x)"),
        ("", ""),
    ],
)
def test_symbol_loses_its_arguments(symbol: str, name: str) -> None:
    """Parentheses that are a part of the name stay."""
    assert without_arguments(symbol) == name


def test_pattern_is_compiled_at_its_first_use() -> None:
    """A faulty expression raises when it is used, not when it is defined."""
    pattern = Pattern("(")
    with pytest.raises(re.error):
        pattern.match("x")


def test_pattern_does_what_the_compiled_expression_does() -> None:
    """All four methods work, in any order of their first use."""
    pattern = Pattern(r"b+")
    assert pattern.sub("x", "abba") == "axa"
    assert pattern.match("abba") is None
    assert pattern.match("abba", 1)
    assert pattern.search("abba")
    assert [match.group() for match in pattern.finditer("bab")] == ["b", "b"]


def test_pattern_has_no_other_attributes() -> None:
    """An unknown attribute raises the usual error."""
    with pytest.raises(AttributeError):
        _ = Pattern("a").split
