"""Frame to repository path: munging, code mappings and their order, and the derivation of mappings.

A public name is imported on first use: ``scmhost link`` needs few of them, and starts faster without the others.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
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

_NAMES_BY_MODULE: Final = {
    "code_mapping": ("Rule", "rules_of_mapping"),
    "derivation": (
        "DerivedMapping",
        "DerivedRoots",
        "Evidence",
        "derive_mappings",
        "derive_roots",
        "file_names",
    ),
    "frame_mapping": (
        "MISMATCH_STEP",
        "FileStatus",
        "FrameInfo",
        "MappingMatch",
        "Mismatch",
        "Unmapped",
        "find_mismatch",
        "map_frame",
        "mismatch_message",
        "munge",
        "order_by_file_status",
        "paths_to_match",
    ),
    "index": ("MappingIndex", "RuleMatch"),
    "paths": ("CLASS_PLATFORMS", "NoRoots"),
}
_MODULE_OF: Final = {name: module for module, names in _NAMES_BY_MODULE.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import a public name on first use."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    # Next time Python finds the name without this function.
    globals()[name] = value
    return value


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
