"""Read the state of a git checkout: its root, its commit, its files, its remote and its edited lines."""

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from scmhost.infra.errors import ScmhostError

from .git import GitError, git_output, git_outputs

if TYPE_CHECKING:
    from .project_file import ProjectFile

_NAMES: Final = r"^(remote\..*\.url|branch\..*\.remote|url\..*\.insteadof|scmhost\.(remote|kind|template))$"
_SETTINGS: Final = ("config", "--null", "--get-regexp", _NAMES)
_PROJECT_FILE: Final = ".scmhost.toml"
_BRANCH: Final = "refs/heads/"
# The name of a setting of git, and one value of it.
Setting = tuple[str, str]
_HEAD: Final = (
    *("rev-parse", "--show-toplevel", "--show-prefix", "--git-path", "scmhost-pages.json"),
    *("HEAD", "--symbolic-full-name", "HEAD"),
)
# Without these options the user's settings could colour the diff, merge its hunks or replace it by another program's.
_DIFF: Final = (
    *("diff", "--no-color", "--no-ext-diff", "--no-textconv", "--no-renames", "--ignore-submodules"),
    "--inter-hunk-context=0",
)
_HUNK: Final = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@", re.ASCII)


class NoCheckout(ScmhostError):
    """The working directory is not in a git checkout, or the checkout lacks the requested commit."""


@dataclass(frozen=True, slots=True)
class Checkout:
    """A git checkout at one commit.

    Attributes:
        root: absolute path of its top folder.
        prefix: the working directory relative to the root, with a trailing slash, or "".
        commit: the full SHA of the commit.
        files: the paths of all files of that commit.
        cache: a file in the git folder for cached page URLs.
        remote: the URL that the checkout was cloned from, or None.
        kind: the kind of code host in git's setting ``scmhost.kind``, else in ``.scmhost.toml``.
        template: the URL template in git's setting ``scmhost.template``, else in ``.scmhost.toml``.
        pushed: True if a remote branch contains the commit; None if no remote branch is known.
        maps: the code mappings in ``.scmhost.toml``.
    """

    root: str
    prefix: str
    commit: str
    files: tuple[str, ...]
    cache: str
    remote: str | None = None
    kind: str | None = None
    template: str | None = None
    pushed: bool | None = None
    maps: tuple[tuple[str, str], ...] = ()


class Hunk(NamedTuple):
    """A change in a diff without context: which lines of the commit became which lines of the file."""

    old: int
    old_count: int
    new: int
    new_count: int


@dataclass(frozen=True, slots=True)
class CommittedLine:
    """A line's number in the commit. A changed line has the number of the first line that it replaced."""

    line: int
    changed: bool = False


class ChangedFiles:
    """Differences between the files on disk and the commit that is checked out. git runs at the first call."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._names: frozenset[str] | None = None
        self._hunks: dict[str, tuple[Hunk, ...]] = {}

    def committed(self, path: str, line: int) -> CommittedLine:
        """Return the position that a line of a file on disk has in the commit."""
        if self._names is None:
            self._names = frozenset(self._diff("--name-only", "-z", "HEAD", "--").split("\0"))
        # Most files are unchanged; a diff for each of them would start git once for each.
        if path not in self._names:
            return CommittedLine(line)
        if path not in self._hunks:
            diff = self._diff("--unified=0", "HEAD", "--", f":(top,literal){path}")
            self._hunks[path] = read_hunks(diff.split("\n"))
        return committed_line(line, self._hunks[path])

    def _diff(self, *arguments: str) -> str:
        return git_output(self._root, *_DIFF, *arguments)


def read_checkout(ref: str | None = None, remote: str | None = None) -> Checkout:
    """Read the checkout of the working directory at a ref, by default at the commit that is checked out.

    ``remote`` is the name of a remote, or a URL. The default is the branch's remote, then ``origin``, then the only
    remote.

    Raises:
        NoCheckout: there is no checkout, it has no commit yet, or the ref is unknown.
    """
    commit = "HEAD" if ref is None else _commit(ref)
    tree = ("ls-tree", "-r", "-z", "--name-only", "--full-tree", commit)
    unpushed = ("rev-list", "--max-count=1", commit, "--not", "--remotes", "--")
    # One after the other, these four would double the time of a short run.
    outputs = git_outputs(".", _HEAD, _SETTINGS, tree, unpushed)
    head = _head(outputs[0])
    entries = _settings(outputs[1])
    shared = _project_file(head.root)
    # The last value of a setting applies, as in git.
    settings = dict(entries)
    return Checkout(
        head.root,
        head.prefix,
        head.commit if ref is None else commit,
        tuple(_succeeded(outputs[2]).split("\0")[:-1]),
        head.cache,
        _remote_url(
            entries,
            remote or settings.get("scmhost.remote") or _shared_remote(shared, settings),
            settings.get(f"branch.{head.branch}.remote"),
        ),
        settings.get("scmhost.kind") or (shared.kind if shared else None),
        settings.get("scmhost.template") or (shared.template if shared else None),
        _is_pushed(_succeeded(outputs[3])),
        shared.maps if shared else (),
    )


def read_hunks(diff: Iterable[str]) -> tuple[Hunk, ...]:
    """Return the hunks of one file's unified diff without context lines, in their order."""
    matches = (_HUNK.match(line) for line in diff)
    return tuple(Hunk(int(hunk[1]), _count(hunk[2]), int(hunk[3]), _count(hunk[4])) for hunk in matches if hunk)


