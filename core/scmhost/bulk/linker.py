"""The links of frames by a snapshot alone, equal to those of the service.

A frame is resolved without its line, because the frames of one file have many lines. The result builds the URL of each
of them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Final, NamedTuple, Protocol

from scmhost.links.values import (
    ChosenRef,
    FrameQuery,
    choose_ref,
    encodable,
    link_basis,
    usable_line,
)
from scmhost.mapping import (
    FileStatus,
    MappingIndex,
    MappingMatch,
    Unmapped,
    map_frame,
    order_by_file_status,
    rules_of_mapping,
)
from scmhost.sdk import Existence, NoUrl, Reason, UrlTemplates
from scmhost.sdk.reasons import Confidence
from scmhost.sdk.urls.plain_links import MAX_LINE, PlainLinks
from scmhost.sdk.urls.ref_links import RefLinks

from .snapshot import HookedRepository, Snapshot, SnapshotMapping, SnapshotRepository, many_objects

# Hostile commits must not fill the memory.
_MAX_PARTS: Final = 10_000


class FilePages(Protocol):
    """Builds the URLs of the files of one repository at one ref."""

    def url(self, path: str, line: int | None = None) -> str | NoUrl:
        """Return the URL of a file, at a line if one is given."""


HookedPages = Callable[[HookedRepository, ChosenRef], FilePages | NoUrl]
"""Returns the pages of a repository whose plugin has no templates."""


class BulkLink(NamedTuple):
    """The link of a frame, or the reason why there is none."""

    url: str | None
    reason: Reason | None = None
    confidence: Confidence | None = None


class PlainFile(NamedTuple):
    """The links of a file that differ only in the line: ``page``, or ``page + before_line + line + after_line``.

    Without a link, ``page`` is None and ``reason`` is set.
    """

    page: str | None
    before_line: str = ""
    after_line: str = ""
    reason: Reason | None = None
    confidence: Confidence | None = None

    def at(self, line: int | None) -> BulkLink:
        """Return the link at a line."""
        line = usable_line(line)
        if self.page is None or line is None:
            return BulkLink(self.page, self.reason, self.confidence)
        return BulkLink(f"{self.page}{self.before_line}{line}{self.after_line}", None, self.confidence)


class BulkCandidate(NamedTuple):
    """A file that may have a link, or the reason why it has none."""

    reason: Reason | None
    pages: FilePages | None = None
    path: str = ""
    confidence: Confidence | None = None
    deleted: bool = False


class FileByLine(NamedTuple):
    """The links of a file whose line may decide whether there is a link, and which mapping gives it."""

    candidates: Sequence[BulkCandidate]

    def at(self, line: int | None) -> BulkLink:
        """Return the link at a line: the first one, or the reason of the first candidate."""
        first: Reason | None = None
        for candidate in self.candidates:
            url = _url(candidate, usable_line(line))
            # A reason is a text too.
            if not isinstance(url, Reason):
                return BulkLink(url, None, candidate.confidence)
            first = first or url
        return BulkLink(None, first)


class SnapshotLinks:
    """The links of all projects of a snapshot.

    Attributes:
        snapshot: the snapshot.
        hooked: the pages of repositories whose plugins have no templates; without it, they have no links.
    """

    def __init__(self, snapshot: Snapshot, hooked: HookedPages | None = None) -> None:
        self.snapshot = snapshot
        self.hooked = hooked
        self._projects: dict[int, _ProjectLinks] = {}

    def find(self, project: str | None, frame: FrameQuery, release: str | None = None) -> PlainFile | FileByLine:
        """Return the links of a frame's file in a project, by its slug or id. The frame's line is ignored."""
        id_ = self.snapshot.projects.get(project or "")
        if id_ is None:
            return PlainFile(None, reason=Reason.NO_CODE_MAPPINGS)
        if id_ not in self._projects:
            self._projects[id_] = _ProjectLinks(self, self.snapshot.mappings.get(id_, ()))
        return self._projects[id_].find(frame, self.snapshot.releases.get(release or "", {}))

    def link(self, project: str | None, frame: FrameQuery, release: str | None = None) -> BulkLink:
        """Return the link of a frame, or the reason why it has none."""
        return self.find(project, frame, release).at(frame.line)

    @cached_property
    def repositories(self) -> Mapping[int, "_RepositoryLinks"]:
        """The repositories by id."""
        return {id_: _RepositoryLinks(self, row) for id_, row in self.snapshot.repositories.items()}


class _RepositoryLinks:
    """The known files of a repository, and the pages of its refs."""

    def __init__(self, links: SnapshotLinks, row: SnapshotRepository) -> None:
        self.row = row
        self.files = links.snapshot.files.get(row.id, {})
        self._commits = links.snapshot.commits.get(row.id, ())
        self._links = links
        self._pages: dict[tuple[str, str], FilePages | NoUrl] = {}

    def status(self, path: str) -> FileStatus:
        """Return the status of a file according to the known commits."""
        file = self.files.get(path)
        if file is None:
            return FileStatus.UNKNOWN
        return FileStatus.DELETED if file & 1 else FileStatus.LISTED

    def newest_commit(self, path: str) -> str | None:
        """Return the newest known commit that named a file, unless that deleted it."""
        file = self.files.get(path)
        return None if file is None or file & 1 else self._commits[file >> 1]

    def is_deleted_before(self, path: str, ref: ChosenRef) -> bool:
        """Return whether a known commit before a frame's or a release's commit deleted a file."""
        file = self.files.get(path)
        if file is None or not file & 1 or ref.source not in ("frame", "release"):
            return False
        return self._positions.get(ref.ref, -1) > file >> 1

    @cached_property
    def _positions(self) -> Mapping[str, int]:
        return {sha: position for position, sha in enumerate(self._commits)}

    def pages(self, ref: ChosenRef) -> FilePages | NoUrl:
        """Return the pages at a ref, or the reason why there are none."""
        key = (ref.kind, ref.ref)
        if key not in self._pages:
            if len(self._pages) >= _MAX_PARTS:
                self._pages.clear()
            self._pages[key] = self._find_pages(ref)
        return self._pages[key]

    def _find_pages(self, ref: ChosenRef) -> FilePages | NoUrl:
        if self.row.pages_refused:
            return NoUrl(reason=Reason(self.row.pages_refused))
        if self.row.templates is not None:
            return self._templates.at(ref.ref, ref.kind)
        if self.row.hooked is None or self._links.hooked is None:
            return NoUrl(reason=Reason.PROVIDER_OFF, message="the plugin of this repository is not loaded here")
        return self._links.hooked(self.row.hooked, ref)

    @cached_property
    def _templates(self) -> UrlTemplates:
        templates = self._links.snapshot.templates[self.row.templates or 0]
        return UrlTemplates.model_validate({"pages": templates, "repo_url": self.row.url})


class _ProjectLinks:
    """The links of a project's frames."""

    def __init__(self, links: SnapshotLinks, mappings: Sequence[SnapshotMapping]) -> None:
        self._links = links
        self._mappings = {mapping.id: mapping for mapping in mappings}
        self._index = _index(mappings)
        self._refs: dict[tuple[int, str | None, str | None], ChosenRef | Reason | None] = {}

    def find(self, frame: FrameQuery, release: Mapping[int, str]) -> PlainFile | FileByLine:
        # This reason comes before any other, such as a frame without a file.
        if not self._mappings:
            return PlainFile(None, reason=Reason.NO_CODE_MAPPINGS)
        result = map_frame(self._index, frame.info)
        if isinstance(result, Unmapped):
            return PlainFile(None, reason=result.reason)
        matches = order_by_file_status(result, self._status) if len(result) > 1 else result
        return _first_file(self._candidate(match, frame, release) for match in matches)

    def _repository(self, match: MappingMatch) -> _RepositoryLinks:
        return self._links.repositories[self._mappings[match.rule.id].repository_id]

    def _status(self, match: MappingMatch) -> FileStatus:
        return self._repository(match).status(match.source_path)

    def _candidate(self, match: MappingMatch, frame: FrameQuery, release: Mapping[int, str]) -> BulkCandidate:
        mapping, repository, path = self._mappings[match.rule.id], self._repository(match), match.source_path
        status = repository.status(path)
        if mapping.catches_all and status is not FileStatus.LISTED:
            return BulkCandidate(Reason.FILE_NOT_FOUND)
        ref = self._ref(mapping, repository.row, frame.commit, release.get(mapping.repository_id))
        ref = ref or choose_ref(None, None, None, repository.newest_commit(path))
        if ref is None:
            return BulkCandidate(Reason.NO_REF)
        if isinstance(ref, Reason):
            return BulkCandidate(ref)
        pages = repository.pages(ref)
        if isinstance(pages, NoUrl):
            return BulkCandidate(pages.reason)
        basis = link_basis(Existence.UNKNOWN, status, mapping, ref)
        return BulkCandidate(None, pages, path, basis.confidence, deleted=repository.is_deleted_before(path, ref))

    def _ref(
        self, mapping: SnapshotMapping, row: SnapshotRepository, commit: str | None, release_commit: str | None
    ) -> ChosenRef | Reason | None:
        """Return the ref of all files of a mapping, the reason why none has a link, or None if each file decides."""
        key = (mapping.id, commit, release_commit)
        if key not in self._refs:
            if len(self._refs) >= _MAX_PARTS:
                self._refs.clear()
            self._refs[key] = _choose(mapping, row, commit, release_commit)
        return self._refs[key]


