"""Frame to repository path: munging per platform, the order of code mappings, and the roots that they match."""

from .index import MappingIndex, Match
from .map_frame import Mapped, Unmapped, map_frame
from .munging import FrameInfo, munge
from .rule import Rule

__all__ = ["FrameInfo", "Mapped", "MappingIndex", "Match", "Rule", "Unmapped", "map_frame", "munge"]
