"""Wire shapes of traces: their frames, each with its outcome, and explanations."""

from collections.abc import Iterable
from functools import cache
from typing import Annotated, Any, Final, NotRequired

from msgspec import Struct, defstruct, to_builtins
from pydantic import Field

# With Python 3.11 pydantic needs this one.
from typing_extensions import TypedDict

from scmhost.mapping import MISMATCH_STEP

from .explain import ExplainedFrame, UnmatchedMapping
from .owners import FrameOwners
from .resolve import ResolvedFrame, TriedMapping
from .schemas import MappingShort, MappingWithEvidence, mapping_short, mapping_with_evidence
from .source_lines import MAX_LINE_CHARACTERS, MissingLines, NoLines, SourceLines
from .traces import TraceFrame
from .values import Link, LinkBasis, NoLink, encodable, no_link_message


# A trace has hundreds of frames. A model for each part of a frame would take most of the time of an answer.
class FrameOut(TypedDict):
    """A frame as it was sent, or as it was read from the text."""

    filename: str | None
    absPath: str | None
    module: str | None
    package: str | None
    function: str | None
    lineNo: int | None
    colNo: int | None
    language: Annotated[str | None, Field(description="The language of the notation that the frame was read in.")]


class TextSpan(TypedDict):
    """The position of a frame's path in the text."""

    line: Annotated[int, Field(description="The line, counted from 1.")]
    start: Annotated[int, Field(description="The start of the path in the line, in characters from 0.")]
    end: Annotated[int, Field(description="The end of the path and of the line number that is attached to it.")]


class LinkOut(TypedDict):
    url: str
    ref: str
    refKind: Annotated[str, Field(description="commit, tag or branch.")]
    refSource: Annotated[str, Field(description="frame, release, default_branch or newest_commit.")]


class BasisOut(TypedDict):
    """The facts that a link is based on."""

    file: Annotated[str, Field(description="verified, listed, unknown or deleted.")]
    mapping: Annotated[str, Field(description="person or derived.")]
    ref: Annotated[str, Field(description="exact, branch or newest_commit.")]


class OutcomeOut(TypedDict):
    """A link, or the reason why there is none."""

    link: LinkOut | None
    attemptedUrl: str | None
    reason: str | None
    message: str | None
    nextStep: str | None


class ReadFrameOut(TypedDict):
    """A frame, and its position if it was read from a text."""

    frame: FrameOut
    text: TextSpan | None


class LinkedFrameOut(ReadFrameOut, OutcomeOut):
    """A frame and its outcome: a link with its confidence, or the reason why there is none."""

    confidence: Annotated[
        str | None, Field(description="high, medium or low: the lowest confidence of the parts of the basis.")
    ]
    basis: BasisOut | None
    mapping: MappingShort | None
    sourcePath: str | None


class SourceContextOut(TypedDict):
    """The source lines around a linked frame, or the reason why there are none."""

    startLine: Annotated[int | None, Field(description="The number of the first line, from 1.")]
    lines: Annotated[list[str], Field(description="The lines, without line ends.")]
    truncated: Annotated[bool, Field(description=f"Whether a line was cut after {MAX_LINE_CHARACTERS} characters.")]
    reason: Annotated[str | None, Field(description=f"Why there are no lines: {', '.join(NoLines)}.")]
    message: Annotated[str | None, Field(description="The reason in a sentence.")]


class OwnershipOut(TypedDict):
    """The owners that one rule of CODEOWNERS names."""

    owners: Annotated[
        list[str], Field(description="Users, groups and addresses as they are written; empty if there are none.")
    ]
    line: Annotated[int | None, Field(description="The line of the rule; null if no rule matches.")]
    section: Annotated[str | None, Field(description="The section of GitLab.")]


class FrameOwnersOut(TypedDict):
    """The owners of a linked file, or the reason why they are not known."""

    file: Annotated[str | None, Field(description="The path of the CODEOWNERS file.")]
    ownerships: Annotated[list[OwnershipOut], Field(description="One, or in GitLab one for each section with a rule.")]
    reason: Annotated[str | None, Field(description=f"Why the owners are not known: {', '.join(NoLines)}.")]
    message: Annotated[str | None, Field(description="The reason in a sentence.")]


