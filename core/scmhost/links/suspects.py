"""Suspect commits of a trace: stored commits of its release, and blamed lines where a code host can answer."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from scmhost.commits.show import CommitPages, installations_of
from scmhost.commits.values import StoredCommit
from scmhost.infra.db.engine import Transaction
from scmhost.releases import content_queries
from scmhost.releases import queries as release_queries
from scmhost.releases.values import Release
from scmhost.sdk import BlamedLine, Installation, Organization, ProviderError, Repository
from scmhost.services import Services
from scmhost.suspects import Answer, Blame, Change, CodeFrame, Region, Suspect, SuspectQuestion, rank
from scmhost.suspects.features import change_of
from scmhost.suspects.values import NEAR_LINES, innermost_first, is_test_path

from . import suspect_queries
from .host_questions import HookTarget, ProviderQuestions, calls_with
from .resolve import UNKNOWN_RELEASE, ResolvedFrame
from .source_context import together
from .traces import Trace
from .values import Link, encodable, usable_line

MOST_FRAMES: Final = 50
"""The most frames of a trace that are compared with commits: the innermost."""

MOST_BLAMED_FILES: Final = 10
"""The most files whose lines are blamed."""

BLAME_SECONDS: Final = timedelta(seconds=5)
"""How long one request may begin to blame files."""

_EARLIER: Final = "No commit of {release} touches the trace; these are of {earlier}, the release before it."


@dataclass(frozen=True, slots=True)
class SuspectOptions:
    """How suspects are found.

    Attributes:
        release: the version of the release in which the error was first seen; only its commits are suspects.
        first_seen: the first occurrence; later commits are left out.
        blame: whether code hosts are asked who changed the lines of the trace.
    """

    release: str | None = None
    first_seen: datetime | None = None
    blame: bool = True


@dataclass(frozen=True, slots=True)
class FoundSuspect:
    """A suspect with its commit, as far as that is known, and its page."""

    suspect: Suspect
    repository: Repository
    commit: StoredCommit | None
    blamed: BlamedLine | None
    url: str | None


@dataclass(frozen=True, slots=True)
class FoundSuspects:
    """The suspects of a trace, or the reason why there are none."""

    suspects: Sequence[FoundSuspect]
    reason: str | None = None
    release: str | None = None
    compare_url: str | None = None
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class _Located:
    """A frame in a repository. Paths of several repositories are kept apart by the repository's id before them."""

    frame: CodeFrame
    path: str
    repository: Repository
    installation: Installation | None
    ref: str | None


@dataclass(frozen=True, slots=True)
class _Known:
    """The stored commits of a trace's files."""

    release: Release | None
    commits: Sequence[StoredCommit]
    earlier: Sequence[StoredCommit] = ()
    before: Release | None = None
    blamed: Sequence[StoredCommit] = ()
    range: tuple[Repository, str, str] | None = None
    installations: Mapping[int, Installation] = field(default_factory=dict)


def find_suspects(
    services: Services,
    organization: Organization,
    trace: Trace,
    resolved: Sequence[ResolvedFrame],
    options: SuspectOptions,
) -> FoundSuspects:
    """Return the suspects of a trace whose frames were resolved.

    The database is read in one transaction, and code hosts are asked before it.
    """
    located = _located(trace, resolved)
    notes: list[str] = []
    blamed = _LineBlame(services, organization, notes).read(located) if options.blame else {}
    with services.store.read() as tx:
        known = _read(tx, organization, located, blamed, options)
    if options.release and known.release is None:
        notes.append(UNKNOWN_RELEASE.format(organization=organization.slug, version=options.release))
    answer, shown_release = _ranked(known, located, blamed, options, notes)
    pages = CommitPages(services, organization, known.installations)
    stored = {commit.sha: commit for commit in (*known.blamed, *known.earlier, *known.commits)}
    by_sha = {line.sha: (line, place.repository) for place, line in _lines_with_places(located, blamed)}
    repositories = {place.repository.id: place.repository for place in located}
    suspects = []
    for suspect in answer.suspects:
        commit = stored.get(suspect.sha)
        line, repository = by_sha.get(suspect.sha, (None, None))
        repository = repositories[commit.repository_id] if commit else repository
        if repository is not None:
            suspects.append(FoundSuspect(suspect, repository, commit, line, pages.url(repository, suspect.sha)))
    compare = pages.compare_url(*known.range) if known.range and answer.suspects else None
    # Several files of a repository may have the same note.
    return FoundSuspects(suspects, answer.reason, shown_release, compare, list(dict.fromkeys(notes)))


