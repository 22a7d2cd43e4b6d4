"""Values of links: frames to link, code mappings, refs, and the outcome of a frame with its basis and confidence."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from types import MappingProxyType
from typing import Final, Literal, NamedTuple, Protocol

from msgspec import Struct

from scmhost.mapping import Evidence, FileStatus, FrameInfo, Rule, rules_of_mapping
from scmhost.sdk import NEXT_STEP, Existence, Reason, RefKind, looks_like_commit, ref_problem
from scmhost.sdk.reasons import Confidence
from scmhost.sdk.urls.plain_links import MAX_LINE

RefSource = Literal["frame", "release", "default_branch", "newest_commit"]

FileBasis = Literal["verified", "listed", "unknown", "deleted"]
"""Verified: the code host has the file at this ref. Listed: a known commit contains it, and none deleted it since.
Deleted: the newest known commit that named it deleted it. Unknown: none of these."""

MappingBasis = Literal["person", "derived"]
"""Who made the code mapping: a person, or a derivation from frames and the files of commits."""

RefBasis = Literal["exact", "branch", "newest_commit"]
"""Exact: the commit or tag of the frame or its release. Branch: a branch, which changes, or any other default of the
mapping. Newest commit: the newest one that named the file, because there was no other ref."""

_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")
# Short words such as "feed" consist of hexadecimal letters, so that a short sha must have a digit.
_REVISION: Final = re.compile(r"\d+|[0-9a-f]{7,64}|(?=[a-f]*\d)[0-9a-f]{4,6}", re.ASCII | re.IGNORECASE)
_VERSION: Final = re.compile(r"[A-Za-z]{0,20}[-_/@]?v?\d+(?:\.\d+)+[\w.+-]*", re.ASCII)

MAX_COMMIT: Final = 64
MAX_BRANCH: Final = 255

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


# A trace has hundreds of frames, and each becomes several values: msgspec's structs are the lightest that Python has.
class FrameQuery(Struct, frozen=True, gc=False):
    """A frame to link.

    Attributes:
        info: the fields that its path is derived from.
        line: the line in the file.
        commit: the commit of the process that printed the frame, if it is known.
        in_app: whether the frame belongs to the project's own code, if the sender states it.
    """

    info: FrameInfo
    line: int | None = None
    commit: str | None = None
    in_app: bool | None = None


@dataclass(frozen=True, slots=True)
class LinkOptions:
    """How frames are linked.

    Attributes:
        release: the version of the release that the frames come from.
        derive: whether frames that no mapping matches are linked by derived mappings. These are not saved.
        with_file_status: whether each link has the status of its file. Otherwise the status is read only where it
            decides which link a frame gets.
        counted: whether frames without a link are counted; not for attempts whose outcome nobody gets.
    """

    release: str | None = None
    derive: bool = False
    with_file_status: bool = False
    counted: bool = True


@dataclass(frozen=True, slots=True)
class CodeMapping:
    """Stack root to source root, for one project and one repository.

    Attributes:
        generated: whether the mapping was derived. Then ``confidence`` and ``derived_from`` are set.
        evidence: how many frames of the trace a mapping explains that was derived for this request. It is not stored.
    """

    id: int
    organization_id: int
    project_id: int
    repository_id: int
    stack_root: str
    source_root: str
    default_branch: str | None
    generated: bool
    created_at: datetime
    confidence: Confidence | None = None
    derived_from: tuple[Evidence, ...] = ()
    evidence: str | None = None

    @property
    def rules(self) -> list[Rule]:
        """The rules of the mapping; the first one has the mapping's own roots."""
        return list(rules_of_mapping(self.id, self.stack_root, self.source_root, generated=self.generated))

    @property
    def catches_all(self) -> bool:
        """Whether this is a derived mapping without a stack root, which matches frames of libraries too."""
        return self.generated and not self.stack_root


@dataclass(frozen=True, slots=True)
class MappingDraft:
    """A code mapping to save. ``evidence`` is for the answer alone."""

    project_id: int
    repository_id: int
    stack_root: str
    source_root: str
    default_branch: str | None
    generated: bool = False
    confidence: Confidence | None = None
    derived_from: tuple[Evidence, ...] = ()
    evidence: str | None = None

    def as_saved(self, id_: int, organization_id: int, created_at: datetime) -> CodeMapping:
        """Return the code mapping that saving this draft would give."""
        return CodeMapping(
            id=id_,
            organization_id=organization_id,
            project_id=self.project_id,
            repository_id=self.repository_id,
            stack_root=self.stack_root,
            source_root=self.source_root,
            default_branch=self.default_branch,
            generated=self.generated,
            created_at=created_at,
            confidence=self.confidence,
            derived_from=self.derived_from,
            evidence=self.evidence,
        )


@dataclass(frozen=True, slots=True)
class ChosenRef:
    """A ref, its kind, and its source."""

    ref: str
    kind: RefKind
    source: RefSource


