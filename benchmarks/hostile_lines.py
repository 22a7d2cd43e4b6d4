"""Search for lines whose reading costs more than others, or more than twice as much when their length doubles.

A candidate is a line of the test cases into which a short text is inserted many times, and what follows it is kept or
replaced. A regular expression with overlapping repetitions, or one that rescans the line from many positions, shows as
a cost that grows faster than the length.
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from statistics import median
from time import process_time
from typing import NamedTuple

from scmhost.frames import read_text

CASES = Path(__file__).parents[1] / "tests" / "cases"
FOLDERS = ("frames", "diagnostics", "prefixed_traces")
LONGEST_SAMPLE = 400
# The characters of the first measurement, and of the ones that confirm it.
SHORT = 2_048
LENGTHS = (4_096, 8_192)
# Seconds; a single measurement of more is exact enough.
SLOW = 0.02
UNITS = (
    " ", "\t", "1", "a", "A", ":", "(", ")", "/", ".", "\\", '"', "'", "#", "@", "<", ">", "[", "{", ",", "-", "=", "|",
    "a.", "a/", "/a", "a\\", "a:", "a::", "1:", ":1", "a ", " a", "1 ", "a(", "(a", "a, ", "a b/", "#1 ", "at ", " at ",
    " in ", "in a", " line ", "line 1", "from ", "::", "a@", "a.b(", "a.b:1", "a.b:1:", "File ", '"a" ', "\\n", "\\\\n",
    "\x1b[1m", "[1m", "[", "1;", "0x1", "0x1 ", " 0x", "+0x", "é", "\u276f ", "a=", "%", "&", "e+", "(a) ", "file:",
    "a.go:1 ",
)  # fmt: skip
TAILS = (None, "", ":1)", ":1 x", ":1:2)", "(1", '"')
MOST_GROWTH = 2.3
MOST_TIMES_THE_MEDIAN = 40


class Shape(NamedTuple):
    """A line with a part that is repeated to any length."""

    head: str
    unit: str
    tail: str

    def line(self, length: int) -> str:
        """Return a line of about this length."""
        return self.head + self.unit * max(0, (length - len(self.head) - len(self.tail)) // len(self.unit)) + self.tail


def samples() -> list[str]:
    """Return the lines of all test cases, one of each kind: numbers and words of other letters are the same."""
    files = [path for folder in FOLDERS for path in sorted((CASES / folder).glob("*.json"))]
    texts = [case["text"] for path in files for case in json.loads(path.read_text())]
    lines = {line for text in texts for line in text.split("\n") if len(line) < LONGEST_SAMPLE}
    return sorted({re.sub(r"[a-z]{2,}", "a", re.sub(r"\d+", "1", line)): line for line in sorted(lines)}.values())


def shapes(random: Random) -> Iterator[Shape]:
    """Yield candidates without end."""
    lines = samples()
    while True:
        sample = random.choice(lines)
        cut = random.choice([0, len(sample), *(match.end() for match in re.finditer(r"\w+|\W", sample))])
        tail = random.choice(TAILS)
        yield Shape(sample[:cut], random.choice(UNITS), sample[cut:] if tail is None else tail)


def cost(shape: Shape, length: int, repeats: int = 1) -> float:
    """Return the seconds for reading a line of this length, the fastest of several times."""
    text = shape.line(length)
    return min(_seconds(text) for _ in range(repeats))


def _seconds(text: str) -> float:
    begin = process_time()
    read_text(text)
    return process_time() - begin


def growth(shape: Shape) -> float:
    """Return by how much the cost grows when the longest line is twice as long."""
    short, long = (cost(shape, length) for length in LENGTHS)
    if long < SLOW:
        short, long = (cost(shape, length, 5) for length in LENGTHS)
    return long / max(short, 1e-5)


def search(seconds: float, seed: int) -> list[tuple[float, float, Shape]]:
    """Measure candidates for some seconds; return growth, cost and shape of the worst."""
    end = process_time() + seconds
    measured: list[tuple[float, Shape]] = []
    for shape in shapes(Random(seed)):
        measured.append((cost(shape, SHORT), shape))
        if process_time() > end:
            break
    measured.sort(reverse=True)
    usual = median(seconds for seconds, _ in measured)
    print(f"{len(measured)} lines, the median costs {usual * 1e6:.0f} us", flush=True)
    worst = [(growth(shape), seconds / usual, shape) for seconds, shape in measured[:100]]
    return [row for row in worst if row[0] > MOST_GROWTH or row[1] > MOST_TIMES_THE_MEDIAN]


def main(seconds: str = "60", seed: str = "1") -> int:
    """Print the lines that cost too much; return 1 if there is one."""
    found = search(float(seconds), int(seed))
    for grows, times, shape in sorted(found, reverse=True):
        print(f"{grows:5.1f} {times:7.0f}  {shape.head!r} + {shape.unit!r}... + {shape.tail!r}")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
