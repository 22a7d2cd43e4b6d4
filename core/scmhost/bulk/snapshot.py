"""The snapshot file: what the links of one organization need, without secrets.

The first line is the header, a JSON object. Each other line is a JSON array: a kind, and its fields. The header has the
SHA-256 of these lines, so that a file that was cut or changed is refused. The order of the lines has no meaning.

=============  =====================================================================================================
kind           fields
=============  =====================================================================================================
project        id, slug
mappings       id of the project; mappings, each with the fields of ``SnapshotMapping``
templates      number; the templates of a host's pages
repository     the fields of ``SnapshotRepository``
releases       commits of releases, each with version, id of the repository, commit
commits        id of the repository; its commits, the oldest first, continued in the next line of the repository
files          id of the repository; files, each with path, position of its newest commit, whether that deleted it
=============  =====================================================================================================
"""

import gc
import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import SpooledTemporaryFile
from types import TracebackType
from typing import IO, Any, Final, NamedTuple, Self

from scmhost import __version__
from scmhost.infra.errors import InvalidInput, NotFound
from scmhost.sdk import RefKind
from scmhost.sdk.reasons import Confidence

FORMAT: Final = "scmhost-links"
VERSION: Final = 1
# Smaller snapshots need no file on the disk before they are complete.
_IN_MEMORY: Final = 8 * 2**20
_COPIED: Final = 2**20


class SnapshotMapping(NamedTuple):
    """A code mapping of a project."""

    id: int
    repository_id: int
    stack_root: str
    source_root: str
    default_branch: str | None
    generated: bool
    confidence: Confidence | None

    @property
    def catches_all(self) -> bool:
        """Whether this is a derived mapping without a stack root, which matches frames of libraries too."""
        return self.generated and not self.stack_root


@dataclass(frozen=True, slots=True)
class HookedRepository:
    """What the hook of a plugin without templates gets for each link.

    Attributes:
        organization: the organization, whose providers are on or off.
        installation: the repository's installation, without secrets.
        repository: the repository.
    """

    organization: Mapping[str, Any]
    installation: Mapping[str, Any]
    repository: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SnapshotRepository:
    """A repository, and how the URLs of its files are built.

    Attributes:
        id: its id.
        refused: the reason why no file of it has a link, if there is one.
        branch: the default branch on the code host and its kind, for mappings that name no branch.
        branch_refused: the reason if the code host does not show the default branch.
        pages_refused: the reason if the plugin could not give its templates.
        templates: the number of its templates.
        url: the URL of its web page.
        hooked: what the plugin's hook gets, if the plugin has no templates.
    """

    id: int
    refused: str | None = None
    branch: tuple[str, RefKind] | None = None
    branch_refused: str | None = None
    pages_refused: str | None = None
    templates: int | None = None
    url: str | None = None
    hooked: HookedRepository | None = None


