"""Typed access to the fields of JSON documents."""

from typing import Any

import pytest

from scmhost.frames.reports.json_forms import DEEPEST, every_object, nested_object, number, objects, text


@pytest.mark.parametrize("value", [None, "", 3, [], {}])
def test_first_text_that_is_not_empty_counts(value: object) -> None:
    """A field of another type, or an empty text, is passed over."""
    assert text({"a": value, "b": "x", "c": "y"}, "a", "b", "c") == "x"
    assert text({"a": value}, "a", "b") is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (12, 12),
        (0, 0),
        ("12", 12),
        ("007", 7),
        ("999999999", 999_999_999),
        ("1000000000", None),
        (-1, None),
        ("-1", None),
        ("", None),
        ("¹", None),
        ("x", None),
        (True, None),
        (1.5, None),
        (None, None),
    ],
)
def test_number_is_whole_and_not_negative(value: object, expected: int | None) -> None:
    """Numbers and texts of up to nine digits are numbers; truth values are not."""
    assert number({"a": value}, "a") == expected
    assert number({"a": value, "b": 5}, "a", "b") == (5 if expected is None else expected)


def test_objects_are_those_of_a_list() -> None:
    """Items of other types are passed over, and other values have no objects."""
    assert list(objects([{"a": 1}, 2, [], {"b": 3}])) == [{"a": 1}, {"b": 3}]
    assert [list(objects(value)) for value in ({"a": 1}, "a", None)] == [[], [], []]


def test_nested_object_is_reached_by_names() -> None:
    """A missing name, or a value of another type, gives an empty object."""
    document = {"a": {"b": {"c": 1}}, "d": 2}
    assert nested_object(document, "a", "b") == {"c": 1}
    assert nested_object(document, "a", "b", "c") == {}
    assert nested_object(document, "x", "b") == {}
    assert nested_object(document, "d") == {}


def test_every_object_comes_before_those_within_it() -> None:
    """Objects come in the order of the document."""
    document = [{"a": {"b": 1}, "c": [{"d": 2}]}, 3, {"e": 4}]
    assert list(every_object(document)) == [document[0], {"b": 1}, {"d": 2}, {"e": 4}]


@pytest.mark.parametrize(("depth", "count"), [(DEEPEST, DEEPEST + 1), (DEEPEST + 1, DEEPEST + 1)])
def test_objects_below_the_limit_are_not_read(depth: int, count: int) -> None:
    """Nesting beyond the limit is passed over."""
    document: dict[str, Any] = {}
    for _ in range(depth):
        document = {"a": document}
    assert len(list(every_object(document))) == count
