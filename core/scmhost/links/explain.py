"""Explain how frames get their links, and try a change of code mappings on frames without saving it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from heapq import nsmallest
from typing import Final

from scmhost.infra.db.base import ID_LIMIT
from scmhost.mapping import Mismatch, Rule, find_mismatch, mismatch_message, paths_to_match
from scmhost.organizations.queries import Project
from scmhost.repositories import queries as repository_queries
from scmhost.sdk import Organization, Repository
from scmhost.services import Services

from .resolve import LinkTargets, ProjectMappings, ResolvedFrame, build_links, index_mappings, map_frames, read_mappings
from .values import CodeMapping, FrameQuery, Link, LinkOptions, MappingDraft, NoLink


@dataclass(frozen=True, slots=True)
class UnmatchedMapping:
    """A mapping that gives no path for a frame, and why. The repository is None if it was just deleted."""

    mapping: CodeMapping
    repository: Repository | None
    mismatch: Mismatch
    message: str


@dataclass(frozen=True, slots=True)
class ExplainedFrame:
    """How a frame gets its outcome.

    Attributes:
        resolved: the outcome, with the mappings that match.
        munged: the path that the platform's rule made of the frame.
        paths: the paths that the stack roots were compared with.
        unmatched: the first mappings that do not match, in the order of mappings.
        unmatched_more: how many more mappings do not match.
    """

    resolved: ResolvedFrame
    munged: str | None
    paths: tuple[str, ...]
    unmatched: tuple[UnmatchedMapping, ...]
    unmatched_more: int


def explain_links(
    services: Services, organization: Organization, project: Project, frames: Sequence[FrameQuery], options: LinkOptions
) -> list[ExplainedFrame]:
    """Return one explanation for each frame, in order. The outcomes are those of ``resolve_links``."""
    with services.telemetry.operation("links"):
        rows = services.store.caches.of(organization, services.clock.now())
        # One read transaction, so that outcomes and mismatches are of the same mappings.
        with services.store.read() as tx:
            mappings = read_mappings(tx, services, project)
            targets = map_frames(tx, services, rows, mappings, frames, options)
            # From the mappings, not from the index: the index groups rules by prefix and not by mapping.
            rules = [mapping.rules for mapping in mappings.by_id.values()]
            mismatches = [_mismatches(rules, frame, services.limits.explained_mappings) for frame in frames]
            ids = {mappings.by_id[rule.id].repository_id for shown, _ in mismatches for rule, _ in shown}
            repositories = repository_queries.get_many(tx, organization.id, ids)
        # Outside of the transaction: plugins are called, and may take their whole budget.
        resolved = build_links(services, organization, targets)
    explained: list[ExplainedFrame] = []
    for frame, outcome, (shown, more) in zip(frames, resolved, mismatches, strict=True):
        munged, paths = paths_to_match(frame.info)
        unmatched = tuple(
            UnmatchedMapping(
                mapping=mappings.by_id[rule.id],
                repository=repositories.get(mappings.by_id[rule.id].repository_id),
                mismatch=mismatch,
                message=mismatch_message(rule.stack_root, paths, mismatch),
            )
            for rule, mismatch in shown
        )
        explained.append(ExplainedFrame(outcome, munged, tuple(paths), unmatched, more))
    return explained


def _mismatches(
    rules_of_mappings: Sequence[Sequence[Rule]], frame: FrameQuery, most: int
) -> tuple[list[tuple[Rule, Mismatch]], int]:
    """Return the first mappings that do not match a frame, each as its first rule, and how many more there are."""
    _, paths = paths_to_match(frame.info)
    mismatches = [
        (rules[0], mismatch) for rules in rules_of_mappings if (mismatch := find_mismatch(rules, paths)) is not None
    ]
    # A project may have a thousand mappings; an answer with all of them for each frame would be too large.
    shown = nsmallest(most, mismatches, key=lambda pair: pair[0].rank)
    return shown, len(mismatches) - len(shown)


# A new mapping is the youngest of the project, and the id decides last.
_NEW: Final = ID_LIMIT - 1


@dataclass(frozen=True, slots=True)
class MappingChange:
    """A change of a project's code mappings.

    Attributes:
        draft: the mapping to add; None: one is deleted.
        replaces: the id of the mapping that it replaces or that is deleted; None: the mapping is new.
    """

    draft: MappingDraft | None
    replaces: int | None = None


@dataclass(frozen=True, slots=True)
class TriedFrame:
    """A frame with its outcome before and after a change."""

    frame: FrameQuery
    before: ResolvedFrame
    after: ResolvedFrame

    @property
    def differs(self) -> bool:
        """Whether the change gives another link, or another reason."""
        first, second = self.before.outcome, self.after.outcome
        if isinstance(first, Link) and isinstance(second, Link):
            return first.url != second.url
        if isinstance(first, NoLink) and isinstance(second, NoLink):
            return first.reason is not second.reason
        return True


def try_change(
    services: Services,
    organization: Organization,
    project: Project,
    change: MappingChange,
    frames: Sequence[FrameQuery],
    options: LinkOptions,
) -> list[TriedFrame]:
    """Return the outcome of each frame before and after a change, in order. Nothing is saved."""
    rows = services.store.caches.of(organization, services.clock.now())
    with services.store.read() as tx:
        current = read_mappings(tx, services, project)
        changed = _changed(services, organization, current, change)
        targets: list[LinkTargets] = [
            map_frames(tx, services, rows, mappings, frames, options) for mappings in (current, changed)
        ]
    # Without a transaction, because plugins are called.
    before, after = (build_links(services, organization, each) for each in targets)
    return [TriedFrame(*each) for each in zip(frames, before, after, strict=True)]


def _changed(
    services: Services, organization: Organization, current: ProjectMappings, change: MappingChange
) -> ProjectMappings:
    kept = [mapping for mapping in current.by_id.values() if mapping.id != change.replaces]
    if change.draft is None:
        return index_mappings(current.version, kept)
    # A mapping that a person changes becomes that person's.
    own = replace(change.draft, generated=False, confidence=None, derived_from=())
    added = own.as_saved(change.replaces or _NEW, organization.id, services.clock.now())
    return index_mappings(current.version, [*kept, added])
