"""How long small commands take against a Python that does nothing: heavy imports wait for their command."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from time import perf_counter

ROUNDS = 15
COMMAND = Path(sys.executable).with_name("scmhost")
# A child that may not keep its byte code compiles every module anew.
ENVIRON = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def main() -> None:
    """Print each ratio: how many times longer than nothing."""
    for name, ratio in ratios().items():
        print(f"{name}: {ratio:.1f}")


def ratios() -> dict[str, float]:
    """Each command against nothing, in rounds that alternate, so that the machine's mood touches both."""
    return {f"startup/{name}": _ratio([str(COMMAND), f"--{name}"]) for name in ("version", "help")}


def _ratio(command: Sequence[str]) -> float:
    nothing = [sys.executable, "-c", "pass"]
    # Compiles what has no byte code yet.
    _seconds(command)
    rounds = [(_seconds(nothing), _seconds(command)) for _ in range(ROUNDS)]
    return median(slow for _, slow in rounds) / median(quick for quick, _ in rounds)


def _seconds(command: Sequence[str]) -> float:
    begin = perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=ENVIRON)
    return perf_counter() - begin


if __name__ == "__main__":
    main()
