"""Where in a plugin's own code something happened."""

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
    """`` (file:line)`` of the innermost frame that is neither Python's nor the host's, or nothing."""
    places = [(frame.f_code.co_filename, line) for frame, line in frames]
    foreign = [f" ({file}:{line})" for file, line in places if _is_foreign(file)]
    return foreign[-1] if foreign else ""


def _is_foreign(file: str) -> bool:
    if file.startswith(("<", *_OURS)):
        return False
    return "site-packages" in file or not file.startswith(_STDLIB)
