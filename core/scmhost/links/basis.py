"""What a link is based on, and how sure that makes it: words from closed lists, and one rule."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from scmhost.sdk import Existence
from scmhost.sdk.reasons import Confidence

from .ref import ChosenRef

FileBasis = Literal["verified", "listed", "unknown", "deleted"]
"""Verified: the code host has the file at this ref. Listed: a known commit named it, and none deleted it since.
Deleted: the newest known commit that named it deleted it. Unknown: none of these."""

MappingBasis = Literal["person", "derived"]
"""Who made the code mapping: a person, or a derivation from frames and the files of commits."""

RefBasis = Literal["exact", "branch", "newest_commit"]
"""Exact: the commit or tag that the frame or its release told. Branch: a branch, which moves on, or whatever else is
the mapping's default. Newest commit: the newest one that named the file, because nothing told any other."""

_SUREST: Final[tuple[Confidence, ...]] = ("high", "medium", "low")
_FILES: Final[Mapping[FileBasis, Confidence]] = MappingProxyType(
    {"verified": "high", "listed": "high", "unknown": "medium", "deleted": "low"}
)
_REFS: Final[Mapping[RefBasis, Confidence]] = MappingProxyType(
    {"exact": "high", "branch": "medium", "newest_commit": "medium"}
)
# What was derived is never as sure as what a person said.
_DERIVED: Final[Mapping[Confidence, Confidence]] = MappingProxyType(
    {"high": "medium", "medium": "medium", "low": "low"}
)


@dataclass(frozen=True, slots=True)
class Basis:
    """What a link is based on. ``derivation`` says how sure a derived mapping is in itself."""

    file: FileBasis
    mapping: MappingBasis
    ref: RefBasis
    derivation: Confidence | None = None

    @property
    def confidence(self) -> Confidence:
        """As sure as the least sure of what the link is based on."""
        return max((_FILES[self.file], self._of_mapping, _REFS[self.ref]), key=_SUREST.index)

    @property
    def _of_mapping(self) -> Confidence:
        """What was derived, and leads to a file that nobody knows, is a guess."""
        if self.mapping == "person":
            return "high"
        return "low" if self.file == "unknown" else _DERIVED[self.derivation or "low"]


def file_basis(exists: Existence, standing: Literal["listed", "unknown", "deleted"]) -> FileBasis:
    """What is known of a file: from its code host, else from the commits."""
    return "verified" if exists is Existence.YES else standing


def ref_basis(ref: ChosenRef) -> RefBasis:
    """What a ref is worth: a branch moves on after the trace."""
    if ref.source == "newest_commit":
        return "newest_commit"
    return "exact" if ref.source in ("frame", "release") and ref.kind != "branch" else "branch"
