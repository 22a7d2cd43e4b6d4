"""Measure the reading of frames against one generic ``file:number`` expression over the same mixed text.

The text resembles what people paste: the traces of the test cases, in all languages, between the lines of a service. A
second text has more of those lines, as a log does. The expression is the simplest that finds paths and line numbers; it
finds no functions. ``run`` has the bounds, which are at least 0.6 for both texts. Both are measured in the time of the
process, because waiting for other processes is no work.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path
from random import Random
from time import process_time

from hostile_lines import Shape, growth

from scmhost.frames import read_text

CASES = Path(__file__).parents[1] / "tests" / "cases"
CHARACTERS = 1_000_000
# Lines of the log for each line of a trace, on average.
LOG_LINES = {"frames": 2, "frames/log": 5}
ROUNDS = 7

GENERIC = re.compile(r"(?P<path>[\w./\\-]+\.\w+)[:(](?P<line>\d+)")
MEGABYTE = 1_000_000


def main() -> None:
    """Print the speed of the notations divided by the speed of the expression."""
    for name, ratio in ratios().items():
        print(f"{name}: {ratio:.2f}")


def ratios() -> dict[str, float]:
    """Return the ratios by the name of their bound."""
    texts = {name: _ratio(name, _mixed(Random(1), log_lines)) for name, log_lines in LOG_LINES.items()}
    return {**texts, "frames/growth on hostile lines": _growth()}


def _ratio(name: str, text: str) -> float:
    """Return the ratio of the fastest rounds, and print their speeds. The rounds alternate, so that load hits both."""
    assert len(read_text(text, limit=len(text)).frames) > CHARACTERS / 2_000
    rounds = [(_seconds(_generic, text), _seconds(_notations, text)) for _ in range(ROUNDS)]
    generic, notations = (min(seconds) for seconds in zip(*rounds, strict=True))
    print(f"{name}: {len(text) / notations / MEGABYTE:.1f} MB/s, generic: {len(text) / generic / MEGABYTE:.1f} MB/s")
    return generic / notations


def _growth() -> float:
    """Return by how much the cost of the worst hostile line grows when its length doubles."""
    shapes = json.loads((CASES / "hostile_lines" / "shapes.json").read_text())
    return max(
        min(growth(Shape(shape["head"], shape["unit"], shape["tail"])) for _ in range(ROUNDS)) for shape in shapes
    )


def _mixed(random: Random, log_lines: int) -> str:
    traces = [
        case["text"] for path in sorted((CASES / "frames").glob("*.json")) for case in json.loads(path.read_text())
    ]
    traces += [path.read_text(errors="replace") for path in sorted((CASES / "traces").rglob("*.txt"))]
    parts: list[str] = []
    length = 0
    while length < CHARACTERS:
        trace = random.choice(traces)
        lines = random.randrange(2 * log_lines * (trace.count("\n") + 1))
        parts += [trace, *(_logged(random) for _ in range(lines))]
        length += sum(map(len, parts[-lines - 1 :]))
    return "\n".join(parts)


def _logged(random: Random) -> str:
    clock = f"2024-01-02T03:04:{random.randrange(60):02d}.{random.randrange(1000):03d}Z"
    order, user = random.randrange(100_000), random.randrange(1_000)
    return f"{clock} INFO [worker-{user % 7}] shop.cart: order {order} took {user} ms (user {user}) at 10.0.0.7:8080"


def _generic(text: str) -> int:
    return sum(1 for _ in GENERIC.finditer(text))


def _notations(text: str) -> int:
    return len(read_text(text, limit=len(text), most=len(text)).frames)


def _seconds(read: Callable[[str], int], text: str) -> float:
    begin = process_time()
    read(text)
    return process_time() - begin


if __name__ == "__main__":
    main()
