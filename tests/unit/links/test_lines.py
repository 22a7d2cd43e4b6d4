"""Lines that become anchors."""

import pytest

from scmhost.links.values import usable_line


@pytest.mark.parametrize(
    ("line", "expected"), [(1, 1), (10_000_000, 10_000_000), (0, None), (-1, None), (10_000_001, None), (None, None)]
)
def test_impossible_lines_are_dropped(line: int | None, expected: int | None) -> None:
    """0, -1 and absurd numbers mean an unknown line."""
    assert expected == usable_line(line)
