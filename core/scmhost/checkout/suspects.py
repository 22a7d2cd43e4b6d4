"""Suspect commits of a checkout, by git's own log and blame. No server and no remote is needed."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from scmhost.frames import read_text
from scmhost.frames.frame import Frame
from scmhost.infra.errors import ScmhostError
from scmhost.mapping.file_tree import FileTree
from scmhost.suspects import Answer, Blame, Change, CodeFrame, Region, SuspectQuestion, rank
from scmhost.suspects.features import change_of
from scmhost.suspects.values import NEAR_LINES, innermost_first, is_test_path

from .changed_files import ChangedFiles
from .git import GitCommit, GitError, git, git_outputs, list_shas, read_changes
from .links import CheckoutLinker, LinkerInputs, checkout_roots, mapping_index
from .pages import repository_pages
from .targets import CheckoutLink
from .worktree import Checkout, start_reading

MOST_COMMITS: Final = 1_000
"""The most commits that are compared: the newest that change a file of the trace."""

MOST_LINES: Final = 50
"""The most lines of a trace that are blamed."""

# Each of them is a process of git.
_MOST_FILES: Final = 20
# As many processes as read files at the same time.
_TOGETHER: Final = 4
# Without text conversion, for which the settings of git may name a program.
_BLAME: Final = ("blame", "--porcelain", "--no-textconv", "--encoding=UTF-8")
_BLAMED: Final = re.compile(r"([0-9a-f]{40,64}) \d+ (\d+)")
_SHALLOW: Final = "This clone is shallow: older commits are no suspects. Run: git fetch --unshallow"
_RANGE: Final = re.compile(r"(.+?)\.\.\.?(.+)")


class BadRange(ScmhostError):
    """A range of a release is not written as ``A..B``."""


class HistoryOptions(NamedTuple):
    """Options of the command line.

    Attributes:
        revisions: the release, as a range ``A..B``; its commits alone are suspects, and lines are those of ``B``.
        since: a date in one of git's forms; older commits are left out.
        first_seen: the first occurrence; later commits are left out.
        mappings: code mappings.
        kind: the kind of code host, for links.
    """

    revisions: str | None = None
    since: str | None = None
    first_seen: datetime | None = None
    mappings: Sequence[tuple[str, str]] = ()
    kind: str | None = None


class FoundCommit(NamedTuple):
    """A commit of the checkout, for display."""

    sha: str
    author_name: str
    author_email: str
    timestamp: str
    subject: str
    url: str | None = None


class CheckoutSuspects(NamedTuple):
    """The answer for a checkout.

    Attributes:
        answer: the suspects.
        commits: the suspects' commits by id.
        frames: the frames that were compared.
        compare_url: the page of all changes of the release.
        notes: what the answer does not consider, in sentences.
    """

    answer: Answer
    commits: Mapping[str, FoundCommit]
    frames: Sequence[CodeFrame]
    compare_url: str | None = None
    notes: Sequence[str] = ()


class _Release(NamedTuple):
    base: str
    head: str
    shas: frozenset[str]


class _BlamedFile(NamedTuple):
    """The blamed lines of a file, and the commits that changed them last."""

    lines: Mapping[int, str]
    commits: Mapping[str, Mapping[str, str]]


def find_suspects(text: str, options: HistoryOptions) -> CheckoutSuspects:
    """Return the suspects of the trace in a text.

    Raises:
        BadRange: the release is not a range of two known commits.
        NoCheckout: there is no checkout, or it has no commit yet.
        GitError: git cannot read the history.
    """
    release = _release(options.revisions) if options.revisions else None
    checkout = start_reading(release.head if release else None).finish()
    head = release.head if release else checkout.head
    printed = _printed(text)
    frames = _frames(printed, checkout, options.mappings, on_disk=release is None)
    notes = _notes(checkout, len(frames)) + _submodule_notes(checkout, printed)
    paths = list(dict.fromkeys(frame.path for frame in frames))[:_MOST_FILES]
    # The whole range would not be followed through the frames' files before its base.
    revisions = f"{release.base}..{head}" if release else head
    log = list(read_changes(checkout.root, revisions, paths, most=MOST_COMMITS, since=options.since)) if paths else []
    is_shallow = notes[:1] == [_SHALLOW]
    blamed = _blame(checkout.root, head, frames, is_shallow=is_shallow)
    # The oldest commits of a shallow clone look as if they had added all files.
    cut = git(checkout.root, "rev-list", "--max-parents=0", head, "--").split() if is_shallow else ()
    changes = [_change(commit, paths, release) for commit in log if commit.sha not in cut]
    if release is None and options.since is None:
        # Lines that came from a file of another name, and those that are older than the commits of the log.
        changes += _older(checkout.root, blamed, {change.sha for change in changes})
    lines, regions = _lines(frames, blamed)
    question = SuspectQuestion(
        frames,
        changes,
        options.first_seen.timestamp() if options.first_seen else None,
        lines,
        regions,
        release=options.revisions,
    )
    answer = rank(question) if changes or not frames else Answer(reason=_why_no_changes(options, release))
    return _shown(answer, checkout, options, release, log, blamed)._replace(frames=frames, notes=notes)


def _why_no_changes(options: HistoryOptions, release: _Release | None) -> str:
    if release and not release.shas:
        return f"The release {options.revisions} has no commits."
    of_what = f" of {options.revisions}" if release else ""
    since = f" since {options.since}" if options.since else ""
    return f"No commit{of_what}{since} changed a file of the trace; merges are left out."


def _release(revisions: str) -> _Release:
    parts = _RANGE.fullmatch(revisions)
    if parts is None:
        raise BadRange(f"{revisions!r} is no range of commits; write A..B, for example v1.3.0..v1.4.0")
    base, head = (_commit(part) for part in parts.groups())
    return _Release(base, head, frozenset(list_shas(".", f"{base}..{head}")))


def _commit(ref: str) -> str:
    try:
        return git(".", "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    except GitError as error:
        raise BadRange(f"unknown ref {ref!r} in this checkout; fetch it first") from error


class _CommitFiles:
    """Files of the commit only: what the disk has besides them has no history."""

    def link(self, found: CheckoutLink, path: str, line: int | None) -> CheckoutLink:
        return found._replace(path=path, line=line)

    def on_disk(self, _path: str) -> CheckoutLink | None:
        return None


def _printed(text: str) -> list[Frame]:
    """Return the frames of a text, the innermost first."""
    found = [match.frame for match in read_text(text).frames]
    # Test runners print places of failures, and often a whole trace besides.
    return innermost_first([frame for frame in found if frame.kind == "frame"] or found)


def _frames(
    printed: Sequence[Frame], checkout: Checkout, mappings: Sequence[tuple[str, str]], *, on_disk: bool
) -> list[CodeFrame]:
    """Return the frames that lie in the checkout, with lines as they are in its commit."""
    tree = FileTree(checkout.files, checkout.prefix)
    inputs = LinkerInputs(
        checkout_roots(checkout), checkout.prefix, tree, _CommitFiles(), mapping_index(mappings, checkout.maps)
    )
    linker, lines = CheckoutLinker(inputs), ChangedFiles(checkout.root, checkout.head)
    traced: dict[CodeFrame, None] = {}
    for frame, link in zip(printed, linker.link_all(printed), strict=True):
        path = link.path
        if path is not None:
            line = _line_in_commit(lines, path, frame.line, on_disk=on_disk)
            traced[CodeFrame(path, line, frame.function, is_test_path(path))] = None
    return list(traced)


def _line_in_commit(lines: ChangedFiles, path: str, line: int | None, *, on_disk: bool) -> int | None:
    if not line:
        return None
    committed = lines.committed(path, line, on_disk=on_disk)
    return None if committed.last is not None or not committed.line else committed.line


def _notes(checkout: Checkout, frames: int) -> list[str]:
    notes: list[str] = []
    if git(checkout.root, "rev-parse", "--is-shallow-repository") == "true":
        notes.append(_SHALLOW)
    if frames > MOST_LINES:
        notes.append(f"Only the {MOST_LINES} innermost of {frames} frames are blamed.")
    return notes


def _submodule_notes(checkout: Checkout, printed: Sequence[Frame]) -> list[str]:
    paths = ["/" + frame.path.replace("\\", "/") for frame in printed]
    folders = [module.path for module in checkout.submodules if any(f"/{module.path}/" in path for path in paths)]
    return [f"Frames in the submodule {folder} are left out. Run the command in that folder." for folder in folders]


def _change(commit: GitCommit, paths: Sequence[str], release: _Release | None) -> Change:
    in_release = commit.sha in release.shas if release else None
    kinds = {path: "R" if path in commit.moved else kind for kind, path in commit.changes}
    change = change_of(commit.sha, float(commit.committed), commit.message, kinds, in_release=in_release)
    return change._replace(files={path: kind for path, kind in change.files.items() if path in paths})


def _blame(root: str, head: str, frames: Sequence[CodeFrame], *, is_shallow: bool) -> dict[str, _BlamedFile]:
    """Return the blamed lines around the lines of the trace, by file. A file that git cannot blame has no entry."""
    wanted: dict[str, list[int]] = {}
    for frame in [frame for frame in frames if frame.line and not frame.is_test][:MOST_LINES] or frames[:MOST_LINES]:
        if frame.line:
            wanted.setdefault(frame.path, []).append(frame.line)
    commands = [
        (*_BLAME, *(f"-L{max(line - NEAR_LINES, 1)},{line + NEAR_LINES}" for line in lines), head, "--", path)
        for path, lines in list(wanted.items())[:_MOST_FILES]
    ]
    outputs = [
        output
        for at in range(0, len(commands), _TOGETHER)
        for output in git_outputs(root, *commands[at : at + _TOGETHER])
    ]
    return {
        path: _read_blame(output, is_shallow=is_shallow)
        for path, output in zip(wanted, outputs, strict=False)
        if isinstance(output, str)
    }


def _read_blame(printed: str, *, is_shallow: bool) -> _BlamedFile:
    """Read the output of ``git blame --porcelain``; the facts of a commit come before its first line."""
    lines: dict[int, str] = {}
    commits: dict[str, dict[str, str]] = {}
    sha = ""
    for row in printed.split("\n"):
        if blamed := _BLAMED.match(row):
            sha = blamed[1]
            lines[int(blamed[2])] = sha
            commits.setdefault(sha, {})
        elif sha and not row.startswith("\t"):
            key, _, value = row.partition(" ")
            commits[sha].setdefault(key, value)
    if is_shallow:
        # The oldest commit of a shallow clone is blamed for all lines that are older.
        cut = {sha for sha, facts in commits.items() if "boundary" in facts}
        lines = {line: sha for line, sha in lines.items() if sha not in cut}
    return _BlamedFile(lines, {sha: commits[sha] for sha in set(lines.values())})


def _older(root: str, blamed: Mapping[str, _BlamedFile], known: set[str]) -> Iterator[Change]:
    """Yield the blamed commits that the log does not have, without merges."""
    missing: dict[str, tuple[Mapping[str, str], dict[str, str]]] = {}
    for path, file in blamed.items():
        for sha, facts in file.commits.items():
            if sha not in known:
                missing.setdefault(sha, (facts, {}))[1][path] = "M"
    # Lines that were changed while a conflict was resolved are those of the merge.
    listed = git(root, "rev-list", "--no-walk", "--max-parents=1", *missing, "--").split() if missing else ()
    for sha in listed:
        facts, files = missing[sha]
        yield change_of(sha, float(facts.get("committer-time", 0)), facts.get("summary", ""), files)


def _lines(frames: Sequence[CodeFrame], blamed: Mapping[str, _BlamedFile]) -> tuple[list[Blame], list[Region]]:
    """Return the blamed lines of the trace, and the commits that last changed the lines around each of them."""
    lines: dict[Blame, Region] = {}
    for frame in frames:
        file = blamed.get(frame.path)
        if file is None or frame.line is None or frame.line not in file.lines:
            continue
        around = range(frame.line - NEAR_LINES, frame.line + NEAR_LINES + 1)
        shas = {file.lines[line] for line in around if line in file.lines}
        newest = sorted(shas, key=lambda sha: (-int(file.commits[sha].get("committer-time", 0)), sha))
        # A dictionary: two functions of one line, such as a comprehension and its caller, are one line.
        lines[Blame(frame.path, frame.line, file.lines[frame.line])] = Region(frame.path, frame.line, newest)
    return list(lines), list(lines.values())


def _shown(
    answer: Answer,
    checkout: Checkout,
    options: HistoryOptions,
    release: _Release | None,
    log: Sequence[GitCommit],
    blamed: Mapping[str, _BlamedFile],
) -> CheckoutSuspects:
    """Return the answer with the commits of its suspects, and their pages."""
    commits = {commit.sha: _of_log(commit) for commit in log}
    for file in blamed.values():
        for sha, facts in file.commits.items():
            commits.setdefault(sha, _of_blame(sha, facts))
    pages = repository_pages(checkout, options.kind) if checkout.published else None
    shown = {}
    for suspect in answer.suspects:
        url = pages.commit(suspect.sha) if pages else None
        shown[suspect.sha] = commits[suspect.sha]._replace(url=url if isinstance(url, str) else None)
    compare = pages.compare(release.base, release.head) if pages and release else None
    return CheckoutSuspects(answer, shown, (), compare if isinstance(compare, str) else None)


def _of_log(commit: GitCommit) -> FoundCommit:
    subject = commit.message.partition("\n")[0]
    return FoundCommit(commit.sha, commit.author_name, commit.author_email, commit.timestamp, subject)


def _of_blame(sha: str, facts: Mapping[str, str]) -> FoundCommit:
    moment = datetime.fromtimestamp(int(facts.get("author-time", 0))).astimezone().isoformat()
    email = facts.get("author-mail", "").removeprefix("<").removesuffix(">")
    return FoundCommit(sha, facts.get("author", ""), email, moment, facts.get("summary", ""))
