"""Resolve frames to links, or to the reason why there is no link.

Frames are mapped first. Then the database is read once for all of them: repositories, release commits and known files.
The links are built last, without a transaction, because building them calls plugins.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Final

from cachetools import LRUCache
from msgspec import Struct

from scmhost.infra.db.engine import OrganizationCache, Transaction
from scmhost.installations import queries as installation_queries
from scmhost.mapping import FileStatus, MappingIndex, MappingMatch, Unmapped, map_frame, order_by_file_status
from scmhost.organizations.queries import Project
from scmhost.releases import content_queries
from scmhost.releases import queries as release_queries
from scmhost.repositories import file_queries
from scmhost.repositories import queries as repository_queries
from scmhost.repositories.deleted_file_queries import Deletion, deletions
from scmhost.repositories.file_queries import KnownFile
from scmhost.sdk import Installation, Organization, Reason, Repository
from scmhost.services import Services

from . import queries
from .derive import derive_for_request
from .link_builder import LinkBuilder, LinkTarget
from .missing import count_missing
from .values import CodeMapping, FrameQuery, Link, LinkOptions, NoLink, no_link

MAX_CACHED_PROJECTS: Final = 256
UNKNOWN_RELEASE: Final = (
    "Organization {organization!r} has no release {version!r}. The links lead to the next ref: the given commit, or "
    "the default branch."
)
_UNMATCHED: Final = (Reason.NO_CODE_MAPPINGS, Reason.STACK_ROOT_MISMATCH)

MappingResult = tuple[MappingMatch, ...] | Unmapped


@dataclass(frozen=True, slots=True)
class ProjectMappings:
    """The code mappings of a project at one version, and their index."""

    version: int
    by_id: Mapping[int, CodeMapping]
    index: MappingIndex


class MappingCache:
    """The mappings of recently used projects.

    Each change of a mapping raises its project's version in the same transaction, so that processes need not notify
    each other of changes.
    """

    def __init__(self) -> None:
        self._projects: LRUCache[int, ProjectMappings] = LRUCache(MAX_CACHED_PROJECTS)
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._projects)

    def get(self, project: Project) -> ProjectMappings | None:
        """Return the mappings of this version of the project, if they are cached."""
        with self._lock:
            mappings = self._projects.get(project.id)
        return mappings if mappings and mappings.version == project.mappings_version else None

    def put(self, project: Project, mappings: ProjectMappings) -> None:
        """Keep the mappings of a project in place of those of another version."""
        with self._lock:
            self._projects[project.id] = mappings


@dataclass(frozen=True, slots=True)
class LinkTargets:
    """The mapping results of frames, and the rows that lead from them to links.

    Attributes:
        results: each frame with the paths that the mappings give for it, in the order of the request.
        mappings: the mappings that match, by id. Those that were derived for this request have ids below 0.
        no_target: the reason for frames whose mappings lead to no repository.
        repositories: the repositories of the mappings.
        installations: the installations of the repositories.
        release_commits: the release's commits by repository.
        files: the known files by repository and path.
        deletions: the deletions of files before the commits of frames and of the release, by repository and path.
    """

    results: Sequence[tuple[FrameQuery, MappingResult]]
    mappings: Mapping[int, CodeMapping]
    no_target: Reason
    repositories: Mapping[int, Repository]
    installations: Mapping[int, Installation]
    release_commits: Mapping[int, str]
    files: Mapping[tuple[int, str], KnownFile]
    deletions: Mapping[tuple[int, str], Deletion]

    def in_order(self, frame: FrameQuery, matches: Sequence[MappingMatch]) -> list[LinkTarget]:
        """Return the targets of a frame in the order in which they are tried."""
        ordered = order_by_file_status(matches, self._file_status)
        return [target for match in ordered if (target := self.target(frame, match)) is not None]

    def target(self, frame: FrameQuery, match: MappingMatch) -> LinkTarget | None:
        """Return the target, or None if its repository was just deleted, or if it is a guess without a known file."""
        rule, path, _ = match
        mapping = self.mappings[rule.id]
        repository_id = mapping.repository_id
        repository = self.repositories.get(repository_id)
        file = self.files.get((repository_id, path))
        status = _UNKNOWN if file is None else _status_of(file)
        # Derived mappings are guesses: only a file that a commit named makes them worth a link.
        if repository is None or (mapping.id < 0 and status is not _LISTED):
            return None
        return LinkTarget(
            mapping,
            repository,
            self.installations.get(repository.installation_id or 0),
            path,
            frame.line,
            frame.commit,
            self.release_commits.get(repository_id),
            status,
            # A deleted file is not in the commit that deleted it.
            file.sha if file and not file.deleted else None,
            self.deletions.get((repository_id, path)) if file else None,
        )

    def _file_status(self, match: MappingMatch) -> FileStatus:
        return _status_of(self.files.get((self.mappings[match.rule.id].repository_id, match.source_path)))


# Until Python 3.12 each lookup of an enum's member calls a function, and a trace needs hundreds of them.
_LISTED, _UNKNOWN, _DELETED = FileStatus.LISTED, FileStatus.UNKNOWN, FileStatus.DELETED


def _status_of(file: KnownFile | None) -> FileStatus:
    return _UNKNOWN if file is None else _DELETED if file.deleted else _LISTED


class TriedMapping(Struct, frozen=True, gc=False):
    """A mapping that matches a frame, and its outcome. The outcome is None after an earlier mapping gave a link."""

    mapping: CodeMapping
    repository: Repository
    source_path: str
    file_status: FileStatus
    outcome: Link | NoLink | None


class ResolvedFrame(Struct, frozen=True, gc=False):
    """The outcome of a frame, with the mapping, the repository and the repository's installation.

    Attributes:
        several: the mappings that match, if they are more than one, in the order in which they are tried.
    """

    outcome: Link | NoLink
    mapping: CodeMapping | None = None
    repository: Repository | None = None
    installation: Installation | None = None
    file_status: FileStatus = FileStatus.UNKNOWN
    several: tuple[TriedMapping, ...] = ()

    @property
    def tried(self) -> tuple[TriedMapping, ...]:
        """All mappings that match, in the order in which they are tried."""
        path = self.outcome.source_path
        if self.several or self.mapping is None or self.repository is None or path is None:
            return self.several
        return (TriedMapping(self.mapping, self.repository, path, self.file_status, self.outcome),)


def resolve_links(
    services: Services,
    organization: Organization,
    project: Project,
    frames: Sequence[FrameQuery],
    options: LinkOptions | None = None,
) -> list[ResolvedFrame]:
    """Return one outcome for each frame, in order. The database is read once, in one transaction.

    An unknown release is left out, so that the next ref is used; see ``notes_on_release``.
    """
    options = options or LinkOptions()
    with services.telemetry.operation("links"):
        rows = services.store.caches.of(organization, services.clock.now())
        with services.store.read() as tx:
            mappings = read_mappings(tx, services, project)
            targets = map_frames(tx, services, rows, mappings, frames, options)
        resolved = build_links(services, organization, targets)
    if options.counted:
        pairs = zip(frames, resolved, strict=True)
        missing = [(frame, each.outcome) for frame, each in pairs if isinstance(each.outcome, NoLink)]
        if missing:
            count_missing(services, organization, project, missing)
    return resolved


def notes_on_release(services: Services, organization: Organization, version: str | None) -> list[str]:
    """Return a note for the answer if the release is unknown, as sentences; a known release, or none, needs no note."""
    if not version:
        return []
    with services.store.read() as tx:
        known = release_queries.find(tx, organization.id, version) is not None
    return [] if known else [UNKNOWN_RELEASE.format(organization=organization.slug, version=version)]


def map_frames(
    tx: Transaction,
    services: Services,
    rows: OrganizationCache,
    mappings: ProjectMappings,
    frames: Sequence[FrameQuery],
    options: LinkOptions,
) -> LinkTargets:
    """Map frames by a project's mappings, and those that none matches by derived ones; read their link targets."""
    if not (mappings.by_id or options.derive):
        # This reason comes before any other, such as an unknown release or a frame without a file.
        results: list[MappingResult] = [Unmapped(Reason.NO_CODE_MAPPINGS) for _ in frames]
        options = LinkOptions()
    else:
        results = [map_frame(mappings.index, frame.info) for frame in frames]
    derived = _NO_MAPPINGS
    if options.derive and not all(isinstance(result, tuple) for result in results):
        unmatched = [frame for frame, result in zip(frames, results, strict=True) if _is_unmatched(result)]
        if unmatched:
            derived = index_mappings(0, derive_for_request(tx, services, rows.organization, unmatched))
            results = [_by_derived(derived, frame, result) for frame, result in zip(frames, results, strict=True)]
    matched = {rule.id for result in results if isinstance(result, tuple) for rule, _, _ in result}
    # Only those that match: a project may have a hundred thousand.
    by_id = {id_: (derived if id_ < 0 else mappings).by_id[id_] for id_ in matched}
    no_target = Reason.STACK_ROOT_MISMATCH if mappings.by_id else Reason.NO_CODE_MAPPINGS
    return read_link_targets(tx, rows, by_id, list(zip(frames, results, strict=True)), options, no_target)


