"""Wire shapes of links, traces and code mappings."""

from collections.abc import Iterable
from typing import Any

from pydantic import Field

from scmhost.infra.http import Wire
from scmhost.installations.schemas import IntegrationShort, ProviderShort, provider_short
from scmhost.mapping import MISMATCH_STEP
from scmhost.sdk import Repository
from scmhost.services import Services

from .code_mappings import MappingDetails
from .explain import ExplainedFrame, UnmatchedMapping
from .owners import FrameOwners
from .resolve import ResolvedFrame, TriedMapping
from .source_lines import MAX_LINE_CHARACTERS, MissingLines, NoLines, SourceLines
from .traces import TraceFrame
from .values import CodeMapping, Link, MappingDraft, NoLink, encodable, no_link_message


class EvidenceOut(Wire):
    """A frame's path and the file that it can only mean."""

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
    confidence: str | None = Field(description="The confidence of a derived mapping: high, medium or low.")
    derived_from: list[EvidenceOut] = Field(description="The frames and files that a derived mapping comes from.")


class ParsedPath(Wire):
    # Integers here, though ids are strings elsewhere: Sentry's path-parsing answer has them so.
    integration_id: int
    repository_id: int
    provider: str
    stack_root: str
    source_root: str
    default_branch: str | None = Field(description="Null for the newest state of a host without branches.")


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
    notes: list[str] = Field(default_factory=list, description="Notes on the request, such as an unknown release.")


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
    notes: list[str] = Field(default_factory=list, description="Notes on the request, such as an unknown release.")


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


class TextSpan(Wire):
    """The position of a frame's path in the text."""

    line: int = Field(description="The line, counted from 1.")
    start: int = Field(description="The start of the path in the line, in characters from 0.")
    end: int = Field(description="The end of the path and of the line number that is attached to it.")


class LinkOut(Wire):
    url: str
    ref: str
    ref_kind: str = Field(description="commit, tag or branch.")
    ref_source: str = Field(description="frame, release, default_branch or newest_commit.")


class BasisOut(Wire):
    """The facts that a link is based on."""

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
    confidence: str | None = Field(description="The confidence of a derived mapping: high, medium or low.")


class MappingWithEvidence(MappingShort):
    derived_from: list[EvidenceOut] = Field(description="The frames and files that a derived mapping comes from.")


class LinkedFrameOut(Wire):
    """A frame and its outcome: a link with its confidence, or the reason why there is none."""

    frame: FrameOut
    text: TextSpan | None
    link: LinkOut | None
    confidence: str | None = Field(description="high, medium or low: the lowest confidence of the parts of the basis.")
    basis: BasisOut | None
    mapping: MappingShort | None
    source_path: str | None
    attempted_url: str | None
    reason: str | None
    message: str | None
    next_step: str | None


class SourceContextOut(Wire):
    """The source lines around a linked frame, or the reason why there are none."""

    start_line: int | None = Field(description="The number of the first line, from 1.")
    lines: list[str] = Field(description="The lines, without line ends.")
    truncated: bool = Field(description=f"Whether a line was cut after {MAX_LINE_CHARACTERS} characters.")
    reason: str | None = Field(description=f"Why there are no lines: {', '.join(NoLines)}.")
    message: str | None = Field(description="The reason in a sentence.")


class OwnershipOut(Wire):
    """The owners that one rule of CODEOWNERS names."""

    owners: list[str] = Field(description="Users, groups and addresses as they are written; empty if there are none.")
    line: int | None = Field(description="The line of the rule; null if no rule matches.")
    section: str | None = Field(description="The section of GitLab.")


class FrameOwnersOut(Wire):
    """The owners of a linked file, or the reason why they are not known."""

    file: str | None = Field(description="The path of the CODEOWNERS file.")
    ownerships: list[OwnershipOut] = Field(description="One, or in GitLab one for each section with a rule.")
    reason: str | None = Field(description=f"Why the owners are not known: {', '.join(NoLines)}.")
    message: str | None = Field(description="The reason in a sentence.")


class FrameWithContextOut(LinkedFrameOut):
    """A frame and its outcome, with source lines where they were requested."""

    context: SourceContextOut | None = Field(
        default=None, description="Only with the parameter `context`; null for a frame without a link."
    )
    owners: FrameOwnersOut | None = Field(
        default=None, description="Only with the parameter `owners`; null for a frame without a link."
    )


