"""Wire shapes of links, traces and code mappings."""

from collections.abc import Iterable
from typing import Any

from pydantic import Field

from scmhost.infra.http import Wire
from scmhost.installations.schemas import IntegrationShort, ProviderShort
from scmhost.mapping import MISMATCH_STEP
from scmhost.sdk import Repository

from .explain import Explained, Unfit
from .outcome import Link, NoLink, no_link_message
from .resolve import Resolved, Tried
from .trace_input import Shown
from .values import CodeMapping, MappingDraft


class EvidenceOut(Wire):
    """A frame's path and the file that it is of."""

    path: str
    file: str


class CodeMappingOut(Wire):
    id: str
    project_id: str
    project_slug: str
    repo_id: str
    repo_name: str
    integration_id: str | None
    provider: ProviderShort | None
    stack_root: str
    source_root: str
    default_branch: str | None
    automatically_generated: bool
    confidence: str | None = Field(description="How sure a derived mapping is: high, medium or low.")
    derived_from: list[EvidenceOut] = Field(description="What a derived mapping was derived from.")


class ParsedPath(Wire):
    integration_id: int
    repository_id: int
    provider: str
    stack_root: str
    source_root: str
    default_branch: str


class StacktraceLink(Wire):
    config: CodeMappingOut | None
    source_path: str | None = None
    source_url: str | None
    attempted_url: str | None = None
    integrations: list[IntegrationShort]
    error: str | None
    detail: str | None = Field(default=None, description="Why there is no link, in a sentence.")
    next_step: str | None = None
    ref: str | None = None
    ref_source: str | None = Field(default=None, description="frame, release, default_branch or newest_commit.")
    verified: bool | None = None


class LinkedFile(Wire):
    file: str
    source_url: str | None
    error: str | None = None
    attempted_url: str | None = None
    next_step: str | None = None
    ref: str | None = None
    ref_source: str | None = Field(default=None, description="frame, release, default_branch or newest_commit.")


class LinkedFiles(Wire):
    files: list[LinkedFile]


class SavedRootsOut(Wire):
    stack_root: str
    source_root: str
    status: str = Field(description="created, updated or error.")
    detail: str | None = None


class BulkMappingsOut(Wire):
    created: int
    updated: int
    errors: int
    mappings: list[SavedRootsOut]


def evidence_out(evidence: Iterable[tuple[str, str]]) -> list[EvidenceOut]:
    """What a mapping was derived from."""
    return [EvidenceOut(path=path, file=file) for path, file in evidence]


class FrameOut(Wire):
    """A frame as it was sent, or as it was read from the text."""

    filename: str | None
    abs_path: str | None
    module: str | None
    package: str | None
    function: str | None
    line_no: int | None
    col_no: int | None
    language: str | None = Field(description="The language of the notation that the frame was read in.")


class PlaceOut(Wire):
    """Where a frame stands in the text."""

    line: int = Field(description="The line, counted from 1.")
    start: int = Field(description="Where the path begins in the line, in characters from 0.")
    end: int = Field(description="Behind the path and the line number that is attached to it.")


class LinkOut(Wire):
    url: str
    ref: str
    ref_kind: str = Field(description="commit, tag or branch.")
    ref_source: str = Field(description="frame, release, default_branch or newest_commit.")


class BasisOut(Wire):
    """What a link is based on."""

    file: str = Field(description="verified, listed, unknown or deleted.")
    mapping: str = Field(description="person or derived.")
    ref: str = Field(description="exact, branch or newest_commit.")


class RepositoryShort(Wire):
    id: str
    name: str


class MappingShort(Wire):
    id: str | None = Field(description="Null for a mapping that was derived for this request alone.")
    stack_root: str
    source_root: str
    default_branch: str | None
    repository: RepositoryShort | None
    automatically_generated: bool
    confidence: str | None = Field(description="How sure a derived mapping is: high, medium or low.")


class MappingWhole(MappingShort):
    derived_from: list[EvidenceOut] = Field(description="The frames and files that a derived mapping comes from.")


class LinkedFrameOut(Wire):
    """A frame and what became of it: a link with how sure it is, or the reason why there is none."""

    frame: FrameOut
    text: PlaceOut | None
    link: LinkOut | None
    confidence: str | None = Field(description="high, medium or low: as sure as the least sure part of the basis.")
    basis: BasisOut | None
    mapping: MappingShort | None
    source_path: str | None
    attempted_url: str | None
    reason: str | None
    message: str | None
    next_step: str | None


class LinkedTraceOut(Wire):
    frames: list[LinkedFrameOut]
    unread_lines: int = Field(description="Lines of the text that no notation understands, blank ones aside.")
    truncated: bool = Field(description="Whether the text is longer than a limit, and its rest was not read.")


class TriedOut(Wire):
    """A mapping that fits the frame."""

    mapping: MappingWhole
    outcome: str = Field(description="link, no_link, or not_needed, because an earlier mapping gave the link.")
    source_path: str
    file: str = Field(description="What the known commits say of the file: listed, unknown or deleted.")
    link: LinkOut | None
    attempted_url: str | None
    reason: str | None
    message: str | None
    next_step: str | None


