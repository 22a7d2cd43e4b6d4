"""Resolve frames to links, or to the reason why there is no link."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from scmhost.infra.db.engine import Transaction
from scmhost.installations import queries as installation_queries
from scmhost.mapping import FileStatus, MappingMatch, Unmapped, map_frame, order_by_file_status
from scmhost.organizations.values import Project
from scmhost.releases import content_queries
from scmhost.releases.show import require_release
from scmhost.repositories import file_queries
from scmhost.repositories import queries as repository_queries
from scmhost.repositories.file_queries import KnownFile
from scmhost.sdk import Installation, Organization, Reason, Repository
from scmhost.services import Services

from . import queries
from .build import LinkBuilder, Place
from .caches import MappingCache, ProjectMappings, index_mappings
from .derive import derived_for
from .outcome import Link, NoLink, no_link
from .values import CodeMapping, FrameQuery, Wish

MappingResult = tuple[MappingMatch, ...] | Unmapped


@dataclass(frozen=True, slots=True)
class Mappings:
    """The code mappings by id: those that are saved, and, with ids below 0, those that a request derives."""

    derived: Mapping[int, CodeMapping]
    saved: Mapping[int, CodeMapping]

    def of(self, candidate: MappingMatch) -> CodeMapping:
        """The mapping of a candidate."""
        return (self.derived if candidate.rule.id < 0 else self.saved)[candidate.rule.id]


@dataclass(frozen=True, slots=True)
class KnownPlaces:
    """The frames' mappings, the repositories that they name, and what is known of the files there."""

    mappings: Mappings
    repositories: Mapping[int, Repository]
    installations: Mapping[int, Installation]
    heads: Mapping[int, str]
    files: Mapping[tuple[int, str], KnownFile]

    @property
    def why_none(self) -> Reason:
        """The reason for frames that no mapping leads anywhere."""
        return Reason.STACK_ROOT_MISMATCH if self.mappings.saved else Reason.NO_CODE_MAPPINGS

    def standing(self, candidate: MappingMatch) -> FileStatus:
        """What the known commits say of the file that a candidate leads to."""
        file = self._file(candidate)
        if file is None:
            return FileStatus.UNKNOWN
        return FileStatus.DELETED if file.deleted else FileStatus.LISTED

    def place(self, frame: FrameQuery, candidate: MappingMatch) -> Place | None:
        """Where a candidate leads, with all that is known there.

        None when its repository was deleted since the mappings were read, or when it is a guess that no commit bears
        out.
        """
        mapping = self.mappings.of(candidate)
        repository = self.repositories.get(mapping.repository_id)
        standing = self.standing(candidate)
        if repository is None or (mapping.id < 0 and standing is not FileStatus.LISTED):
            return None
        file = self._file(candidate)
        return Place(
            mapping=mapping,
            repository=repository,
            installation=self.installations.get(repository.installation_id or 0),
            path=candidate.source_path,
            line=frame.line,
            frame_commit=frame.commit,
            release_commit=self.heads.get(repository.id),
            standing=standing,
            newest_commit=file.sha if file and not file.deleted else None,
        )

    def _file(self, candidate: MappingMatch) -> KnownFile | None:
        return self.files.get((self.mappings.of(candidate).repository_id, candidate.source_path))


def know(
    tx: Transaction,
    organization: Organization,
    mappings: Mappings,
    found: Iterable[tuple[FrameQuery, MappingResult]],
    wish: Wish,
) -> KnownPlaces:
    """What is known of the places that frames may be of."""
    mapped = [(frame, one) for frame, one in found if not isinstance(one, Unmapped)]
    wanted = {mappings.of(candidate).repository_id for _, one in mapped for candidate in one}
    rows = repository_queries.get_many(tx, organization.id, wanted)
    heads = _heads(tx, organization, wish.release)
    paths: defaultdict[int, set[str]] = defaultdict(set)
    for frame, one in mapped:
        if wish.tell_files or _is_open(mappings, heads, frame, one):
            for candidate in one:
                paths[mappings.of(candidate).repository_id].add(candidate.source_path)
    return KnownPlaces(
        mappings=mappings,
        repositories=rows,
        installations=_installations(tx, organization, rows.values()),
        heads=heads,
        files=file_queries.standing(tx, organization.id, paths),
    )