class LinkBasis(NamedTuple):
    """The facts that a link is based on. ``derivation`` is the confidence of a derived mapping itself."""

    file: FileBasis
    mapping: MappingBasis
    ref: RefBasis
    derivation: Confidence | None = None

    @property
    def confidence(self) -> Confidence:
        """The lowest confidence of the file, the mapping and the ref."""
        return _confidence(self)


@cache
def _confidence(basis: LinkBasis) -> Confidence:
    parts = (_FILE_CONFIDENCE[basis.file], _mapping_confidence(basis), _REF_CONFIDENCE[basis.ref])
    return max(parts, key=_MOST_CONFIDENT_FIRST.index)


def _mapping_confidence(basis: LinkBasis) -> Confidence:
    if basis.mapping == "person":
        return "high"
    # A derived mapping to a file that no commit named is a guess.
    return "low" if basis.file == "unknown" else _DERIVED_CONFIDENCE[basis.derivation or "low"]


class Link(Struct, frozen=True, gc=False):
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
        Reason.REPOSITORY_INACTIVE: "The repository is hidden, or is to be deleted.",
        Reason.REPOSITORY_WITHOUT_URL: "The repository has no URL to link to.",
        Reason.NO_REF: "Neither the frame nor a release nor the mapping names a commit or a branch.",
        Reason.PROVIDER_OFF: "The repository's provider is off for this organization.",
        Reason.PROVIDER_FAILED: "The provider's plugin failed.",
        Reason.NO_SOURCE_PAGES: "The provider has no page for this file.",
        Reason.NOT_IN_REPOSITORY: "No file of the repository matches this frame's path.",
        Reason.SEVERAL_FILES: "Several files of the repository match this frame's path.",
        Reason.UNSAFE_URL: "The provider's URL is not a safe link.",
        Reason.NOT_COMMITTED: "The file is not committed.",
        Reason.NOT_PUSHED: "The file is in no pushed commit.",
        Reason.LINE_NOT_FOUND: "The file has no such line.",
    }
)


def choose_ref(
    frame_commit: str | None, release_commit: str | None, default_branch: str | None, newest_commit: str | None = None
) -> ChosenRef | None:
    """Return the first usable ref: the frame's commit, its release's commit, the default branch, the newest commit.

    The newest commit is the newest known one that named the file. A name that git would refuse is skipped, and so is
    ``HEAD`` as a release's commit, because the commit that it meant is not known.
    """
    if frame_commit and _is_usable(frame_commit, MAX_COMMIT):
        return ChosenRef(frame_commit, "commit", "frame")
    if release_commit and release_commit != "HEAD" and _is_usable(release_commit, MAX_COMMIT):
        # Releases may name a branch in the place of a commit.
        kind = "branch" if release_commit == default_branch else _kind_of_release_ref(release_commit)
        return ChosenRef(release_commit, kind, "release")
    if default_branch and _is_usable(default_branch, MAX_BRANCH):
        # A mapping may be pinned to a commit by hand.
        return ChosenRef(default_branch, "commit" if looks_like_commit(default_branch) else "branch", "default_branch")
    if newest_commit and looks_like_commit(newest_commit):
        return ChosenRef(newest_commit, "commit", "newest_commit")
    return None


def file_basis(exists: Existence, status: FileStatus) -> FileBasis:
    """Return the basis of a file: the code host decides, else the known commits."""
    # A "no" never comes here: then there is no link.
    return "verified" if exists is Existence.YES else status.value


def ref_basis(ref: ChosenRef) -> RefBasis:
    """Return how exact a ref is. A branch may have changed since the trace."""
    if ref.source == "newest_commit":
        return "newest_commit"
    return "exact" if ref.source in ("frame", "release") and ref.kind != "branch" else "branch"


class MadeMapping(Protocol):
    """A code mapping, by who made it."""

    @property
    def generated(self) -> bool:
        """Whether it was derived."""

    @property
    def confidence(self) -> Confidence | None:
        """How sure its derivation is."""


def link_basis(exists: Existence, status: FileStatus, mapping: MadeMapping, ref: ChosenRef) -> LinkBasis:
    """Return the basis of a link."""
    return LinkBasis(
        file=file_basis(exists, status),
        mapping="derived" if mapping.generated else "person",
        ref=ref_basis(ref),
        derivation=mapping.confidence,
    )


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


def _kind_of_release_ref(ref: str) -> RefKind:
    """Return the kind of a release's ref, which clients send without one: a revision, else a version, else a branch."""
    if _REVISION.fullmatch(ref):
        return "commit"
    return "tag" if _VERSION.fullmatch(ref) else "branch"


def _is_usable(ref: str, max_length: int) -> bool:
    return len(ref) <= max_length and ref_problem(ref) is None


def usable_line(line: int | None) -> int | None:
    """Return the line, or None if no file has it: runtimes print 0 and -1 for an unknown line."""
    return line if line is not None and 1 <= line <= MAX_LINE else None


def encodable(text: str) -> str:
    """Return the text with lone surrogates replaced: JSON can hold them, but UTF-8 and so an answer cannot."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)