class FrameWithContextOut(LinkedFrameOut):
    """A frame and its outcome, with source lines and owners where they were requested."""

    context: NotRequired[
        Annotated[
            SourceContextOut | None,
            Field(description="Only with the parameter `context`; null for a frame without a link."),
        ]
    ]
    owners: NotRequired[
        Annotated[
            FrameOwnersOut | None,
            Field(description="Only with the parameter `owners`; null for a frame without a link."),
        ]
    ]


class TraceOut(TypedDict):
    unreadLines: Annotated[int, Field(description="Lines of the text in no known notation, blank lines not counted.")]
    truncated: Annotated[bool, Field(description="Whether the text is longer than a limit, and its rest was not read.")]
    notes: Annotated[list[str], Field(description="Notes on the request, such as an unknown release.")]


class LinkedTraceOut(TraceOut):
    frames: list[FrameWithContextOut]


class TriedMappingOut(OutcomeOut):
    """A mapping that matches the frame."""

    mapping: MappingWithEvidence
    outcome: Annotated[
        str, Field(description="link, no_link, or not_needed, because an earlier mapping gave the link.")
    ]
    sourcePath: str
    file: Annotated[str, Field(description="The status of the file in the known commits: listed, unknown or deleted.")]


class UnmatchedMappingOut(TypedDict):
    """A mapping that gives no path for the frame."""

    mapping: MappingShort
    reason: Annotated[
        str,
        Field(description="root_differs, case_differs, inside_segment, path_outside_repository or not_a_file."),
    ]
    message: str
    nextStep: str


class ExplainedFrameOut(LinkedFrameOut):
    """A frame, its outcome, and every code mapping that was tried."""

    munged: Annotated[str | None, Field(description="The path that the platform's rule made of the frame.")]
    paths: Annotated[list[str], Field(description="The paths that the stack roots were compared with.")]
    tried: Annotated[
        list[TriedMappingOut],
        Field(description="The mappings that match, in the order in which they are tried."),
    ]
    notMatched: Annotated[
        list[UnmatchedMappingOut], Field(description="Mappings that do not match, in the order of mappings.")
    ]
    notMatchedMore: Annotated[
        int, Field(description="How many more do not match; at most limits.explained_mappings are listed.")
    ]


class ExplainedTraceOut(TraceOut):
    frames: list[ExplainedFrameOut]


def _struct_of(shape: Any) -> Any:
    """Return a struct that is encoded as a dictionary of this type: it is made and encoded in a third of the time."""
    return defstruct(shape.__name__, [(key, Any) for key in shape.__annotations__], frozen=True, gc=False)


_FRAME, _LINK, _BASIS, _MAPPING = map(_struct_of, (FrameOut, LinkOut, BasisOut, MappingShort))
_LINKED_FRAME: Final = _struct_of(LinkedFrameOut)


def linked_frames(frames: Iterable[TraceFrame], resolved: Iterable[ResolvedFrame]) -> list[Struct]:
    """Return the frames of a trace and their outcomes, to be encoded as ``LinkedFrameOut``."""
    # Most frames have the same mapping.
    mappings: dict[int, Struct] = {}
    return [_linked_frame(frame, each, mappings) for frame, each in zip(frames, resolved, strict=True)]


def _linked_frame(item: TraceFrame, resolved: ResolvedFrame, mappings: dict[int, Struct]) -> Struct:
    outcome, mapping, frame = resolved.outcome, resolved.mapping, item.frame
    short = mappings.get(mapping.id) if mapping else None
    if mapping and short is None:
        short = mappings[mapping.id] = _MAPPING(**mapping_short(mapping, resolved.repository, mapping.id))
    link = confidence = basis = attempted_url = reason = message = next_step = None
    if isinstance(outcome, Link):
        link = _link(outcome)
        confidence, basis = _basis(outcome.basis)
    else:
        attempted_url, reason, message, next_step = _missing(outcome)
    # ``platform`` and ``in_app`` are not repeated: they only decide how the frame is linked.
    shown = _FRAME(
        frame.filename,
        frame.abs_path,
        frame.module,
        frame.package,
        frame.function,
        frame.line_no,
        frame.col_no,
        item.language,
    )
    text, path = _span(item) if item.match else None, outcome.source_path
    linked: Struct = _LINKED_FRAME(
        shown, text, link, attempted_url, reason, message, next_step, confidence, basis, short, path
    )
    return linked