@dataclass(frozen=True, slots=True)
class SnapshotHeader:
    """The first line of a snapshot.

    Attributes:
        organization: the slug.
        created: the time, in ISO 8601.
        scmhost: the version that wrote it.
        with_files: whether it has the files of known commits; without them, ``confidence`` is lower, and a file that
            was deleted has a link.
        counts: the number of projects, mappings, templates, repositories, releases, commits and files.
        sha256: the checksum of all other lines.
    """

    organization: str
    created: str
    scmhost: str
    with_files: bool
    counts: Mapping[str, int]
    sha256: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The content of a snapshot, as it was read.

    Attributes:
        header: its header.
        projects: the ids of projects, by slug and by id as text.
        mappings: the mappings by project.
        templates: the templates of pages by number.
        repositories: the repositories by id.
        releases: the commits of each release's version, by repository.
        commits: the commits of each repository, the oldest first.
        files: the files by repository and path: twice the position of the newest commit, plus 1 if that deleted it.
    """

    header: SnapshotHeader
    projects: dict[str, int] = field(default_factory=dict)
    mappings: dict[int, list[SnapshotMapping]] = field(default_factory=dict)
    templates: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    repositories: dict[int, SnapshotRepository] = field(default_factory=dict)
    releases: dict[str, dict[int, str]] = field(default_factory=dict)
    commits: dict[int, list[str]] = field(default_factory=dict)
    files: dict[int, dict[str, int]] = field(default_factory=dict)

    def add(self, kind: str, fields: list[Any]) -> None:
        """Add the content of a line."""
        match kind, fields:
            case "project", [int(id_), slug]:
                self.projects.update({str(id_): id_, slug: id_})
            case "mappings", [int(id_), rows]:
                self.mappings.setdefault(id_, []).extend(map(SnapshotMapping._make, rows))
            case "templates", [int(number), templates]:
                self.templates[number] = templates
            case "repository", [row]:
                self.repositories[row["id"]] = _repository(row)
            case "releases", [rows]:
                for version, repository_id, sha in rows:
                    self.releases.setdefault(version, {})[repository_id] = sha
            case "commits", [int(id_), shas]:
                self.commits.setdefault(id_, []).extend(shas)
            case "files", [int(id_), rows]:
                own = self.files.setdefault(id_, {})
                own.update((path, 2 * position + deleted) for path, position, deleted in rows)
            case _:
                raise ValueError(kind)


class SnapshotWriter:
    """Collects the lines of a snapshot, and writes them with a header."""

    def __init__(self) -> None:
        # The header has counts and checksum, which are known at the end.
        self._body = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - closed by __exit__
        self._digest = hashlib.sha256()
        self._counts = dict.fromkeys(_COUNTED.values(), 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._body.close()

    def add(self, kind: str, *fields: Any) -> None:
        """Add a line."""
        line = json.dumps([kind, *fields], separators=(",", ":")).encode() + b"\n"
        self._digest.update(line)
        self._body.write(line)
        rows = fields[-1]
        self._counts[_COUNTED[kind]] += len(rows) if kind in _LISTS else 1

    def add_repository(self, repository: SnapshotRepository) -> None:
        """Add a repository."""
        self.add("repository", asdict(repository))

    def finish(self, out: IO[bytes], organization: str, created: str, *, with_files: bool) -> SnapshotHeader:
        """Write the header and all lines."""
        header = SnapshotHeader(
            organization, created, __version__, with_files, self._counts, sha256=self._digest.hexdigest()
        )
        first = {"format": FORMAT, "version": VERSION, **asdict(header)}
        out.write(json.dumps(first).encode() + b"\n")
        self._body.seek(0)
        while piece := self._body.read(_COPIED):
            out.write(piece)
        return header


_COUNTED: Final = {
    "project": "projects",
    "mappings": "mappings",
    "templates": "templates",
    "repository": "repositories",
    "releases": "releases",
    "commits": "commits",
    "files": "files",
}
_LISTS: Final = frozenset({"mappings", "releases", "commits", "files"})


@contextmanager
def many_objects() -> Iterator[None]:
    """Make many objects that live as long as the process, without looking for garbage among them again and again."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@many_objects()
def read_snapshot(file: Path) -> Snapshot:
    """Read a snapshot.

    Raises:
        NotFound: there is no such file.
        InvalidInput: it is no snapshot, or one of another version, or damaged.
    """
    try:
        with file.open("rb") as opened:
            snapshot = Snapshot(_header(file, opened.readline()))
            digest = hashlib.sha256()
            for line in opened:
                digest.update(line)
                _add_line(file, snapshot, line)
    except OSError as error:
        raise NotFound(f"{file} cannot be read: {error.strerror}") from error
    if digest.hexdigest() != snapshot.header.sha256:
        raise _damaged(file)
    return snapshot


def _header(file: Path, line: bytes) -> SnapshotHeader:
    try:
        values = json.loads(line)
        known, version = values.pop("format") == FORMAT, values.pop("version")
    except (ValueError, KeyError, TypeError, AttributeError):
        known = False
    if not known:
        raise InvalidInput(f"{file} is no snapshot; make one with `scmhost export-links --org ORG > links.snapshot`")
    if version != VERSION:
        raise InvalidInput(
            f"{file} has version {version} of the snapshot format, and this scmhost reads version {VERSION}; export it "
            "with the version of scmhost that reads it"
        )
    try:
        return SnapshotHeader(**values)
    except TypeError as error:
        raise _damaged(file) from error


def _add_line(file: Path, snapshot: Snapshot, line: bytes) -> None:
    try:
        kind, *fields = json.loads(line)
        snapshot.add(kind, fields)
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(file) from error


def _damaged(file: Path) -> InvalidInput:
    return InvalidInput(f"{file} is damaged: its content does not have the checksum of its header; export it again")


def _repository(row: dict[str, Any]) -> SnapshotRepository:
    branch, hooked = row.pop("branch"), row.pop("hooked")
    return SnapshotRepository(
        **row, branch=tuple(branch) if branch else None, hooked=HookedRepository(**hooked) if hooked else None
    )
