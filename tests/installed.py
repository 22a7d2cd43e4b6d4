"""Plugins that are installed: for all tests, or for one."""

from importlib.metadata import entry_points
from pathlib import Path
from typing import Final

NOT_CONFIGURED: Final = sorted({point.name for point in entry_points(group="scmhost")} - {"custom_scm"})
"""The plugins that are installed where the tests run, but for the one that the tests' configuration enables."""


def install(folder: Path, distribution: str, name: str, value: str) -> None:
    """Put a distribution's metadata into a folder, as an installer does."""
    info = folder / f"{distribution.replace('-', '_')}-1.2.dist-info"
    info.mkdir(parents=True)
    metadata = f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\nKeywords: scmhost-api<2,scmhost-api>=1.0\n"
    (info / "METADATA").write_text(metadata, encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[scmhost]\n{name} = {value}\n", encoding="utf-8")