def _link(link: Link) -> Struct:
    shown: Struct = _LINK(link.url, link.ref, link.ref_kind, link.ref_source)
    return shown


def _missing(outcome: NoLink) -> tuple[str | None, ...]:
    return outcome.attempted_url, outcome.reason.value, no_link_message(outcome), outcome.next_step


# There are few different ones.
@cache
def _basis(basis: LinkBasis) -> tuple[str, Struct]:
    return basis.confidence, _BASIS(basis.file, basis.mapping, basis.ref)


def with_context(frame: Struct | FrameWithContextOut, found: SourceLines | MissingLines | None) -> FrameWithContextOut:
    """Return a frame with its source lines, or why there are none."""
    context: SourceContextOut | None = None
    if isinstance(found, SourceLines):
        context = {
            "startLine": found.start,
            "lines": list(found.lines),
            "truncated": found.truncated,
            "reason": None,
            "message": None,
        }
    elif found is not None:
        context = {
            "startLine": None,
            "lines": [],
            "truncated": False,
            "reason": found.reason.value,
            "message": encodable(found.text),
        }
    plain: FrameWithContextOut = to_builtins(frame)
    return {**plain, "context": context}


def with_owners(frame: Struct | FrameWithContextOut, found: FrameOwners | MissingLines | None) -> FrameWithContextOut:
    """Return a frame with the owners of its file, or why they are not known."""
    owners: FrameOwnersOut | None = None
    if isinstance(found, FrameOwners):
        ownerships: list[OwnershipOut] = [
            {"owners": list(item.owners), "line": item.line, "section": item.section} for item in found.ownerships
        ]
        owners = {"file": found.file, "ownerships": ownerships, "reason": None, "message": None}
    elif found is not None:
        owners = {"file": None, "ownerships": [], "reason": found.reason.value, "message": encodable(found.text)}
    plain: FrameWithContextOut = to_builtins(frame)
    return {**plain, "owners": owners}


def explained_frame(frame: TraceFrame, explained: ExplainedFrame) -> ExplainedFrameOut:
    """Return a frame, its outcome and its explanation on the wire."""
    linked: LinkedFrameOut = to_builtins(_linked_frame(frame, explained.resolved, {}))
    return {
        **linked,
        "munged": explained.munged,
        "paths": list(explained.paths),
        "tried": [_tried(item) for item in explained.resolved.tried],
        "notMatched": [_unmatched(item) for item in explained.unmatched],
        "notMatchedMore": explained.unmatched_more,
    }


def _span(item: TraceFrame) -> TextSpan | None:
    match = item.match
    # Lines count from 1 as in editors; characters from 0, so that they can be used as indexes.
    return {"line": match.text_line + 1, "start": match.start, "end": match.end} if match else None


def _tried(item: TriedMapping) -> TriedMappingOut:
    outcome = "not_needed" if item.outcome is None else "link" if isinstance(item.outcome, Link) else "no_link"
    return {
        "mapping": mapping_with_evidence(item.mapping, item.repository, item.mapping.id),
        "outcome": outcome,
        "sourcePath": item.source_path,
        "file": item.file_status.value,
        **_outcome(item.outcome),
    }


def _unmatched(item: UnmatchedMapping) -> UnmatchedMappingOut:
    return {
        "mapping": mapping_short(item.mapping, item.repository, item.mapping.id),
        "reason": item.mismatch.value,
        "message": item.message,
        "nextStep": MISMATCH_STEP[item.mismatch],
    }


def _outcome(outcome: Link | NoLink | None) -> OutcomeOut:
    attempted_url, reason, message, next_step = _missing(outcome) if isinstance(outcome, NoLink) else (None,) * 4
    return {
        "link": to_builtins(_link(outcome)) if isinstance(outcome, Link) else None,
        "attemptedUrl": attempted_url,
        "reason": reason,
        "message": message,
        "nextStep": next_step,
    }
