"""Wire shapes of traces: their frames, each with its outcome, and explanations."""

from collections.abc import Iterable
from functools import cache
from typing import Annotated, NotRequired

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


# A trace has hundreds of frames. Dictionaries with the keys of the wire are encoded as they are; a model for each part
# of a frame would take most of the time of an answer.
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


class LinkedFrameOut(OutcomeOut):
    """A frame and its outcome: a link with its confidence, or the reason why there is none."""

    frame: FrameOut
    text: TextSpan | None
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


def linked_frames(frames: Iterable[TraceFrame], resolved: Iterable[ResolvedFrame]) -> list[FrameWithContextOut]:
    """Return the frames of a trace and their outcomes on the wire."""
    # Most frames have the same mapping.
    mappings: dict[int, MappingShort] = {}
    return [_linked_frame(frame, each, mappings) for frame, each in zip(frames, resolved, strict=True)]


def _linked_frame(item: TraceFrame, resolved: ResolvedFrame, mappings: dict[int, MappingShort]) -> FrameWithContextOut:
    outcome, mapping = resolved.outcome, resolved.mapping
    short = mappings.get(mapping.id) if mapping else None
    if mapping and short is None:
        short = mappings[mapping.id] = mapping_short(mapping, resolved.repository, mapping.id)
    link, missing = (outcome, None) if isinstance(outcome, Link) else (None, outcome)
    confidence, basis = _basis(link.basis) if link else (None, None)
    return {
        "frame": _frame(item),
        "text": _span(item) if item.match else None,
        "link": _link(link) if link else None,
        "confidence": confidence,
        "basis": basis,
        "mapping": short,
        "sourcePath": outcome.source_path,
        "attemptedUrl": missing.attempted_url if missing else None,
        "reason": missing.reason.value if missing else None,
        "message": no_link_message(missing) if missing else None,
        "nextStep": missing.next_step if missing else None,
    }


def _link(link: Link) -> LinkOut:
    return {"url": link.url, "ref": link.ref, "refKind": link.ref_kind, "refSource": link.ref_source}


# There are few different ones.
@cache
def _basis(basis: LinkBasis) -> tuple[str, BasisOut]:
    return basis.confidence, {"file": basis.file, "mapping": basis.mapping, "ref": basis.ref}


def with_context(frame: FrameWithContextOut, found: SourceLines | MissingLines | None) -> FrameWithContextOut:
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
    return {**frame, "context": context}


def with_owners(frame: FrameWithContextOut, found: FrameOwners | MissingLines | None) -> FrameWithContextOut:
    """Return a frame with the owners of its file, or why they are not known."""
    owners: FrameOwnersOut | None = None
    if isinstance(found, FrameOwners):
        ownerships: list[OwnershipOut] = [
            {"owners": list(item.owners), "line": item.line, "section": item.section} for item in found.ownerships
        ]
        owners = {"file": found.file, "ownerships": ownerships, "reason": None, "message": None}
    elif found is not None:
        owners = {"file": None, "ownerships": [], "reason": found.reason.value, "message": encodable(found.text)}
    return {**frame, "owners": owners}


def explained_frame(frame: TraceFrame, explained: ExplainedFrame) -> ExplainedFrameOut:
    """Return a frame, its outcome and its explanation on the wire."""
    linked: LinkedFrameOut = _linked_frame(frame, explained.resolved, {})
    return {
        **linked,
        "munged": explained.munged,
        "paths": list(explained.paths),
        "tried": [_tried(item) for item in explained.resolved.tried],
        "notMatched": [_unmatched(item) for item in explained.unmatched],
        "notMatchedMore": explained.unmatched_more,
    }


def _frame(item: TraceFrame) -> FrameOut:
    # ``platform`` and ``in_app`` are not repeated: they only decide how the frame is linked.
    frame, function = item.frame, item.frame.function
    return {
        "filename": frame.filename,
        "absPath": frame.abs_path,
        "module": frame.module,
        "package": frame.package,
        # The names of functions are printed only. Those of a body that is no UTF-8 may hold half a character.
        "function": function if function is None or function.isascii() else encodable(function),
        "lineNo": frame.line_no,
        "colNo": frame.col_no,
        "language": item.language,
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
    if isinstance(outcome, NoLink):
        return {
            "link": None,
            "attemptedUrl": outcome.attempted_url,
            "reason": outcome.reason.value,
            "message": no_link_message(outcome),
            "nextStep": outcome.next_step,
        }
    return {
        "link": _link(outcome) if outcome else None,
        "attemptedUrl": None,
        "reason": None,
        "message": None,
        "nextStep": None,
    }
