"""Frame to repository path: munging, code mappings and their order, and the derivation of mappings.

Imported eagerly: the whole room costs a few milliseconds, and it imports nothing heavy.
"""

from .code_mapping import Rule, rules_of_mapping
from .derivation import DerivedMapping, DerivedRoots, Evidence, derive_mappings, derive_roots, file_names
from .frame_mapping import (
    MISMATCH_STEP,
    FileStatus,
    FrameInfo,
    MappingMatch,
    Mismatch,
    Unmapped,
    find_mismatch,
    map_frame,
    mismatch_message,
    munge,
    order_by_file_status,
    paths_to_match,
)
from .index import MappingIndex, RuleMatch
from .paths import CLASS_PLATFORMS, NoRoots

__all__ = [
    "CLASS_PLATFORMS",
    "MISMATCH_STEP",
    "DerivedMapping",
    "DerivedRoots",
    "Evidence",
    "FileStatus",
    "FrameInfo",
    "MappingIndex",
    "MappingMatch",
    "Mismatch",
    "NoRoots",
    "Rule",
    "RuleMatch",
    "Unmapped",
    "derive_mappings",
    "derive_roots",
    "file_names",
    "find_mismatch",
    "map_frame",
    "mismatch_message",
    "munge",
    "order_by_file_status",
    "paths_to_match",
    "rules_of_mapping",
]
