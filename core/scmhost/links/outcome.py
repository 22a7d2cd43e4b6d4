"""What comes out of resolving a frame: a link, or the reason why there is none."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from scmhost.sdk import NEXT_STEP, Reason, RefKind

from .basis import Basis
from .ref import RefSource


@dataclass(frozen=True, slots=True)
class Link:
    """A URL for a frame. ``verified`` says whether its code host has the file; None is not known."""

    url: str
    source_path: str
    mapping_id: int
    ref: str
    ref_kind: RefKind
    ref_source: RefSource
    basis: Basis
    verified: bool | None = None


@dataclass(frozen=True, slots=True)
class NoLink:
    """Why a frame has no link, and what to do. Path, URL and mapping speak of the same mapping."""

    reason: Reason
    message: str
    next_step: str
    attempted_url: str | None = None
    source_path: str | None = None
    mapping_id: int | None = None


def no_link(
    reason: Reason,
    message: str = "",
    *,
    attempted_url: str | None = None,
    source_path: str | None = None,
    mapping_id: int | None = None,
) -> NoLink:
    """No link, with the next step that belongs to the reason."""
    return NoLink(reason, message, NEXT_STEP[reason], attempted_url, source_path, mapping_id)


_SAID: Final[Mapping[Reason, str]] = MappingProxyType(
    {
        Reason.NO_CODE_MAPPINGS: "The project has no code mappings.",
        Reason.STACK_ROOT_MISMATCH: "No stack root of the project is the beginning of this frame's path.",
        Reason.FILE_NOT_FOUND: "The repository has no such file at this ref.",
        Reason.FORBIDDEN: "The installation may not read this repository.",
        Reason.INSTALLATION_NOT_FOUND: "The mapping's repository belongs to no installation.",
        Reason.NOT_A_FILE: "The frame names no file.",
        Reason.PATH_OUTSIDE: "The path that the mapping gives leads out of the repository.",
        Reason.NOT_IN_REPOSITORY: "No file of the repository ends like this path.",
        Reason.SEVERAL_FILES: "Several files of the repository end like this path.",
        Reason.REPOSITORY_INACTIVE: "The repository is hidden, or waits for its deletion.",
        Reason.REPOSITORY_WITHOUT_URL: "The repository has no URL to link to.",
        Reason.NO_REF: "Neither the frame nor a release nor the mapping tells a commit or a branch.",
        Reason.PROVIDER_OFF: "The repository's provider is off for this organization.",
        Reason.PROVIDER_FAILED: "The provider's plugin failed.",
        Reason.NO_SOURCE_PAGES: "The provider has no page for this file.",
        Reason.NOT_IN_REPOSITORY: "The repository has no file that this frame's path can be of.",
        Reason.SEVERAL_FILES: "Several files of the repository can be this frame's.",
        Reason.UNSAFE_URL: "What the provider gave is no safe link.",
    }
)


def said(no: NoLink) -> str:
    """Why there is no link, in a sentence: what was said of this frame, else what its reason says."""
    return no.message or _SAID[no.reason]