class LinkedTraceOut(Wire):
    frames: list[FrameWithContextOut]
    unread_lines: int = Field(description="Lines of the text in no known notation, blank lines not counted.")
    truncated: bool = Field(description="Whether the text is longer than a limit, and its rest was not read.")
    notes: list[str] = Field(default_factory=list, description="Notes on the request, such as an unknown release.")


class TriedMappingOut(Wire):
    """A mapping that matches the frame."""

    mapping: MappingWithEvidence
    outcome: str = Field(description="link, no_link, or not_needed, because an earlier mapping gave the link.")
    source_path: str
    file: str = Field(description="The status of the file in the known commits: listed, unknown or deleted.")
    link: LinkOut | None
    attempted_url: str | None
    reason: str | None
    message: str | None
    next_step: str | None


class UnmatchedMappingOut(Wire):
    """A mapping that gives no path for the frame."""

    mapping: MappingShort
    reason: str = Field(
        description="root_differs, case_differs, inside_segment, path_outside_repository or not_a_file."
    )
    message: str
    next_step: str


class ExplainedFrameOut(LinkedFrameOut):
    """A frame, its outcome, and every code mapping that was tried."""

    munged: str | None = Field(description="The path that the platform's rule made of the frame.")
    paths: list[str] = Field(description="The paths that the stack roots were compared with.")
    tried: list[TriedMappingOut] = Field(description="The mappings that match, in the order in which they are tried.")
    not_matched: list[UnmatchedMappingOut] = Field(description="Mappings that do not match, in the order of mappings.")
    not_matched_more: int = Field(
        description="How many more do not match; at most limits.explained_mappings are listed."
    )


class ExplainedTraceOut(Wire):
    frames: list[ExplainedFrameOut]
    unread_lines: int
    truncated: bool
    notes: list[str] = Field(default_factory=list, description="Notes on the request, such as an unknown release.")


def code_mapping_out(services: Services, details: MappingDetails) -> CodeMappingOut:
    """Return a code mapping on the wire."""
    mapping, repository = details.mapping, details.repository
    key, plugins = repository.provider, services.plugins
    provider = None if key is None else provider_short(key, plugins.provider_name(key), plugins.provider(key))
    return CodeMappingOut(
        id=str(mapping.id),
        project_id=str(details.project.id),
        project_slug=details.project.slug,
        repo_id=str(repository.id),
        repo_name=repository.name,
        integration_id=str(repository.installation_id) if repository.installation_id is not None else None,
        provider=provider,
        stack_root=mapping.stack_root,
        source_root=mapping.source_root,
        default_branch=mapping.default_branch,
        automatically_generated=mapping.generated,
        confidence=mapping.confidence,
        derived_from=_evidence(mapping.derived_from),
    )


def linked_frame(frame: TraceFrame, resolved: ResolvedFrame) -> FrameWithContextOut:
    """Return a frame and its outcome on the wire."""
    return FrameWithContextOut(**_frame_fields(frame), **_resolved_fields(resolved))


def with_context(frame: FrameWithContextOut, found: SourceLines | MissingLines | None) -> FrameWithContextOut:
    """Return a frame with its source lines, or why there are none."""
    context = None
    if isinstance(found, SourceLines):
        context = SourceContextOut(
            start_line=found.start, lines=list(found.lines), truncated=found.truncated, reason=None, message=None
        )
    elif found is not None:
        context = SourceContextOut(
            start_line=None, lines=[], truncated=False, reason=found.reason.value, message=encodable(found.text)
        )
    return frame.model_copy(update={"context": context})


def with_owners(frame: FrameWithContextOut, found: FrameOwners | MissingLines | None) -> FrameWithContextOut:
    """Return a frame with the owners of its file, or why they are not known."""
    owners = None
    if isinstance(found, FrameOwners):
        ownerships = [OwnershipOut(**item._asdict()) for item in found.ownerships]
        owners = FrameOwnersOut(file=found.file, ownerships=ownerships, reason=None, message=None)
    elif found is not None:
        owners = FrameOwnersOut(file=None, ownerships=[], reason=found.reason.value, message=encodable(found.text))
    return frame.model_copy(update={"owners": owners})


