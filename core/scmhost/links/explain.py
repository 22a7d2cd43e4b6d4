"""Explain how frames come to their links: every code mapping, and what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import nsmallest

from scmhost.mapping import Mismatch, Rule, find_mismatch, mismatch_message, paths_to_match
from scmhost.organizations.queries import Project
from scmhost.repositories import queries as repository_queries
from scmhost.sdk import Organization, Repository
from scmhost.services import Services

from .caches import ProjectMappings, rules_for
from .resolve import Resolved, project_mappings, resolve_by
from .values import CodeMapping, FrameQuery, Wish


@dataclass(frozen=True, slots=True)
class Unfit:
    """A mapping that gives no path for a frame, and why. The repository is None when it was just deleted."""

    mapping: CodeMapping
    repository: Repository | None
    why: Mismatch
    message: str


@dataclass(frozen=True, slots=True)
class Explained:
    """How a frame comes to its answer.

    Attributes:
        resolved: the answer, with the mappings that fit.
        munged: the path that the platform's rule made of the frame.
        paths: the paths that were looked for.
        unfit: the first of the mappings that do not fit, in the order of mappings.
        left_out: how many more do not fit.
    """

    resolved: Resolved
    munged: str | None
    paths: tuple[str, ...]
    unfit: tuple[Unfit, ...]
    left_out: int


def explain_links(
    services: Services, organization: Organization, project: Project, frames: Sequence[FrameQuery], wish: Wish
) -> list[Explained]:
    """How each frame comes to its answer, in order.

    Raises:
        NotFound: there is no such release.
    """
    mappings = project_mappings(services, organization, project)
    resolved = resolve_by(services, organization, mappings, frames, wish)
    explained = [_unfit(services, mappings, frame) for frame in frames]
    wanted = {mapping.repository_id for unfit, _ in explained for mapping, _, _ in unfit}
    with services.store.read() as tx:
        rows = repository_queries.get_many(tx, organization.id, wanted)
    return [
        Explained(
            answer,
            *_paths(frame),
            tuple(Unfit(mapping, rows.get(mapping.repository_id), why, text) for mapping, why, text in unfit),
            count - len(unfit),
        )
        for frame, answer, (unfit, count) in zip(frames, resolved, explained, strict=True)
    ]


def _paths(frame: FrameQuery) -> tuple[str | None, tuple[str, ...]]:
    munged, paths = paths_to_match(frame.info)
    return munged, tuple(paths)


def _unfit(
    services: Services, mappings: ProjectMappings, frame: FrameQuery
) -> tuple[list[tuple[CodeMapping, Mismatch, str]], int]:
    """The first mappings that do not fit, each with why, and how many there are."""
    _, paths = paths_to_match(frame.info)
    found: list[tuple[Rule, Mismatch]] = []
    for mapping in mappings.by_id.values():
        rules = rules_for(mapping)
        why = find_mismatch(rules, paths)
        if why is not None:
            found.append((rules[0], why))
    first = nsmallest(services.limits.explained_mappings, found, key=lambda item: item[0].rank)
    told = [(mappings.by_id[rule.id], why, mismatch_message(rule.stack_root, paths, why)) for rule, why in first]
    return told, len(found)
