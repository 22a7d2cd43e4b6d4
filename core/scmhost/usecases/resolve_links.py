"""Resolve stack frames to links, or to the reason why there is none."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from scmhost.links import Link, NoLink, no_link
from scmhost.mapping import FrameInfo, Mapped, Unmapped, map_frame
from scmhost.sdk import Installation, Organization, Reason, Repository
from scmhost.store import code_mappings, installations, releases, repositories
from scmhost.store.engine import Transaction
from scmhost.store.values import CodeMapping, Project

from .find_release import require_release
from .link_building import LinkBuilder, Place
from .mapping_cache import ProjectMappings
from .services import Services


@dataclass(frozen=True, slots=True)
class FrameQuery:
    """A frame to link. ``commit`` is what the running process said of itself, if it did."""

    info: FrameInfo
    line: int | None = None
    commit: str | None = None


@dataclass(frozen=True, slots=True)
class Resolved:
    """What became of a frame. Outcome, mapping and repository always speak of the same mapping."""

    outcome: Link | NoLink
    mapping: CodeMapping | None = None
    repository: Repository | None = None


@dataclass(frozen=True, slots=True)
class _Known:
    """What the store knows about the repositories that the frames' mappings name."""

    repositories: Mapping[int, Repository]
    installations: Mapping[int, Installation]
    heads: Mapping[int, str]


def resolve_links(
    services: Services,
    organization: Organization,
    project: Project,
    frames: Sequence[FrameQuery],
    *,
    release: str | None = None,
) -> list[Resolved]:
    """One answer for each frame, in order. Mappings and repositories are read once for all frames.

    Raises:
        NotFound: there is no such release.
    """
    with services.telemetry.act("links"):
        resolved = _resolve_all(services, organization, project, frames, release)
        if services.telemetry.on:
            services.telemetry.count("frames", Counter(_word(item.outcome) for item in resolved))
    return resolved


def _word(outcome: Link | NoLink) -> str:
    return "linked" if isinstance(outcome, Link) else outcome.reason.value


def _resolve_all(
    services: Services,
    organization: Organization,
    project: Project,
    frames: Sequence[FrameQuery],
    release: str | None,
) -> list[Resolved]:
    mappings = _mappings(services, organization, project)
    if not mappings.by_id:
        return [Resolved(no_link(Reason.NO_CODE_MAPPINGS)) for _ in frames]
    mapped = [map_frame(mappings.index, frame.info) for frame in frames]
    with services.store.read() as tx:
        known = _known(tx, organization, _repository_ids(mappings, mapped), release)
    builder = LinkBuilder(services, organization)
    return [_resolve(builder, mappings, known, frame, found) for frame, found in zip(frames, mapped, strict=True)]


def _resolve(
    builder: LinkBuilder,
    mappings: ProjectMappings,
    known: _Known,
    frame: FrameQuery,
    found: tuple[Mapped, ...] | Unmapped,
) -> Resolved:
    """The first mapping that gives a link; else what stopped the first one."""
    if isinstance(found, Unmapped):
        return Resolved(no_link(found.reason))
    tried: list[Resolved] = []
    for candidate in found:
        mapping = mappings.by_id[candidate.rule.id]
        repository = known.repositories.get(mapping.repository_id)
        if repository is None:
            # Deleted since the mappings were read, and they with it.
            continue
        place = _place(known, frame, candidate, mapping, repository)
        tried.append(Resolved(builder.build(place), mapping, repository))
        if isinstance(tried[-1].outcome, Link):
            return tried[-1]
    return tried[0] if tried else Resolved(no_link(Reason.STACK_ROOT_MISMATCH))


def _place(known: _Known, frame: FrameQuery, candidate: Mapped, mapping: CodeMapping, repository: Repository) -> Place:
    return Place(
        mapping=mapping,
        repository=repository,
        installation=known.installations.get(repository.installation_id or 0),
        path=candidate.source_path,
        line=frame.line,
        frame_commit=frame.commit,
        release_commit=known.heads.get(repository.id),
    )


def _mappings(services: Services, organization: Organization, project: Project) -> ProjectMappings:
    cached = services.mappings.get(project)
    if cached is not None:
        return cached
    with services.store.read() as tx:
        rows = code_mappings.for_project(tx, organization.id, project.id)
    return services.mappings.put(project, rows)


def _repository_ids(mappings: ProjectMappings, mapped: Iterable[tuple[Mapped, ...] | Unmapped]) -> set[int]:
    return {
        mappings.by_id[candidate.rule.id].repository_id
        for found in mapped
        if not isinstance(found, Unmapped)
        for candidate in found
    }


def _known(tx: Transaction, organization: Organization, repository_ids: set[int], release: str | None) -> _Known:
    rows = repositories.get_many(tx, organization.id, repository_ids)
    wanted = {row.installation_id for row in rows.values() if row.installation_id is not None}
    found = installations.get_many(tx, organization.id, wanted)
    return _Known(
        repositories=rows,
        installations={key: stored.installation for key, stored in found.items()},
        heads=_heads(tx, organization, release),
    )


def _heads(tx: Transaction, organization: Organization, version: str | None) -> dict[int, str]:
    if version is None:
        return {}
    release = require_release(tx, organization, version)
    return {head.repository_id: head.sha for head in releases.heads(tx, organization.id, release.id)}
