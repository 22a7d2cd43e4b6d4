"""Frame to repository path: munging per platform, the order of code mappings, the roots that they match, and how roots
are derived from frames and files.
"""

from .derivation import Confidence, DerivedMapping, Evidence, derive_mappings, file_names
from .derive_roots import Roots, derive_roots
from .frame_path import CLASS_PLATFORMS, NoRoots
from .index import MappingIndex, Match
from .map_frame import Mapped, Unmapped, map_frame, paths_of
from .mismatch import MISMATCH_STEP, Mismatch, mismatch, mismatch_message
from .munging import FrameInfo, munge
from .rule import Rule
from .standing import Standing, by_standing

__all__ = [
    "CLASS_PLATFORMS",
    "MISMATCH_STEP",
    "Confidence",
    "DerivedMapping",
    "Evidence",
    "FrameInfo",
    "Mapped",
    "MappingIndex",
    "Match",
    "Mismatch",
    "NoRoots",
    "Roots",
    "Rule",
    "Standing",
    "Unmapped",
    "by_standing",
    "derive_mappings",
    "derive_roots",
    "file_names",
    "map_frame",
    "mismatch",
    "mismatch_message",
    "munge",
    "paths_of",
]