def _located(trace: Trace, resolved: Sequence[ResolvedFrame]) -> list[_Located]:
    """Return the frames that lie in repositories, the innermost first."""
    pairs = list(zip(trace.frames, trace.queries, resolved, strict=True))
    if any(query.in_app for _, query, _ in pairs):
        pairs = [pair for pair in pairs if pair[1].in_app]
    # Events have the innermost frame last, and printed traces have the order of their language.
    printed = [found for found, _, _ in pairs if found.match]
    by_frame = {id(found): (query, item) for found, query, item in pairs}
    ordered = innermost_first(printed) if printed else [found for found, _, _ in reversed(pairs)]
    several = len({item.repository.id for _, _, item in pairs if item.repository}) > 1
    places: dict[CodeFrame, _Located] = {}
    for found in ordered:
        query, item = by_frame[id(found)]
        path = item.outcome.source_path
        if path is None or item.repository is None or len(places) == MOST_FRAMES:
            continue
        key = f"{item.repository.id}/{path}" if several else path
        frame = CodeFrame(key, usable_line(query.line), found.frame.function, is_test_path(path))
        ref = item.outcome.ref if isinstance(item.outcome, Link) else None
        places.setdefault(frame, _Located(frame, path, item.repository, item.installation, ref))
    return list(places.values())


class _LineBlame:
    """Asks code hosts for the commits that last changed the lines around a trace's lines."""

    def __init__(self, services: Services, organization: Organization, notes: list[str]) -> None:
        self._services = services
        self._organization = organization
        self._notes = notes
        self._end = services.clock.now() + BLAME_SECONDS
        self._questions = ProviderQuestions(services)

    def read(self, located: Sequence[_Located]) -> dict[str, Mapping[int, BlamedLine]]:
        """Return the blamed lines by the path of frames. A file that is not blamed has no entry."""
        places: dict[str, _Located] = {}
        lines: dict[str, set[int]] = {}
        for place in located:
            line = place.frame.line
            if line is not None and not place.frame.is_test and place.ref and place.installation:
                places.setdefault(place.frame.path, place)
                around = range(max(line - NEAR_LINES, 1), line + NEAR_LINES + 1)
                lines.setdefault(place.frame.path, set()).update(around)
        chosen = list(places)[:MOST_BLAMED_FILES]
        if len(chosen) < len(places):
            self._notes.append(f"Only the {MOST_BLAMED_FILES} innermost of {len(places)} files were blamed.")
        answers = together([partial(self._file, places[path], sorted(lines[path])) for path in chosen])
        return {path: answer for path, answer in zip(chosen, answers, strict=True) if answer}

    def _file(self, place: _Located, lines: Sequence[int]) -> Mapping[int, BlamedLine]:
        installation, repository = place.installation, place.repository
        if installation is None or self._services.clock.now() >= self._end:
            return {}
        calls = calls_with("scm_blame_lines", self._services.plugins, self._organization, installation)
        if calls is None:
            return {}
        call = partial(calls.blame_lines, installation, repository, place.ref or "", place.path, lines)
        target = HookTarget("scm_blame_lines", installation.id, repository.id)
        try:
            answer = self._questions.ask(calls, target, call)
        except ProviderError as error:
            self._notes.append(encodable(f"The code host does not blame lines of {repository.name}: {error}"))
            return {}
        return {line.line: line for line in answer or ()}


_Blamed = Mapping[str, Mapping[int, BlamedLine]]


def _read(
    tx: Transaction, organization: Organization, located: Sequence[_Located], blamed: _Blamed, options: SuspectOptions
) -> _Known:
    """Read the commits that may be suspects."""
    paths: dict[int, set[str]] = {}
    repositories: dict[int, Repository] = {}
    for place in located:
        repositories[place.repository.id] = place.repository
        paths.setdefault(place.repository.id, set()).add(place.path)
    installations = installations_of(tx, organization, repositories.values())
    release = release_queries.find(tx, organization.id, options.release) if options.release else None
    if release is None or not release.commit_count:
        commits = suspect_queries.newest(tx, organization.id, paths, options.first_seen)
        shas: dict[int, set[str]] = {}
        for place, line in _lines_with_places(located, blamed):
            shas.setdefault(place.repository.id, set()).add(line.sha)
        old = suspect_queries.with_shas(tx, organization.id, shas)
        return _Known(release, commits, blamed=old, installations=installations)
    commits = suspect_queries.of_release(tx, organization.id, release.id, paths)
    first = next(iter(repositories.values()), None)
    before = release_queries.before(tx, release, first.id) if first else None
    earlier = suspect_queries.of_release(tx, organization.id, before[0].id, paths) if before and not commits else []
    heads = {head.repository_id: head for head in content_queries.heads(tx, organization.id, release.id)}
    head = heads.get(first.id) if first else None
    base = (head.previous_sha if head else None) or (before[1] if before else None)
    compared = (first, base, head.sha) if first and head and base else None
    return _Known(release, commits, earlier, before[0] if before else None, range=compared, installations=installations)


