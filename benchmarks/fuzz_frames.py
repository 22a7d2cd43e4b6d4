"""Feeds the reading of frames with what atheris makes of the cases: ``make fuzz``, which goes on until a fault."""

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports():
    from scmhost.frames import read_lines, read_text

ROOT = Path(__file__).parents[1]
CASES = ROOT / "tests" / "cases" / "traces"
FOUND = ROOT / ".fuzz"
"""What atheris finds worth keeping: it writes into the first folder that it is given, and reads the others."""


def one_input(data: bytes) -> None:
    """Whatever the text, it is read, each frame stands within its line, and a stream gives the same."""
    text = data.decode(errors="replace")
    lines = text.split("\n")
    found = read_text(text).frames
    assert all(0 <= place.start <= place.end <= len(lines[place.text_line]) for place in found)
    if text[:1] not in ("{", "["):
        assert found == tuple(read_lines(f"{line}\n" for line in lines))


if __name__ == "__main__":
    FOUND.mkdir(exist_ok=True)
    atheris.Setup([*sys.argv, str(FOUND), str(CASES)], one_input)
    atheris.Fuzz()
