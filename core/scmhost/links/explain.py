"""Explain how frames get their links: the outcome of every code mapping of the project."""

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import nsmallest

from scmhost.mapping import Mismatch, Rule, find_mismatch, mismatch_message, paths_to_match
from scmhost.organizations.queries import Project
from scmhost.repositories import queries as repository_queries
from scmhost.sdk import Organization, Repository
from scmhost.services import Services

from .resolve import ResolvedFrame, build_links, map_frames, read_mappings
from .values import CodeMapping, FrameQuery, LinkOptions


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
