"""The benchmarks fit the code that they measure."""

import subprocess
import sys
from pathlib import Path

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
# It needs a package that only `make fuzz` installs.
NEEDS_MORE = {"fuzz_frames"}


def test_every_benchmark_can_be_imported() -> None:
    """A function that moved is noticed before somebody measures."""
    names = sorted({path.stem for path in BENCHMARKS.glob("*.py")} - NEEDS_MORE)
    program = f"import {', '.join(names)}"
    done = subprocess.run([sys.executable, "-c", program], cwd=BENCHMARKS, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
