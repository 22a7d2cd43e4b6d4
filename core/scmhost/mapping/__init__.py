"""Frame to repository path: munging, code mappings and their order, and the derivation of mappings.

The derivation is imported on first use: ``scmhost link``, which needs only paths, starts faster without it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .code_mapping import Rule, rules_of_mapping
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

if TYPE_CHECKING:
    from .derivation import DerivedMapping, DerivedRoots, Evidence, derive_mappings, derive_roots, file_names

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


def __getattr__(name: str) -> Any:
    """Import a name of the derivation on first use."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.derivation"), name)
    globals()[name] = value
    return value