def _lines_with_places(located: Iterable[_Located], blamed: _Blamed) -> Iterable[tuple[_Located, BlamedLine]]:
    for place in located:
        for line in blamed.get(place.frame.path, {}).values():
            yield place, line


def _ranked(
    known: _Known,
    located: Sequence[_Located],
    blamed: _Blamed,
    options: SuspectOptions,
    notes: list[str],
) -> tuple[Answer, str | None]:
    """Return the answer, and the version of the release whose commits were compared."""
    has_release = known.release is not None and known.release.commit_count > 0
    version = known.release.version if has_release and known.release else None
    changes = [_change(commit, located, in_release=True if has_release else None) for commit in known.commits]
    if not has_release:
        changes += _only_blamed(known, located, blamed)
    answer = rank(_question(changes, located, blamed, options, version))
    if answer.suspects or not known.earlier or known.before is None:
        return answer, version
    # The error may be older than the release in which it was first seen.
    changes = [_change(commit, located, in_release=True) for commit in known.earlier]
    second = rank(_question(changes, located, blamed, options, known.before.version))
    if not second.suspects:
        return answer, version
    notes.append(_EARLIER.format(release=version, earlier=known.before.version))
    return Answer(tuple(suspect._replace(confidence="low") for suspect in second.suspects)), known.before.version


def _question(
    changes: Sequence[Change],
    located: Sequence[_Located],
    blamed: _Blamed,
    options: SuspectOptions,
    version: str | None,
) -> SuspectQuestion:
    lines, regions = _lines(located, blamed)
    first_seen = options.first_seen.timestamp() if options.first_seen else None
    return SuspectQuestion([place.frame for place in located], changes, first_seen, lines, regions, version)


def _lines(located: Sequence[_Located], blamed: _Blamed) -> tuple[list[Blame], list[Region]]:
    """Return the blamed lines of the frames, and the commits around each of them, newest first."""
    lines: dict[Blame, Region] = {}
    for place in located:
        path, number = place.frame.path, place.frame.line
        file = blamed.get(path, {})
        if number is None or number not in file:
            continue
        near = [file[at] for at in range(number - NEAR_LINES, number + NEAR_LINES + 1) if at in file]
        near.sort(key=lambda line: (-line.timestamp.timestamp() if line.timestamp else 0.0, line.sha))
        shas = tuple(dict.fromkeys(line.sha for line in near))
        lines[Blame(path, number, file[number].sha)] = Region(path, number, shas)
    return list(lines), list(lines.values())


def _change(commit: StoredCommit, located: Sequence[_Located], *, in_release: bool | None) -> Change:
    kinds = {change.path: change.type for change in commit.changes}
    change = change_of(commit.sha, commit.committed_at.timestamp(), commit.message or "", kinds, in_release=in_release)
    own = {place.path: place.frame.path for place in located if place.repository.id == commit.repository_id}
    return change._replace(files={own[path]: kind for path, kind in change.files.items() if path in own})


def _only_blamed(known: _Known, located: Sequence[_Located], blamed: _Blamed) -> list[Change]:
    """Return the blamed commits that are not among the newest ones, whether they are stored or not."""
    done = {commit.sha for commit in known.commits}
    stored = {commit.sha: commit for commit in known.blamed}
    changes: dict[str, Change] = {}
    for place, line in _lines_with_places(located, blamed):
        if line.sha in done or line.sha in changes:
            continue
        commit = stored.get(line.sha)
        moment = commit.committed_at if commit else line.timestamp
        # Without a time it could be later than the first occurrence.
        if moment is not None:
            message = (commit.message or "") if commit else ""
            changes[line.sha] = change_of(line.sha, moment.timestamp(), message, {place.frame.path: "M"})
    return list(changes.values())
