"""Frame to repository path: munging per platform, the order of code mappings, the roots that they match, and how roots
are derived from frames and files.
"""

from .derivation import DerivedMapping, derive_mappings
from .derive_roots import Roots, derive_roots
from .frame_path import CLASS_PLATFORMS, NoRoots
from .index import MappingIndex, Match
from .map_frame import Mapped, Unmapped, map_frame
from .munging import FrameInfo, munge
from .rule import Rule, rules_of

__all__ = [
    "CLASS_PLATFORMS",
    "DerivedMapping",
    "FrameInfo",
    "Mapped",
    "MappingIndex",
    "Match",
    "NoRoots",
    "Roots",
    "Rule",
    "Unmapped",
    "derive_mappings",
    "derive_roots",
    "map_frame",
    "munge",
    "rules_of",
]
