"""Frame to repository path: munging per platform, the order of code mappings, the roots that they match, and how roots
are derived from frames and files.
"""

from typing import TYPE_CHECKING

from scmhost.sdk.lazy import lazy_names

if TYPE_CHECKING:
    from .derivation import DerivedMapping, derive_mappings
    from .frame_mapping import Mapped, Unmapped, map_frame
    from .frame_path import CLASS_PLATFORMS, NoRoots
    from .index import MappingIndex, Match
    from .munging import FrameInfo, munge
    from .pair_roots import Roots, derive_roots
    from .rule import Rule, rules_of

__getattr__ = lazy_names(
    __name__,
    {
        "derivation": ("DerivedMapping", "derive_mappings"),
        "pair_roots": ("Roots", "derive_roots"),
        "frame_path": ("CLASS_PLATFORMS", "NoRoots"),
        "index": ("MappingIndex", "Match"),
        "frame_mapping": ("Mapped", "Unmapped", "map_frame"),
        "munging": ("FrameInfo", "munge"),
        "rule": ("Rule", "rules_of"),
    },
)

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