def committed_line(line: int, hunks: Sequence[Hunk]) -> CommittedLine:
    """Return where a line of the changed file is in the commit."""
    shift = 0
    for hunk in hunks:
        # A hunk that only removes lines has the number of the line before them.
        if line < hunk.new + (hunk.new_count == 0):
            break
        if line < hunk.new + hunk.new_count:
            return CommittedLine(max(hunk.old, 1), changed=True)
        shift += hunk.old_count - hunk.new_count
    return CommittedLine(line + shift)


def _count(digits: str | None) -> int:
    # Diffs leave a count of one out.
    return 1 if digits is None else int(digits)


class _Head(NamedTuple):
    root: str
    prefix: str
    cache: str
    commit: str
    branch: str


def _head(output: str | GitError) -> _Head:
    if isinstance(output, GitError):
        if "not a git repository" in str(output):
            raise NoCheckout(
                "this folder is not in a git checkout; change into one, or select a project with --org and --project"
            ) from output
        if "'HEAD'" in str(output):
            raise NoCheckout("this checkout has no commit yet") from output
        raise output
    root, prefix, cache, commit, branch, *_ = output.split("\n")
    return _Head(root, prefix, cache, commit, branch.removeprefix(_BRANCH))


def _succeeded(output: str | GitError) -> str:
    if isinstance(output, GitError):
        raise output
    return output


def _commit(ref: str) -> str:
    try:
        return git_output(".", "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}").strip()
    except GitError as error:
        raise NoCheckout(f"unknown ref {ref!r} in this checkout; fetch it first") from error


def _settings(output: str | GitError) -> Sequence[Setting]:
    """Return git's settings on remotes in their order; a setting may have several values."""
    # "git config" fails when no setting matches.
    entries = output.split("\0") if isinstance(output, str) else ()
    pairs = (entry.partition("\n") for entry in entries if entry)
    return [(name, value) for name, _, value in pairs]


def _remote_url(settings: Sequence[Setting], named: str | None, of_branch: str | None) -> str | None:
    # git fetches from a remote's first URL, and only pushes to the others: the first value applies.
    urls = {name[7:-4]: value for name, value in reversed(settings) if name.startswith("remote.") and value}
    if named is not None and named not in urls:
        return _rewritten(named, settings)
    only = next(iter(urls)) if len(urls) == 1 else None
    chosen = next((choice for choice in (named, of_branch, "origin", only) if choice in urls), None)
    return _rewritten(urls[chosen], settings) if chosen else None


def _project_file(root: str) -> "ProjectFile | None":
    # A broken symbolic link is a mistake to report, too. Most repositories have no such file, and need no parser.
    if not os.path.lexists(f"{root}/{_PROJECT_FILE}"):
        return None
    from .project_file import read_project_file

    return read_project_file(root)


def _shared_remote(shared: "ProjectFile | None", settings: Mapping[str, str]) -> str | None:
    """Return the remote that the repository's own file names; not every clone has a remote of this name."""
    name = (shared.remote if shared else None) or ""
    return name if ":" in name or f"remote.{name}.url" in settings else None


def _rewritten(url: str, settings: Sequence[Setting]) -> str:
    """Apply git's ``url.BASE.insteadOf``: the longest matching prefix is replaced by BASE."""
    rules = [(value, name[4:-10]) for name, value in settings if name.startswith("url.") and value]
    short, base = max((rule for rule in rules if url.startswith(rule[0])), key=_prefix_length, default=("", ""))
    return base + url[len(short) :] if short else url


def _prefix_length(rule: tuple[str, str]) -> int:
    return len(rule[0])


def _is_pushed(unpushed: str) -> bool | None:
    if not unpushed:
        return True
    # A clone without remote branches proves nothing: its commit may be on the code host.
    return False if git_output(".", "for-each-ref", "--count=1", "refs/remotes") else None
