"""Lines made to be expensive: twice the length costs twice as much, and no shape costs many times what others do.

The shapes are the worst that ``benchmarks/hostile_lines.py`` found. Costs are compared with each other in one run.
"""

from functools import lru_cache
from statistics import median
from time import process_time
from typing import Any

import pytest

from loading import case_id, load_cases
from scmhost.frames import read_text
from scmhost.frames.physical_lines import split_line

pytestmark = pytest.mark.thorough

SHAPES = load_cases("hostile_lines")
SHORT, LONG = 8_000, 16_000
MOST_GROWTH = 2.3
MOST_TIMES_THE_MEDIAN = 80
ATTEMPTS = 6


def line_of(shape: dict[str, Any], length: int) -> str:
    head, unit, tail = shape["head"], shape["unit"], shape["tail"]
    return str(head + unit * ((length - len(head) - len(tail)) // len(unit)) + tail)


@lru_cache
def cost(shape_id: str, length: int) -> float:
    """Return the least seconds of several readings of a line."""
    shape = next(shape for shape in SHAPES if shape["id"] == shape_id)
    return least(line_of(shape, length))


def least(line: str) -> float:
    seconds = []
    for _ in range(3):
        begin = process_time()
        read_text(line)
        seconds.append(process_time() - begin)
    return min(seconds)


@pytest.mark.parametrize("shape", SHAPES, ids=case_id)
def test_cost_grows_with_the_length(shape: dict[str, Any]) -> None:
    """A line of twice the length costs at most a little more than twice as much."""
    growths = (least(line_of(shape, LONG)) / least(line_of(shape, SHORT)) for _ in range(ATTEMPTS))
    assert any(growth <= MOST_GROWTH for growth in growths)


def test_no_shape_costs_much_more_than_others() -> None:
    """A constant that is too large is as bad for a server as a cost that grows too fast."""
    costs = {shape["id"]: cost(shape["id"], SHORT) for shape in SHAPES}
    usual = median(costs.values())
    assert {name: seconds / usual for name, seconds in costs.items() if seconds > MOST_TIMES_THE_MEDIAN * usual} == {}


@pytest.mark.parametrize("unit", ["\\n at a", "\\\\n", "\x1b[1m\\n", "\\r", "' ", "\x1b[1ma"])
def test_longer_lines_are_split_in_linear_time(unit: str) -> None:
    """A whole log may be one line with escaped line ends, longer than any line with a frame."""

    def seconds(length: int) -> float:
        line = (unit * length)[:length] + "\\n at a"
        begin = process_time()
        for _ in split_line(line, 0):
            pass
        return process_time() - begin

    growths = (seconds(200_000) / seconds(100_000) for _ in range(ATTEMPTS))
    assert any(growth <= MOST_GROWTH for growth in growths)
