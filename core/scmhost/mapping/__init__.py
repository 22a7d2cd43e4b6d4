"""Frame to repository path: munging, code mappings and their order, and the derivation of mappings.

Imported eagerly: the whole room costs a few milliseconds, and it imports nothing heavy.
"""

from .code_mapping import Rule, rules_of
from .derivation import DerivedMapping, Evidence, Roots, derive_mappings, derive_roots, file_names
from .frame_mapping import Mapped, Standing, Unmapped, by_standing, map_frame, paths_of
from .index import MappingIndex, RuleMatch
from .mismatches import MISMATCH_STEP, Mismatch, mismatch, mismatch_message
from .munging import FrameInfo, munge
from .paths import CLASS_PLATFORMS, NoRoots

__all__ = [
    "CLASS_PLATFORMS",
    "MISMATCH_STEP",
    "DerivedMapping",
    "Evidence",
    "FrameInfo",
    "Mapped",
    "MappingIndex",
    "Mismatch",
    "NoRoots",
    "Roots",
    "Rule",
    "RuleMatch",
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
