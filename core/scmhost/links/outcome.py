"""The outcome of resolving a frame: a link with its basis and confidence, or the reason why there is none."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from scmhost.sdk import NEXT_STEP, Existence, Reason, RefKind
from scmhost.sdk.reasons import Confidence

from .ref_order import ChosenRef, RefSource

FileBasis = Literal["verified", "listed", "unknown", "deleted"]
"""Verified: the code host has the file at this ref. Listed: a known commit named it, and none deleted it since.
Deleted: the newest known commit that named it deleted it. Unknown: none of these."""

MappingBasis = Literal["person", "derived"]
"""Who made the code mapping: a person, or a derivation from frames and the files of commits."""

RefBasis = Literal["exact", "branch", "newest_commit"]
"""Exact: the commit or tag of the frame or its release. Branch: a branch, which changes, or any other default of the
mapping. Newest commit: the newest one that named the file, because there was no other ref."""

_MOST_CONFIDENT_FIRST: Final[tuple[Confidence, ...]] = ("high", "medium", "low")
_FILE_CONFIDENCE: Final[Mapping[FileBasis, Confidence]] = MappingProxyType(
    {"verified": "high", "listed": "high", "unknown": "medium", "deleted": "low"}
)
_REF_CONFIDENCE: Final[Mapping[RefBasis, Confidence]] = MappingProxyType(
    {"exact": "high", "branch": "medium", "newest_commit": "medium"}
)
# A derived mapping never has the confidence of a person's.
_DERIVED_CONFIDENCE: Final[Mapping[Confidence, Confidence]] = MappingProxyType(
    {"high": "medium", "medium": "medium", "low": "low"}
)


@dataclass(frozen=True, slots=True)
class LinkBasis:
    """The facts that a link is based on. ``derivation`` is the confidence of a derived mapping itself."""

    file: FileBasis
    mapping: MappingBasis
    ref: RefBasis
    derivation: Confidence | None = None

    @property
    def confidence(self) -> Confidence:
        """The lowest confidence of the file, the mapping and the ref."""
        parts = (_FILE_CONFIDENCE[self.file], self._mapping_confidence, _REF_CONFIDENCE[self.ref])
        return max(parts, key=_MOST_CONFIDENT_FIRST.index)

    @property
    def _mapping_confidence(self) -> Confidence:
        if self.mapping == "person":
            return "high"
        # A derived mapping to a file that no commit named is a guess.
        return "low" if self.file == "unknown" else _DERIVED_CONFIDENCE[self.derivation or "low"]


@dataclass(frozen=True, slots=True)
class Link:
    """A URL for a frame. ``verified`` is whether the code host has the file; None if that is not known."""

    url: str
    source_path: str
    mapping_id: int
    ref: str
    ref_kind: RefKind
    ref_source: RefSource
    basis: LinkBasis
    verified: bool | None = None


@dataclass(frozen=True, slots=True)
class NoLink:
    """The reason why a frame has no link, and the next step. Path, URL and mapping belong to the same mapping."""

    reason: Reason
    message: str
    next_step: str
    attempted_url: str | None = None
    source_path: str | None = None
    mapping_id: int | None = None


_MESSAGE: Final[Mapping[Reason, str]] = MappingProxyType(
    {
        Reason.NO_CODE_MAPPINGS: "The project has no code mappings.",
        Reason.STACK_ROOT_MISMATCH: "No stack root of the project is the beginning of this frame's path.",
        Reason.FILE_NOT_FOUND: "The repository has no such file at this ref.",
        Reason.FORBIDDEN: "The installation may not read this repository.",
        Reason.INSTALLATION_NOT_FOUND: "The mapping's repository belongs to no installation.",
        Reason.NOT_A_FILE: "The frame names no file.",
        Reason.PATH_OUTSIDE: "The path that the mapping gives leads out of the repository.",
        Reason.REPOSITORY_INACTIVE: "The repository is hidden, or waits for its deletion.",
        Reason.REPOSITORY_WITHOUT_URL: "The repository has no URL to link to.",
        Reason.NO_REF: "Neither the frame nor a release nor the mapping names a commit or a branch.",
        Reason.PROVIDER_OFF: "The repository's provider is off for this organization.",
        Reason.PROVIDER_FAILED: "The provider's plugin failed.",
        Reason.NO_SOURCE_PAGES: "The provider has no page for this file.",
        Reason.NOT_IN_REPOSITORY: "No file of the repository matches this frame's path.",
        Reason.SEVERAL_FILES: "Several files of the repository match this frame's path.",
        Reason.UNSAFE_URL: "The provider's URL is not a safe link.",
    }
)


def file_basis(exists: Existence, standing: Literal["listed", "unknown", "deleted"]) -> FileBasis:
    """Return what is known of a file: the code host decides, else the commits."""
    return "verified" if exists is Existence.YES else standing


def ref_basis(ref: ChosenRef) -> RefBasis:
    """Return how exact a ref is. A branch may have changed since the trace."""
    if ref.source == "newest_commit":
        return "newest_commit"
    return "exact" if ref.source in ("frame", "release") and ref.kind != "branch" else "branch"


def no_link(
    reason: Reason,
    message: str = "",
    *,
    attempted_url: str | None = None,
    source_path: str | None = None,
    mapping_id: int | None = None,
) -> NoLink:
    """Return a missing link with the next step that belongs to its reason."""
    return NoLink(reason, message, NEXT_STEP[reason], attempted_url, source_path, mapping_id)


def no_link_message(outcome: NoLink) -> str:
    """Return why there is no link, in a sentence: the frame's own message, or else that of the reason."""
    return outcome.message or _MESSAGE[outcome.reason]
