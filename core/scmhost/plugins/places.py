"""Where in a plugin's own code something happened."""

import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path
from types import FrameType
from typing import Final

import pydantic

from scmhost import sdk

_STDLIB: Final = sysconfig.get_path("stdlib")
# Values that refuse to change are told by the line that tried, not by the one that refused.
_OURS: Final = tuple(f"{Path(str(package)).parent}/" for package in (sdk.__file__, __file__, pydantic.__file__))


def deepest_place(frames: Iterable[tuple[FrameType, int]]) -> str:
    """`` (file:line)`` of the innermost frame that is neither Python's nor the host's, or nothing.

    The file is named from its package's folder on.
    """
    places = [(frame.f_code.co_filename, line) for frame, line in frames]
    foreign = [place for place in places if _is_foreign(place[0])]
    return place_of(*foreign[-1]) if foreign else ""


def place_of(file: str, line: int) -> str:
    """`` (file:line)``, with the file from its package's folder on: the folders to import from are long, and known."""
    roots = (f"{Path(entry)}/" for entry in sys.path if entry)
    root = max((root for root in roots if file.startswith(root)), key=len, default="")
    return f" ({file.removeprefix(root)}:{line})"


def _is_foreign(file: str) -> bool:
    if file.startswith(("<", *_OURS)):
        return False
    return "site-packages" in file or not file.startswith(_STDLIB)