def explained_frame(frame: TraceFrame, explained: ExplainedFrame) -> ExplainedFrameOut:
    """Return a frame, its outcome and its explanation on the wire."""
    return ExplainedFrameOut(
        **_frame_fields(frame),
        **_resolved_fields(explained.resolved),
        munged=explained.munged,
        paths=list(explained.paths),
        tried=[_tried(item) for item in explained.resolved.tried],
        not_matched=[_unmatched(item) for item in explained.unmatched],
        not_matched_more=explained.unmatched_more,
    )


def mapping_with_evidence(
    mapping: CodeMapping | MappingDraft, repository: Repository, mapping_id: int
) -> MappingWithEvidence:
    """Return a code mapping with the evidence that it was derived from. An id of 0 or less is not shown."""
    fields = _mapping_fields(mapping, repository, mapping_id)
    return MappingWithEvidence(**fields, derived_from=_evidence(mapping.derived_from))


def _evidence(evidence: Iterable[tuple[str, str]]) -> list[EvidenceOut]:
    # A JSON column can hold lone surrogates, unlike all other columns.
    return [EvidenceOut(path=encodable(path), file=encodable(file)) for path, file in evidence]


def _mapping_fields(
    mapping: CodeMapping | MappingDraft, repository: Repository | None, mapping_id: int
) -> dict[str, Any]:
    return {
        "id": str(mapping_id) if mapping_id > 0 else None,
        "stack_root": mapping.stack_root,
        "source_root": mapping.source_root,
        "default_branch": mapping.default_branch,
        "repository": RepositoryShort(id=str(repository.id), name=repository.name) if repository else None,
        "automatically_generated": mapping.generated,
        "confidence": mapping.confidence,
    }


def _frame_fields(item: TraceFrame) -> dict[str, Any]:
    # ``platform`` and ``in_app`` are not repeated: they only decide how the frame is linked.
    fields = item.frame.model_dump(include=set(FrameOut.model_fields))
    match = item.match
    # Lines count from 1 as in editors; characters from 0, so that they can be used as indexes.
    span = TextSpan(line=match.text_line + 1, start=match.start, end=match.end) if match else None
    return {"frame": FrameOut(**fields, language=item.language), "text": span}


def _resolved_fields(resolved: ResolvedFrame) -> dict[str, Any]:
    basis = resolved.outcome.basis if isinstance(resolved.outcome, Link) else None
    mapping = resolved.mapping
    fields = _mapping_fields(mapping, resolved.repository, mapping.id) if mapping else None
    return {
        "mapping": fields and MappingShort(**fields),
        "source_path": resolved.outcome.source_path,
        "basis": basis and BasisOut(file=basis.file, mapping=basis.mapping, ref=basis.ref),
        "confidence": basis and basis.confidence,
        **_outcome_fields(resolved.outcome),
    }


def _tried(item: TriedMapping) -> TriedMappingOut:
    outcome = "not_needed" if item.outcome is None else "link" if isinstance(item.outcome, Link) else "no_link"
    return TriedMappingOut(
        mapping=mapping_with_evidence(item.mapping, item.repository, item.mapping.id),
        outcome=outcome,
        source_path=item.source_path,
        file=item.file_status.value,
        **_outcome_fields(item.outcome),
    )


def _unmatched(item: UnmatchedMapping) -> UnmatchedMappingOut:
    return UnmatchedMappingOut(
        mapping=MappingShort(**_mapping_fields(item.mapping, item.repository, item.mapping.id)),
        reason=item.mismatch.value,
        message=item.message,
        next_step=MISMATCH_STEP[item.mismatch],
    )


def _outcome_fields(outcome: Link | NoLink | None) -> dict[str, Any]:
    fields: dict[str, Any] = dict.fromkeys(("link", "attempted_url", "reason", "message", "next_step"))
    match outcome:
        case Link() as link:
            shown = LinkOut(url=link.url, ref=link.ref, ref_kind=link.ref_kind, ref_source=link.ref_source)
            return {**fields, "link": shown}
        case NoLink() as missing:
            return {
                **fields,
                "attempted_url": missing.attempted_url,
                "reason": missing.reason.value,
                "message": no_link_message(missing),
                "next_step": missing.next_step,
            }
        case None:
            return fields
