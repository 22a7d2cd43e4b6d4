"""Resolve frames to links, or to the reason why there is no link."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from scmhost.infra.db.engine import Transaction
from scmhost.mapping import FileStatus, Unmapped, map_frame
from scmhost.organizations.queries import Project
from scmhost.sdk import Organization, Reason, Repository
from scmhost.services import Services

from .derive import derive_for_request
from .link_builder import LinkBuilder
from .link_targets import (
    LinkTargets,
    MappingResult,
    ProjectMappings,
    index_mappings,
    read_link_targets,
    read_mappings,
)
from .outcome import Link, NoLink, no_link
from .values import CodeMapping, FrameQuery, LinkOptions

_UNMATCHED = (Reason.NO_CODE_MAPPINGS, Reason.STACK_ROOT_MISMATCH)


@dataclass(frozen=True, slots=True)
class TriedMapping:
    """A mapping that matches a frame, and its outcome. The outcome is None after an earlier mapping gave a link."""

    mapping: CodeMapping
    repository: Repository
    source_path: str
    file_status: FileStatus
    outcome: Link | NoLink | None


@dataclass(frozen=True, slots=True)
class ResolvedFrame:
    """The outcome of a frame, with the mapping and the repository that it comes from.

    ``tried`` has all mappings that match, in the order in which they are tried.
    """

    outcome: Link | NoLink
    mapping: CodeMapping | None = None
    repository: Repository | None = None
    tried: tuple[TriedMapping, ...] = ()


def resolve_links(
    services: Services,
    organization: Organization,
    project: Project,
    frames: Sequence[FrameQuery],
    options: LinkOptions | None = None,
) -> list[ResolvedFrame]:
    """Return one outcome for each frame, in order. The database is read once, in one transaction.

    Raises:
        NotFound: the organization has no such release.
    """
    with services.telemetry.operation("links"):
        with services.store.read() as tx:
            mappings = read_mappings(tx, services, project)
            targets = map_frames(tx, services, organization, mappings, frames, options or LinkOptions())
        return build_links(services, organization, targets)


def map_frames(
    tx: Transaction,
    services: Services,
    organization: Organization,
    mappings: ProjectMappings,
    frames: Sequence[FrameQuery],
    options: LinkOptions,
) -> LinkTargets:
    """Map frames by a project's mappings, and those that none matches by derived ones; read their link targets."""
    if not (mappings.by_id or options.derive):
        # This reason comes before any other, such as an unknown release or a frame without a file.
        results: list[MappingResult] = [Unmapped(Reason.NO_CODE_MAPPINGS) for _ in frames]
        return read_link_targets(tx, organization, {}, list(zip(frames, results, strict=True)), LinkOptions())
    results = [map_frame(mappings.index, frame.info) for frame in frames]
    by_id = dict(mappings.by_id)
    unmatched = [frame for frame, result in zip(frames, results, strict=True) if _is_unmatched(result)]
    if options.derive and unmatched:
        derived = index_mappings(0, derive_for_request(tx, services, organization, unmatched))
        results = [_by_derived(derived, frame, result) for frame, result in zip(frames, results, strict=True)]
        by_id.update(derived.by_id)
    return read_link_targets(tx, organization, by_id, list(zip(frames, results, strict=True)), options)


def build_links(services: Services, organization: Organization, targets: LinkTargets) -> list[ResolvedFrame]:
    """Build the links of mapped frames. Plugins are called, so that no transaction may be open."""
    builder = LinkBuilder(services, organization)
    resolved = [_resolve(builder, targets, frame, result) for frame, result in targets.results]
    if services.telemetry.on:
        services.telemetry.count("frames", Counter(_outcome_label(item.outcome) for item in resolved))
    return resolved


def _resolve(builder: LinkBuilder, targets: LinkTargets, frame: FrameQuery, result: MappingResult) -> ResolvedFrame:
    """Return the first link, or else the outcome of the first mapping."""
    if isinstance(result, Unmapped):
        return ResolvedFrame(no_link(result.reason))
    tried: list[TriedMapping] = []
    chosen: TriedMapping | None = None
    for target in targets.in_order(frame, result):
        needed = chosen is None or isinstance(chosen.outcome, NoLink)
        outcome = builder.build(target) if needed else None
        item = TriedMapping(target.mapping, target.repository, target.path, target.file_status, outcome)
        tried.append(item)
        if chosen is None or isinstance(outcome, Link):
            chosen = item
    if chosen is None or chosen.outcome is None:
        return ResolvedFrame(no_link(targets.no_target))
    return ResolvedFrame(chosen.outcome, chosen.mapping, chosen.repository, tuple(tried))


def _is_unmatched(result: MappingResult) -> bool:
    """Return whether a frame names a file, but no mapping matches it."""
    return isinstance(result, Unmapped) and result.reason in _UNMATCHED


def _by_derived(derived: ProjectMappings, frame: FrameQuery, result: MappingResult) -> MappingResult:
    """Return the result of the derived mappings for a frame that no other mapping matches."""
    second = map_frame(derived.index, frame.info) if _is_unmatched(result) else result
    return result if isinstance(second, Unmapped) else second


def _outcome_label(outcome: Link | NoLink) -> str:
    return "linked" if isinstance(outcome, Link) else outcome.reason.value
