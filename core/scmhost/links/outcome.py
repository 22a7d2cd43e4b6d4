"""What comes out of resolving a frame: a link, or the reason why there is none."""

from dataclasses import dataclass

from scmhost.sdk import NEXT_STEP, Reason, RefKind

from .ref import RefSource


@dataclass(frozen=True, slots=True)
class Link:
    """A URL for a frame. ``verified`` says whether the file is known to be there; None is not known."""

    url: str
    source_path: str
    mapping_id: int
    ref: str
    ref_kind: RefKind
    ref_source: RefSource
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
