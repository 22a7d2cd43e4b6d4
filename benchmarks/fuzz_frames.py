"""Fuzz the reading of frames with atheris, starting from the test cases, until it finds a fault: ``make fuzz``."""

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports():
    from scmhost.frames import read_lines, read_text

ROOT = Path(__file__).parents[1]
CASES = ROOT / "tests" / "cases" / "traces"
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
    FOUND.mkdir(exist_ok=True)
    atheris.Setup([*sys.argv, str(FOUND), str(CASES)], one_input)
    atheris.Fuzz()
