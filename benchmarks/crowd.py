"""What a hundred installed plugins that are off cost a command: their names are read, and none is imported."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Final

CEILING: Final = 1.2
PLUGINS: Final = 100
ROUNDS: Final = 15
COMMAND: Final = Path(sys.executable).with_name("scmhost")

METADATA: Final = """\
Metadata-Version: 2.4
Name: acme-forge-{number}
Version: 1.{number}
Summary: Repositories of Acme Forge for scmhost.
Keywords: forge,scmhost,scmhost-api>=1.0,<2
Requires-Python: >=3.11
Requires-Dist: scmhost
Description-Content-Type: text/markdown

# Acme Forge

{words}
"""
ENTRY_POINTS: Final = "[scmhost]\nacme_forge_{number} = acme_forge_{number}.plugin\n"


def ratios() -> dict[str, float]:
    """``scmhost plugins list`` with a hundred plugins that are off, against none, in rounds that take turns."""
    with TemporaryDirectory() as folder:
        crowd = Path(folder) / "crowd"
        for number in range(PLUGINS):
            _install(crowd, number)
        alone = _environ(folder)
        crowded = _environ(folder, str(crowd))
        # The first run makes the database, and byte code.
        assert _listed(folder, crowded) - _listed(folder, alone) == PLUGINS
        rounds = [(_seconds(folder, alone), _seconds(folder, crowded)) for _ in range(ROUNDS)]
    return {"startup/100 plugins that are off": median(many for _, many in rounds) / median(one for one, _ in rounds)}


def main() -> int:
    """Print the ratio; exit with 1 when it is above its ceiling."""
    found = ratios()
    for name, ratio in found.items():
        print(f"{name}: {ratio:.2f} (at most {CEILING})")
    return int(any(ratio > CEILING for ratio in found.values()))


def _install(crowd: Path, number: int) -> None:
    """Write the files of an installed distribution that are read, and a package that must not be imported."""
    facts = crowd / f"acme_forge_{number}-1.{number}.dist-info"
    package = crowd / f"acme_forge_{number}"
    for made in (facts, package):
        made.mkdir(parents=True)
    words = "It claims repositories and makes links to their pages. " * 40
    (facts / "METADATA").write_text(METADATA.format(number=number, words=words), encoding="utf-8")
    (facts / "entry_points.txt").write_text(ENTRY_POINTS.format(number=number), encoding="utf-8")
    (package / "__init__.py").touch()
    (package / "plugin.py").write_text("raise SystemExit('imported')\n", encoding="utf-8")


def _environ(folder: str, *path: str) -> dict[str, str]:
    # A child that may not keep its byte code compiles every module anew.
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH")}
    return {**kept, "SCMHOST_DATABASE_URL": f"sqlite:///{folder}/bench.db", "PYTHONPATH": os.pathsep.join(path)}


def _listed(folder: str, environ: Mapping[str, str]) -> int:
    """How many plugins the command lists as off."""
    command = [COMMAND, "plugins", "list"]
    done = subprocess.run(command, check=True, cwd=folder, env=environ, capture_output=True, text=True)
    return sum(line.startswith("off ") for line in done.stdout.splitlines())


def _seconds(folder: str, environ: Mapping[str, str]) -> float:
    begun = perf_counter()
    _listed(folder, environ)
    return perf_counter() - begun


if __name__ == "__main__":
    sys.exit(main())