def read_mappings(tx: Transaction, services: Services, project: Project) -> ProjectMappings:
    """Return a project's code mappings, from the cache if they have not changed."""
    cache = services.shared(MappingCache)
    # The version was read with the project, in this request: no second statement is needed to see a change.
    mappings = cache.get(project)
    if mappings is None:
        rows = queries.for_project(tx, project.organization_id, project.id)
        mappings = index_mappings(project.mappings_version, rows)
        cache.put(project, mappings)
    return mappings


def index_mappings(version: int, rows: Sequence[CodeMapping]) -> ProjectMappings:
    """Index code mappings of a version."""
    rules = [rule for row in rows for rule in row.rules]
    return ProjectMappings(version, {row.id: row for row in rows}, MappingIndex(rules))


_NO_MAPPINGS: Final = index_mappings(0, ())


def read_link_targets(
    tx: Transaction,
    rows: OrganizationCache,
    mappings: Mapping[int, CodeMapping],
    results: Sequence[tuple[FrameQuery, MappingResult]],
    options: LinkOptions,
    no_target: Reason,
) -> LinkTargets:
    """Read the rows that lead from the mapping results of frames to links."""
    organization = rows.organization
    mapped = [(frame, result) for frame, result in results if not isinstance(result, Unmapped)]
    repository_of = {id_: mapping.repository_id for id_, mapping in mappings.items()}
    repositories = rows.get_many(
        "repository",
        set(repository_of.values()),
        lambda ids: repository_queries.get_many(tx, organization.id, ids),
    )
    release_commits = _release_commits(tx, organization, options.release)
    paths: defaultdict[int, set[str]] = defaultdict(set)
    for frame, matches in mapped:
        # Files are the largest table: they are read only if they decide something.
        if options.with_file_status or _needs_file_status(mappings, release_commits, frame, matches):
            for rule, path, _ in matches:
                paths[repository_of[rule.id]].add(path)
    # All frames in one statement: a trace may have hundreds of them.
    files = file_queries.file_states(tx, organization.id, paths) if paths else {}
    deleted = [file for file in files.values() if file.deleted]
    return LinkTargets(
        results=results,
        mappings=mappings,
        no_target=no_target,
        repositories=repositories,
        installations=_installations(tx, rows, repositories.values()),
        release_commits=release_commits,
        files=files,
        deletions=_deletions(tx, organization, deleted, mapped, release_commits) if deleted else {},
    )


