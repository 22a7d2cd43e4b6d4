"""Frame to repository path: munging per platform, the order of code mappings, the roots that they match, and how roots
are derived from frames and files.
"""

from typing import TYPE_CHECKING

from scmhost.sdk.lazy import lazy_names

if TYPE_CHECKING:
    from .derivation import DerivedMapping, Evidence, derive_mappings, file_names
    from .frame_mapping import Mapped, Unmapped, map_frame, paths_of
    from .frame_path import CLASS_PLATFORMS, NoRoots
    from .index import MappingIndex, Match
    from .mismatches import MISMATCH_STEP, Mismatch, mismatch, mismatch_message
    from .munging import FrameInfo, munge
    from .pair_roots import Roots, derive_roots
    from .rule import Rule, rules_of
    from .standing import Standing, by_standing

__getattr__ = lazy_names(
    __name__,
    {
        "derivation": ("DerivedMapping", "Evidence", "derive_mappings", "file_names"),
        "frame_mapping": ("Mapped", "Unmapped", "map_frame", "paths_of"),
        "frame_path": ("CLASS_PLATFORMS", "NoRoots"),
        "index": ("MappingIndex", "Match"),
        "mismatches": ("MISMATCH_STEP", "Mismatch", "mismatch", "mismatch_message"),
        "munging": ("FrameInfo", "munge"),
        "pair_roots": ("Roots", "derive_roots"),
        "rule": ("Rule", "rules_of"),
        "standing": ("Standing", "by_standing"),
    },
)

__all__ = [
    "CLASS_PLATFORMS",
    "MISMATCH_STEP",
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
    "rules_of",
]