@many_objects()
def _index(mappings: Sequence[SnapshotMapping]) -> MappingIndex:
    return MappingIndex(
        [
            rule
            for row in mappings
            for rule in rules_of_mapping(row.id, row.stack_root, row.source_root, generated=row.generated)
        ]
    )


def _choose(
    mapping: SnapshotMapping, row: SnapshotRepository, commit: str | None, release_commit: str | None
) -> ChosenRef | Reason | None:
    if row.refused:
        return Reason(row.refused)
    ref = choose_ref(commit, release_commit, mapping.default_branch)
    if ref is None and row.branch_refused:
        return Reason(row.branch_refused)
    if ref is None and row.branch:
        name, kind = row.branch
        return ChosenRef(name, kind, "default_branch")
    return ref


def _first_file(candidates: Iterator[BulkCandidate]) -> PlainFile | FileByLine:
    """Return the links of the first candidate that has some, or the reason of the first one."""
    tried: list[BulkCandidate] = []
    for candidate in candidates:
        plain = _plain_file(candidate)
        if plain is None:
            tried.append(candidate)
            return FileByLine((*tried, *candidates))
        if plain.page is not None:
            return plain
        tried.append(BulkCandidate(plain.reason))
    return PlainFile(None, reason=tried[0].reason)


def _plain_file(candidate: BulkCandidate) -> PlainFile | None:
    """Return the links of a candidate, or None if its line may decide whether there is one."""
    if candidate.reason is not None:
        return PlainFile(None, reason=candidate.reason)
    plain = candidate.pages.plain if isinstance(candidate.pages, RefLinks) else None
    if candidate.pages is None or plain is None:
        return None
    page = plain.url(candidate.path) or _escaped_page(candidate.pages, plain, candidate.path)
    if page is None or isinstance(page, Reason):
        return None if page is None else PlainFile(None, reason=page)
    if candidate.deleted:
        return PlainFile(None, reason=Reason.FILE_NOT_FOUND)
    return PlainFile(page, plain.before_line, plain.after_line, None, candidate.confidence)


def _escaped_page(pages: FilePages, plain: PlainLinks, path: str) -> str | Reason | None:
    """Return the page of a path that needs escaping, or None if the parts of a plain path do not fit its lines.

    These templates have a line in the anchor only, so that what holds for the longest line holds for all of them.
    """
    page, last = pages.url(path), pages.url(path, MAX_LINE)
    if isinstance(page, NoUrl):
        return page.reason if isinstance(last, NoUrl) and last.reason is page.reason else None
    fits = last == f"{page}{plain.before_line}{MAX_LINE}{plain.after_line}"
    return page if fits and encodable(page) == page else None


def _url(candidate: BulkCandidate, line: int | None) -> str | Reason:
    if candidate.pages is None:
        return candidate.reason or Reason.NO_SOURCE_PAGES
    url = candidate.pages.url(candidate.path, line)
    if isinstance(url, NoUrl):
        return url.reason
    # UTF-8 cannot encode half of a character.
    if encodable(url) != url:
        return Reason.UNSAFE_URL
    return Reason.FILE_NOT_FOUND if candidate.deleted else url