def _is_open(
    mappings: Mappings, heads: Mapping[int, str], frame: FrameQuery, candidates: tuple[MappingMatch, ...]
) -> bool:
    """Whether what the commits say of files decides: which mapping is used, whether it is, and to which commit."""
    first = mappings.of(candidates[0])
    has_ref = frame.commit or heads.get(first.repository_id) or first.default_branch
    return len(candidates) > 1 or first.id < 0 or not has_ref or first.catches_all


def _installations(tx: Transaction, organization: Organization, rows: Iterable[Repository]) -> dict[int, Installation]:
    wanted = {row.installation_id for row in rows if row.installation_id is not None}
    found = installation_queries.get_many(tx, organization.id, wanted)
    return {key: stored.installation for key, stored in found.items()}


def _heads(tx: Transaction, organization: Organization, version: str | None) -> dict[int, str]:
    if version is None:
        return {}
    release = require_release(tx, organization, version)
    return {head.repository_id: head.sha for head in content_queries.heads(tx, organization.id, release.id)}


_LOST = (Reason.NO_CODE_MAPPINGS, Reason.STACK_ROOT_MISMATCH)


@dataclass(frozen=True, slots=True)
class Tried:
    """A mapping that fits a frame, where it leads, and what came of it; None where an earlier one gave a link."""

    mapping: CodeMapping
    repository: Repository
    source_path: str
    standing: FileStatus
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
    cached = services.shared(MappingCache).get(project)
    if cached is not None:
        return cached
    with services.store.read() as tx:
        rows = queries.for_project(tx, organization.id, project.id)
    return services.shared(MappingCache).put(project, rows)


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
    found: list[MappingResult] = [map_frame(mappings.index, frame.info) for frame in frames]
    derived = _derived(services, organization, frames, found) if wish.derive else index_mappings(0, ())
    if derived.by_id:
        found = [_by_derived(derived, frame, one) for frame, one in zip(frames, found, strict=True)]
    with services.store.read() as tx:
        known = know(tx, organization, Mappings(derived.by_id, mappings.by_id), zip(frames, found, strict=True), wish)
    builder = LinkBuilder(services, organization)
    return [_resolve(builder, known, frame, one) for frame, one in zip(frames, found, strict=True)]


def _derived(
    services: Services, organization: Organization, frames: Iterable[FrameQuery], found: Iterable[MappingResult]
) -> ProjectMappings:
    """The mappings that are derived for frames that no other fits."""
    lost = [frame for frame, one in zip(frames, found, strict=True) if _is_lost(one)]
    if not lost:
        return index_mappings(0, ())
    with services.store.read() as tx:
        return index_mappings(0, derived_for(tx, services, organization, lost))


def _is_lost(found: MappingResult) -> bool:
    """Whether a frame names a file that no mapping fits."""
    return isinstance(found, Unmapped) and found.reason in _LOST


def _by_derived(derived: ProjectMappings, frame: FrameQuery, found: MappingResult) -> MappingResult:
    """What derived mappings tell of a frame that no other fits."""
    second = map_frame(derived.index, frame.info) if _is_lost(found) else found
    return found if isinstance(second, Unmapped) else second


def _resolve(builder: LinkBuilder, known: KnownPlaces, frame: FrameQuery, found: MappingResult) -> Resolved:
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


def _in_order(known: KnownPlaces, frame: FrameQuery, found: Sequence[MappingMatch]) -> Iterable[Place]:
    ordered = order_by_file_status(found, known.standing) if len(found) > 1 else found
    return (place for candidate in ordered if (place := known.place(frame, candidate)) is not None)
