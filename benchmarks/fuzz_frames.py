"""Search for lines that cost too much, then fuzz the reading of frames with atheris until it finds a fault.

``make fuzz`` runs both. ``make fuzz ARGS="--cost 600 7"`` runs only the search, for 600 seconds with the seed 7.
Atheris starts from the test cases.
"""

import sys
from pathlib import Path

import atheris
import hostile_lines

with atheris.instrument_imports():
    from scmhost.frames import read_lines, read_text

ROOT = Path(__file__).parents[1]
CASES = ROOT / "tests" / "cases" / "traces"
COST = "--cost"
FOUND = ROOT / ".fuzz"
"""The inputs that atheris keeps: it writes into the first of its folders and reads the others."""


def one_input(data: bytes) -> None:
    """Check that any text can be read, each position is within its line, and a stream gives the same frames."""
    text = data.decode(errors="replace")
    lines = text.split("\n")
    frames = read_text(text).frames
    assert all(0 <= match.start <= match.end <= len(lines[match.text_line]) for match in frames)
    if text[:1] not in ("{", "["):
        assert frames == tuple(read_lines(f"{line}\n" for line in lines))


if __name__ == "__main__":
    if sys.argv[1:2] == [COST]:
        sys.exit(hostile_lines.main(*sys.argv[2:4]))
    if hostile_lines.main():
        sys.exit(1)
    FOUND.mkdir(exist_ok=True)
    atheris.Setup([*sys.argv, str(FOUND), str(CASES)], one_input)
    atheris.Fuzz()
