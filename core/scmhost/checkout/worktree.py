"""Read the state of a git checkout: its root, its commits, its files, its submodules and its remote."""

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from scmhost.infra.errors import ScmhostError

from .changed_files import read_regular_file
from .git import GitError, git_output, start_outputs
from .remotes import NAMES, TRACKING, PushedCommit, Remotes, Setting, find_pushed

if TYPE_CHECKING:
    from .project_file import ProjectFile

_SETTINGS: Final = ("config", "--null", "--get-regexp", NAMES)
_REFS: Final = ("for-each-ref", "--format=%(objectname) %(refname)", TRACKING)
_PROJECT_FILE: Final = ".scmhost.toml"
_BRANCH: Final = "refs/heads/"
# In one process: starting git takes longer than what it does here.
_HEAD: Final = (
    *("rev-parse", "--show-toplevel", "--show-prefix"),
    *("--git-path", "scmhost-pages.json", "--git-path", "FETCH_HEAD"),
    *("HEAD", "--symbolic-full-name", "HEAD"),
)
_SUBMODULE: Final = "160000 commit "
_FILE: Final = "100644 blob "


class NoCheckout(ScmhostError):
    """The working directory is not in a git checkout, or the checkout lacks the requested commit."""


class Submodule(NamedTuple):
    """A submodule: its path, and the commit of it that is recorded."""

    path: str
    sha: str


class Tree(NamedTuple):
    """The files and submodules of a commit."""

    files: Sequence[str]
    submodules: Sequence[Submodule]


class Checkout(NamedTuple):
    """A git checkout at one commit.

    Attributes:
        root: absolute path of its top folder.
        prefix: the working directory relative to the root, with a trailing slash, or "".
        commit: the full SHA of the commit that links lead to.
        files: the paths of all files of the commit that is checked out.
        cache: a file in the git folder for cached page URLs.
        remote: the URL that the checkout was cloned from, or None.
        kind: the kind of code host in git's setting ``scmhost.kind``, else in ``.scmhost.toml``.
        template: the URL template in git's setting ``scmhost.template``, else in ``.scmhost.toml``.
        pushed: True if a remote has the commit that is checked out; None if no remote branch is known.
        head: the commit that is checked out, or that a ref has selected.
        published: False if no remote has the commit or any ancestor of it.
        submodules: the submodules of the commit that is checked out.
        maps: the code mappings in ``.scmhost.toml``.
    """

    root: str
    prefix: str
    commit: str
    files: Sequence[str]
    cache: str
    remote: str | None = None
    kind: str | None = None
    template: str | None = None
    pushed: bool | None = None
    head: str = ""
    published: bool = True
    submodules: Sequence[Submodule] = ()
    maps: Sequence[tuple[str, str]] = ()

    @property
    def is_behind(self) -> bool:
        """True if links lead to an older commit than the one that is checked out."""
        return self.head != self.commit


def read_checkout(ref: str | None = None, remote: str | None = None) -> Checkout:
    """Read the checkout of the working directory.

    Links lead to the commit that is checked out, or to its nearest ancestor that is pushed. A ref selects another
    commit, pushed or not. ``remote`` is the name of a remote, or a URL. By default it is the first that has the commit
    of: the branch's remote, the remote that the branch is pushed to, ``origin``, ``upstream``, the others.

    Raises:
        NoCheckout: there is no checkout, it has no commit yet, or the ref is unknown.
    """
    return start_reading(ref).finish(remote)


def start_reading(ref: str | None = None) -> "RepositoryReading":
    """Start to read the checkout of the working directory, at a ref if one is given.

    Raises:
        NoCheckout: the ref is unknown.
    """
    return RepositoryReading(".") if ref is None else RepositoryReading(".", _commit(ref), exact=True)


