"""Lines that become anchors."""

import pytest

from scmhost.links import usable_line, usable_lines


@pytest.mark.parametrize(
    ("line", "expected"), [(1, 1), (10_000_000, 10_000_000), (0, None), (-1, None), (10_000_001, None), (None, None)]
)
def test_a_line_exists_in_some_file(line: int | None, expected: int | None) -> None:
    """0, -1 and absurd numbers stand for a line that is not known."""
    assert expected == usable_line(line)


@pytest.mark.parametrize(
    ("given", "expected"),
    [((3, 5), (3, 5)), ((3, 3), (3, 3)), ((5, 3), (5, None)), ((None, 3), (None, None)), ((3, 0), (3, None))],
)
def test_a_range_goes_forward(given: tuple[int | None, int], expected: tuple[int | None, int | None]) -> None:
    """A range that ends before it begins, or begins nowhere, is none."""
    assert expected == usable_lines(*given)