def _deletions(
    tx: Transaction,
    organization: Organization,
    deleted: Sequence[KnownFile],
    mapped: Iterable[tuple[FrameQuery, object]],
    release_commits: Mapping[int, str],
) -> Mapping[tuple[int, str], Deletion]:
    """Return the deletions of files before the commits of frames and of the release."""
    of_frames = {frame.commit for frame, _ in mapped if frame.commit}
    ids = {file.repository_id for file in deleted}
    commits = {id_: {*of_frames, *filter(None, [release_commits.get(id_)])} for id_ in ids}
    return deletions(tx, organization.id, deleted, commits)


def build_links(services: Services, organization: Organization, targets: LinkTargets) -> list[ResolvedFrame]:
    """Build the links of mapped frames. Plugins are called, so that no transaction may be open."""
    builder = LinkBuilder(services, organization)
    resolved = [_resolve(builder, targets, frame, result) for frame, result in targets.results]
    # Without telemetry the outcomes need not be counted.
    if services.telemetry.on:
        services.telemetry.count("frames", Counter(_outcome_label(item.outcome) for item in resolved))
    return resolved


def _resolve(builder: LinkBuilder, targets: LinkTargets, frame: FrameQuery, result: MappingResult) -> ResolvedFrame:
    """Return the first link, or else the outcome of the first mapping."""
    if isinstance(result, Unmapped):
        return ResolvedFrame(no_link(result.reason))
    if len(result) == 1:
        # Most frames match one mapping: there is no best one to find.
        lone = targets.target(frame, result[0])
        if lone is None:
            return ResolvedFrame(no_link(targets.no_target))
        return ResolvedFrame(builder.build(lone), lone.mapping, lone.repository, lone.installation, lone.file_status)
    tried: list[TriedMapping] = []
    chosen: TriedMapping | None = None
    for target in targets.in_order(frame, result):
        # After a link no plugin is called any more; the rest is listed for explanations.
        needed = chosen is None or isinstance(chosen.outcome, NoLink)
        outcome = builder.build(target) if needed else None
        item = TriedMapping(target.mapping, target.repository, target.path, target.file_status, outcome)
        tried.append(item)
        if chosen is None or isinstance(outcome, Link):
            chosen = item
    if chosen is None or chosen.outcome is None:
        return ResolvedFrame(no_link(targets.no_target))
    installation = targets.installations.get(chosen.repository.installation_id or 0)
    return ResolvedFrame(
        chosen.outcome, chosen.mapping, chosen.repository, installation, chosen.file_status, tuple(tried)
    )


