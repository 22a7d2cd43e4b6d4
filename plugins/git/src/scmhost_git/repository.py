"""Answers about one repository: whether a file exists, what a ref refers to, which commits are between two refs."""

import re
from pathlib import Path
from typing import Final, NamedTuple

from scmhost.sdk import (
    CommitPage,
    Existence,
    Installation,
    Location,
    ProviderError,
    ProviderUnavailable,
    RefKind,
    Repository,
    ResolvedRef,
    looks_like_commit,
    ref_problem,
)

from . import git
from .borders import problem_outside
from .folders import find
from .forms import GitSettings
from .history import read_history
from .object_lookup import GitObject, ObjectLookup

LOOKUP: Final = ObjectLookup()
"""The git processes of this plugin. ``scm_shutdown`` ends them."""

# Git would read the first as two names, and the second as the short id of a commit.
_NOT_A_NAME: Final = re.compile(r"\n|-g[0-9a-fA-F]+\Z")
# A partial clone has the names of files without their content. Git ends when such a file is looked up.
_PARTIAL: Final = re.compile(r"partialclone|promisor", re.IGNORECASE)
_REPLACEMENT: Final = "\ufffd"

# The refs of the code host come first. A checkout has them under the name of its remote.
_REMOTE: Final = "refs/remotes/origin/"
_BRANCH: Final = "refs/heads/"
_HEADS: Final = (_REMOTE + "HEAD", "HEAD")
_SYMBOLIC: Final = "ref: "
_COMMIT_ID: Final = re.compile(r"[0-9a-f]{4,64}", re.IGNORECASE)
_NAMESPACES: Final[dict[RefKind, tuple[str, ...]]] = {"tag": ("refs/tags/",), "branch": (_REMOTE, _BRANCH)}


class RefName(NamedTuple):
    """A possible meaning of a ref: its kind, and git's full name for it."""

    kind: RefKind
    full: str


def git_dir_for(installation: Installation, repository: Repository, settings: GitSettings) -> Path:
    """Return the directory of git's data of a repository.

    Raises:
        ProviderUnavailable: the repository is not below the folder of the organization, or reaches outside of it.
    """
    folder = settings.folder_of(installation.organization_id)
    path = str(repository.configuration.get("path") or repository.name)
    found = find(folder, path) if folder else None
    if found is None:
        raise ProviderUnavailable(f"there is no git repository {path!r} below the operator's folder")
    assert folder is not None  # noqa: S101 - found is below it
    problem = problem_outside(found.git_dir, folder)
    if problem:
        raise ProviderUnavailable(f"the git repository {path!r} is refused: {problem}")
    return found.git_dir


def file_exists(git_dir: Path, location: Location, settings: GitSettings) -> Existence:
    """Return whether a file exists in a repository at a ref; unknown for a ref that was not fetched yet."""
    path = location.path if is_path(location.path) else ""
    by_name = not _NOT_A_NAME.search(path) and not _is_partial(git_dir)
    commit, kind = _look_up_path(git_dir, location, path if by_name else "", settings)
    if commit is None:
        return Existence.UNKNOWN
    if path and not by_name:
        kind = _kind_in_tree(git_dir, commit, path)
    if kind == "blob":
        return Existence.YES
    # The bytes of a name that is not UTF-8 were replaced before the path came here.
    return Existence.UNKNOWN if _REPLACEMENT in path else Existence.NO


def resolve_ref(git_dir: Path, ref: str | None, settings: GitSettings) -> ResolvedRef | None:
    """Return the kind and the commit of a ref, by default of the default branch; None if it does not exist."""
    is_default = ref is None or ref == "HEAD"
    name = default_branch(git_dir) if is_default else ref
    if name is None:
        return None
    names = ref_names(name, "branch" if is_default else None)
    objects = _look_up(git_dir, [f"{item.full}^{{commit}}" for item in names], settings)
    for item, commit in zip(names, objects, strict=True):
        if commit is not None:
            return ResolvedRef(name=commit.id if item.kind == "commit" else name, kind=item.kind, sha=commit.id)
    return None


