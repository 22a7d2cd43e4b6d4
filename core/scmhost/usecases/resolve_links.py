"""Resolve stack frames to links, or to the reason why there is none."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from scmhost.links import Link, NoLink, no_link
from scmhost.mapping import Mapped, Standing, Unmapped, by_standing, map_frame
from scmhost.sdk import Organization, Reason, Repository
from scmhost.store import code_mappings
from scmhost.store.values import CodeMapping, Project

from .derive_mappings import derived_for
from .frame_query import FrameQuery, Wish
from .known_places import Found, KnownPlaces, Mappings, know
from .link_building import LinkBuilder, Place
from .list_files import list_files_now
from .mapping_cache import ProjectMappings, index_mappings
from .services import Services

_LOST = (Reason.NO_CODE_MAPPINGS, Reason.STACK_ROOT_MISMATCH)


@dataclass(frozen=True, slots=True)
class Tried:
    """A mapping that fits a frame, where it leads, and what came of it; None where an earlier one gave a link."""

    mapping: CodeMapping
    repository: Repository
    source_path: str
    standing: Standing
    outcome: Link | NoLink | None


@dataclass(frozen=True, slots=True)
class Resolved:
    """What became of a frame. Outcome, mapping and repository always speak of the same mapping.

    ``tried`` are all mappings that fit, in the order in which they are tried.
    """

    outcome: Link | NoLink
    mapping: CodeMapping | None = None
    repository: Repository | None = None
    tried: tuple[Tried, ...] = ()


def resolve_links(
    services: Services,
    organization: Organization,
    project: Project,
    frames: Sequence[FrameQuery],
    wish: Wish | None = None,
) -> list[Resolved]:
    """One answer for each frame, in order. Mappings and repositories are read once for all frames.

    Raises:
        NotFound: there is no such release.
    """
    mappings = project_mappings(services, organization, project)
    return resolve_by(services, organization, mappings, frames, wish or Wish())


def project_mappings(services: Services, organization: Organization, project: Project) -> ProjectMappings:
    """A project's code mappings."""
    cached = services.mappings.get(project)
    if cached is not None:
        return cached
    with services.store.read() as tx:
        rows = code_mappings.for_project(tx, organization.id, project.id)
    return services.mappings.put(project, rows)


def resolve_by(
    services: Services,
    organization: Organization,
    mappings: ProjectMappings,
    frames: Sequence[FrameQuery],
    wish: Wish,
) -> list[Resolved]:
    """As ``resolve_links``, by mappings that are read already."""
    with services.telemetry.act("links"):
        resolved = _resolve_all(services, organization, mappings, frames, wish)
        if services.telemetry.on:
            services.telemetry.count("frames", Counter(_word(item.outcome) for item in resolved))
    return resolved


def _word(outcome: Link | NoLink) -> str:
    return "linked" if isinstance(outcome, Link) else outcome.reason.value


def _resolve_all(
    services: Services,
    organization: Organization,
    mappings: ProjectMappings,
    frames: Sequence[FrameQuery],
    wish: Wish,
) -> list[Resolved]:
    if not (mappings.by_id or wish.derive):
        return [Resolved(no_link(Reason.NO_CODE_MAPPINGS)) for _ in frames]
    if wish.derive or wish.tell_files:
        list_files_now(services, organization)
    found: list[Found] = [map_frame(mappings.index, frame.info) for frame in frames]
    derived = _derived(services, organization, frames, found) if wish.derive else index_mappings(0, ())
    if derived.by_id:
        found = [_by_derived(derived, frame, one) for frame, one in zip(frames, found, strict=True)]
    with services.store.read() as tx:
        known = know(tx, organization, Mappings(derived.by_id, mappings.by_id), zip(frames, found, strict=True), wish)
    builder = LinkBuilder(services, organization)
    return [_resolve(builder, known, frame, one) for frame, one in zip(frames, found, strict=True)]


def _derived(
    services: Services, organization: Organization, frames: Iterable[FrameQuery], found: Iterable[Found]
) -> ProjectMappings:
    """The mappings that are derived for frames that no other fits."""
    lost = [frame for frame, one in zip(frames, found, strict=True) if _is_lost(one)]
    if not lost:
        return index_mappings(0, ())
    with services.store.read() as tx:
        return index_mappings(0, derived_for(tx, services, organization, lost))


def _is_lost(found: Found) -> bool:
    """Whether a frame names a file that no mapping fits."""
    return isinstance(found, Unmapped) and found.reason in _LOST


def _by_derived(derived: ProjectMappings, frame: FrameQuery, found: Found) -> Found:
    """What derived mappings tell of a frame that no other fits."""
    second = map_frame(derived.index, frame.info) if _is_lost(found) else found
    return found if isinstance(second, Unmapped) else second


def _resolve(builder: LinkBuilder, known: KnownPlaces, frame: FrameQuery, found: Found) -> Resolved:
    """The first mapping that gives a link; else what stopped the first one."""
    if isinstance(found, Unmapped):
        return Resolved(no_link(found.reason))
    tried: list[Tried] = []
    chosen: Resolved | None = None
    for place in _in_order(known, frame, found):
        linked = chosen is not None and isinstance(chosen.outcome, Link)
        outcome = None if linked else builder.build(place)
        tried.append(Tried(place.mapping, place.repository, place.path, place.standing, outcome))
        if outcome is not None and (chosen is None or isinstance(outcome, Link)):
            chosen = Resolved(outcome, place.mapping, place.repository)
    if chosen is None:
        return Resolved(no_link(known.why_none))
    return Resolved(chosen.outcome, chosen.mapping, chosen.repository, tuple(tried))


def _in_order(known: KnownPlaces, frame: FrameQuery, found: Sequence[Mapped]) -> Iterable[Place]:
    ordered = by_standing(found, known.standing) if len(found) > 1 else found
    return (place for candidate in ordered if (place := known.place(frame, candidate)) is not None)