def _is_unmatched(result: MappingResult) -> bool:
    """Return whether a frame names a file, but no mapping matches it."""
    return isinstance(result, Unmapped) and result.reason in _UNMATCHED


def _by_derived(derived: ProjectMappings, frame: FrameQuery, result: MappingResult) -> MappingResult:
    """Return the result of the derived mappings for a frame that no other mapping matches."""
    second = map_frame(derived.index, frame.info) if _is_unmatched(result) else result
    return result if isinstance(second, Unmapped) else second


def _outcome_label(outcome: Link | NoLink) -> str:
    return "linked" if isinstance(outcome, Link) else outcome.reason.value


def _needs_file_status(
    mappings: Mapping[int, CodeMapping],
    release_commits: Mapping[int, str],
    frame: FrameQuery,
    matches: tuple[MappingMatch, ...],
) -> bool:
    """Return whether the known files decide which mapping is used, whether it is used, or which commit is linked."""
    first = mappings[matches[0].rule.id]
    # The known files also decide whether a commit has the file.
    at_commit = frame.commit or release_commits.get(first.repository_id)
    return bool(at_commit or len(matches) > 1 or first.id < 0 or not first.default_branch or first.catches_all)


def _release_commits(tx: Transaction, organization: Organization, version: str | None) -> dict[int, str]:
    # No release is the common case, and costs no statement.
    if version is None:
        return {}
    release = release_queries.find(tx, organization.id, version)
    if release is None:
        return {}
    return {head.repository_id: head.sha for head in content_queries.heads(tx, organization.id, release.id)}


def _installations(
    tx: Transaction, rows: OrganizationCache, repositories: Iterable[Repository]
) -> dict[int, Installation]:
    ids = {repository.installation_id for repository in repositories if repository.installation_id is not None}
    stored = rows.get_many(
        "installation", ids, lambda missing: installation_queries.get_many(tx, rows.organization.id, missing)
    )
    return {id_: item.installation for id_, item in stored.items()}
