"""Build wheels, as an author does before a release."""

import subprocess
import sys
from pathlib import Path

PIP = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]


def build_wheels(into: Path, *projects: Path) -> list[Path]:
    """Build a wheel of each project into a folder, and return their paths.

    The build backend is the one of this environment, so that nothing is downloaded.
    """
    options = ["--no-deps", "--no-build-isolation", "--wheel-dir", str(into)]
    subprocess.run([*PIP, "wheel", *options, *map(str, projects)], check=True)
    return sorted(into.glob("*.whl"))