class UnfitOut(Wire):
    """A mapping that gives no path for the frame."""

    mapping: MappingShort
    reason: str = Field(
        description="root_differs, case_differs, inside_segment, path_outside_repository or not_a_file."
    )
    message: str
    next_step: str


class ExplainedFrameOut(LinkedFrameOut):
    """A frame, what became of it, and how."""

    munged: str | None = Field(description="The path that the platform's rule made of the frame.")
    paths: list[str] = Field(description="The paths that the stack roots were compared with.")
    tried: list[TriedOut] = Field(description="The mappings that fit, in the order in which they are tried.")
    not_matched: list[UnfitOut] = Field(description="Mappings that do not fit, in the order of mappings.")
    not_matched_more: int = Field(description="How many more do not fit; limits.explained_mappings are listed.")


class ExplainedTraceOut(Wire):
    frames: list[ExplainedFrameOut]
    unread_lines: int
    truncated: bool


def linked_frame(shown: Shown, resolved: Resolved) -> LinkedFrameOut:
    """A frame and what became of it."""
    return LinkedFrameOut(**_frame_fields(shown), **_answer_fields(resolved))


def explained_frame(shown: Shown, explained: Explained) -> ExplainedFrameOut:
    """A frame, what became of it, and how."""
    return ExplainedFrameOut(
        **_frame_fields(shown),
        **_answer_fields(explained.resolved),
        munged=explained.munged,
        paths=list(explained.paths),
        tried=[_tried(item) for item in explained.resolved.tried],
        not_matched=[_unfit(item) for item in explained.unfit],
        not_matched_more=explained.left_out,
    )


def mapping_short(mapping: CodeMapping | MappingDraft, repository: Repository | None, id_: int = 0) -> MappingShort:
    """A code mapping with its repository's name. One that is not saved has no id."""
    return MappingShort(**_mapping_fields(mapping, repository, id_))


def mapping_whole(mapping: CodeMapping | MappingDraft, repository: Repository | None, id_: int = 0) -> MappingWhole:
    """A code mapping with what it was derived from."""
    fields = _mapping_fields(mapping, repository, id_)
    return MappingWhole(**fields, derived_from=evidence_out(mapping.derived_from))


def _mapping_fields(mapping: CodeMapping | MappingDraft, repository: Repository | None, id_: int) -> dict[str, Any]:
    return {
        "id": str(id_) if id_ > 0 else None,
        "stack_root": mapping.stack_root,
        "source_root": mapping.source_root,
        "default_branch": mapping.default_branch,
        "repository": RepositoryShort(id=str(repository.id), name=repository.name) if repository else None,
        "automatically_generated": mapping.generated,
        "confidence": mapping.confidence,
    }


def _frame_fields(shown: Shown) -> dict[str, Any]:
    frame, found = shown.frame, shown.found
    place = PlaceOut(line=found.text_line + 1, start=found.start, end=found.end) if found else None
    fields = frame.model_dump(include=set(FrameOut.model_fields))
    return {"frame": FrameOut(**fields, language=shown.language), "text": place}


def _answer_fields(resolved: Resolved) -> dict[str, Any]:
    link = resolved.outcome if isinstance(resolved.outcome, Link) else None
    basis = link and BasisOut(file=link.basis.file, mapping=link.basis.mapping, ref=link.basis.ref)
    mapping = resolved.mapping and mapping_short(resolved.mapping, resolved.repository, resolved.mapping.id)
    told = {"source_path": resolved.outcome.source_path, "mapping": mapping, "basis": basis}
    return {**told, "confidence": link and link.basis.confidence, **_outcome_fields(resolved.outcome)}


def _tried(item: Tried) -> TriedOut:
    outcome = "not_needed" if item.outcome is None else "link" if isinstance(item.outcome, Link) else "no_link"
    return TriedOut(
        mapping=mapping_whole(item.mapping, item.repository, item.mapping.id),
        outcome=outcome,
        source_path=item.source_path,
        file=item.standing.value,
        **_outcome_fields(item.outcome),
    )


def _unfit(item: Unfit) -> UnfitOut:
    return UnfitOut(
        mapping=mapping_short(item.mapping, item.repository, item.mapping.id),
        reason=item.why.value,
        message=item.message,
        next_step=MISMATCH_STEP[item.why],
    )


def _outcome_fields(outcome: Link | NoLink | None) -> dict[str, Any]:
    nothing = dict.fromkeys(("link", "attempted_url", "reason", "message", "next_step"))
    match outcome:
        case Link() as link:
            shown = LinkOut(url=link.url, ref=link.ref, ref_kind=link.ref_kind, ref_source=link.ref_source)
            return {**nothing, "link": shown}
        case NoLink() as no:
            told = {"attempted_url": no.attempted_url, "reason": no.reason.value, "next_step": no.next_step}
            return {**nothing, **told, "message": no_link_message(no)}
        case None:
            return {**nothing}