def compare_commits(git_dir: Path, base: str | None, head: str, settings: GitSettings) -> CommitPage:
    """Return the commits after a base up to a head; without a base, the newest ``first_commits``.

    Raises:
        ProviderError: the repository has no such base or head.
    """
    base_sha = None if base is None else _commit(git_dir, "base", base, settings)
    head_sha = _commit(git_dir, "head", head, settings)
    if base is None:
        # The whole history would be the commits of the first release: nothing is missing.
        return CommitPage(commits=tuple(read_history(git_dir, None, head_sha, settings.first_commits)))
    most = settings.most_commits
    commits = tuple(read_history(git_dir, base_sha, head_sha, most + 1))
    return CommitPage(commits=commits[:most], unlisted=len(commits[most:]))


def ref_names(ref: str, kind: RefKind | None) -> list[RefName]:
    """Return the possible meanings of a ref, the most likely first; none for an invalid name.

    ``kind`` may be a guess from the form of the ref, so that the other kinds follow it. As in git, a name takes
    precedence over the beginning of a commit's id.
    """
    if ref_problem(ref):
        return []
    if ref == "HEAD":
        return [RefName("branch", head) for head in _HEADS]
    commit = [RefName("commit", ref)] if _COMMIT_ID.fullmatch(ref) else []
    # A branch may be named like a commit, but git resolves a full id first.
    if looks_like_commit(ref):
        return commit
    kinds = sorted(_NAMESPACES, key=lambda name: name != kind)
    return [*(RefName(name, namespace + ref) for name in kinds for namespace in _NAMESPACES[name]), *commit]


def default_branch(git_dir: Path) -> str | None:
    """Return the branch of the repository's HEAD, in a checkout of its remote's HEAD; None if it is on no branch."""
    for head in _HEADS:
        full = _symbolic_ref(git_dir / head)
        for namespace in (_REMOTE, _BRANCH):
            if full.startswith(namespace) and ref_problem(full.removeprefix(namespace)) is None:
                return full.removeprefix(namespace)
    return None


def _symbolic_ref(file: Path) -> str:
    """Return the ref in the file of a symbolic ref; empty for any other file."""
    try:
        # The loose file is read without a process: offers need it for thousands of repositories.
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
    return text.removeprefix(_SYMBOLIC).strip() if text.startswith(_SYMBOLIC) else ""


def _commit(git_dir: Path, role: str, ref: str, settings: GitSettings) -> str:
    found = resolve_ref(git_dir, ref, settings)
    if found is None:
        raise ProviderError(
            f"the repository has no commit, tag or branch {ref!r} (the {role}); is the clone fetched, and not shallow?"
        )
    return found.sha


def _look_up_path(git_dir: Path, location: Location, path: str, settings: GitSettings) -> tuple[str | None, str | None]:
    """Return the commit of a location's ref, and the kind of object at a path in it, each None if it does not exist."""
    names = [
        name
        for item in ref_names(location.ref, location.ref_kind)
        for name in (f"{item.full}^{{commit}}", f"{item.full}:{path}")
    ]
    objects = _look_up(git_dir, names, settings)
    for commit, at_path in zip(objects[::2], objects[1::2], strict=True):
        if commit is not None:
            return commit.id, at_path.kind if at_path else None
    return None, None


def _look_up(git_dir: Path, names: list[str], settings: GitSettings) -> list[GitObject | None]:
    return LOOKUP.look_up(git_dir, [name.encode() for name in names], settings.processes)


def is_path(path: str) -> bool:
    """Return whether a file of a repository may have this path."""
    return "\0" not in path and not {"", ".", ".."} & set(path.split("/"))


def _is_partial(git_dir: Path) -> bool:
    """Return whether the configuration has one of the words; a false match only makes lookups slower."""
    try:
        return _PARTIAL.search((git_dir / "config").read_text(encoding="utf-8", errors="replace")) is not None
    except OSError:
        return False


def _kind_in_tree(git_dir: Path, commit: str, path: str) -> str | None:
    """Return the kind of object at a path, read from the folder that contains it."""
    listing = git.output(git_dir, "ls-tree", "-z", "--full-tree", commit, "--", path)
    if listing is None:
        raise ProviderUnavailable("git cannot read the folders of this commit")
    return next((entry.split(b" ")[1].decode() for entry in listing.split(b"\0") if entry), None)