class RepositoryReading:
    """Reads the checkout that contains a folder: git starts at once, and ``finish`` waits for it.

    Args:
        folder: the folder.
        start: the commit whose files are read.
        exact: whether links lead to this commit itself.
    """

    def __init__(self, folder: str, start: str = "HEAD", *, exact: bool = False) -> None:
        self._folder = folder
        self._start = start
        self._exact = exact
        # One after the other, these would double the time of a short run.
        self._outputs = start_outputs(folder, _HEAD, _SETTINGS, tree_command(start), _REFS)

    def finish(self, remote: str | None = None) -> Checkout:
        """Return the checkout. ``remote`` is the name of a remote, or a URL.

        Raises:
            NoCheckout: there is no checkout, or it has no commit yet.
            GitError: git cannot read the repository.
        """
        outputs = self._outputs()
        head = _head(outputs[0])
        entries = _settings(outputs[1])
        # The last value of a setting applies, as in git.
        settings = dict(entries)
        shared = _project_file(head.root)
        tips = {ref: tip for tip, _, ref in (line.partition(" ") for line in _succeeded(outputs[3]).splitlines())}
        named = remote or settings.get("scmhost.remote") or _shared_remote(shared, settings)
        remotes = Remotes(entries, head.branch, named, tips)
        pushed = self._pushed(head, remotes)
        tree = read_tree(_succeeded(outputs[2]))
        sha = self._sha(head)
        return Checkout(
            head.root,
            head.prefix,
            pushed.sha or sha,
            tree.files,
            os.path.join(self._folder, head.cache),  # noqa: PTH118 - as in links
            remotes.url(pushed.remote),
            settings.get("scmhost.kind") or (shared.kind if shared else None),
            settings.get("scmhost.template") or (shared.template if shared else None),
            pushed.pushed,
            sha,
            pushed.sha is not None,
            tree.submodules,
            shared.maps if shared else (),
        )

    def _sha(self, head: "_Head") -> str:
        return head.commit if self._start == "HEAD" else self._start

    def _pushed(self, head: "_Head", remotes: Remotes) -> PushedCommit:
        sha = self._sha(head)
        pushed = find_pushed(self._folder, sha, remotes, exact=self._exact)
        if pushed.pushed is False and _is_fetched(self._folder, head.fetched, sha):
            return PushedCommit(sha, pushed.remote, pushed=None)
        return pushed


def tree_command(commit: str) -> tuple[str, ...]:
    """Return the git command that lists the files and submodules of a commit."""
    return ("ls-tree", "-r", "-z", "--full-tree", commit)


def read_tree(listing: str) -> Tree:
    """Return the files and submodules in the output of ``tree_command``."""
    entries = listing.split("\0")[:-1]
    if not entries:
        return Tree((), ())
    # Every entry begins with a mode of six digits, its type, and an id; slices are faster than a search in each entry.
    size = entries[0].index("\t") - len(_SUBMODULE if entries[0].startswith(_SUBMODULE) else _FILE)
    start, id_end = len(_FILE) + size + 1, len(_SUBMODULE) + size
    if _SUBMODULE not in listing:
        return Tree([entry[start:] for entry in entries], ())
    files = [entry[start:] for entry in entries if not entry.startswith(_SUBMODULE)]
    modules = [entry for entry in entries if entry.startswith(_SUBMODULE)]
    return Tree(files, [Submodule(entry[id_end + 1 :], entry[len(_SUBMODULE) : id_end]) for entry in modules])


class _Head(NamedTuple):
    root: str
    prefix: str
    cache: str
    fetched: str
    commit: str
    branch: str


def _head(output: str | GitError) -> _Head:
    if isinstance(output, GitError):
        message = str(output)
        if "not a git repository" in message:
            raise NoCheckout(
                "this folder is not in a git checkout; change into one, or select a project with scmhost link --org ORG"
                " --project PROJECT"
            ) from output
        if "bare repository" in message or "in a work tree" in message:
            raise NoCheckout("this folder is a bare git repository, and not a checkout; change into one") from output
        if "'HEAD'" in message:
            raise NoCheckout("this checkout has no commit yet") from output
        raise output
    root, prefix, cache, fetched, commit, branch, *_ = output.split("\n")
    return _Head(root, prefix, cache, fetched, commit, branch.removeprefix(_BRANCH))


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


def _is_fetched(folder: str, file: str, sha: str) -> bool:
    """Return whether the last fetch brought a commit: CI systems fetch commits without a ref."""
    fetched = read_regular_file(os.path.join(folder, file))  # noqa: PTH118 - as in links
    return fetched is not None and any(line.startswith(sha.encode()) for line in fetched.splitlines())
