"""What the repositories of an operator's folder can be asked."""

import re
from pathlib import Path
from typing import Final

from scmhost.sdk import (
    CommitDraft,
    Existence,
    Installation,
    Location,
    ProviderError,
    ProviderUnavailable,
    Repository,
    ResolvedRef,
)

from .folders import find
from .forms import Settings
from .git import answer
from .history import read_history
from .questions import Object, Questions
from .refs import default_branch, spellings

QUESTIONS: Final = Questions()
"""The processes of git that answer questions; the service ends them when it ends."""

# git would read the first as two questions, and the second as the short id of a commit.
_NOT_A_NAME: Final = re.compile(r"\n|-g[0-9a-fA-F]+\Z")
# Partly cloned, a repository knows names of files whose content it does not have, and git ends when asked for one.
_PARTIAL: Final = re.compile(r"partialclone|promisor", re.IGNORECASE)
_REPLACEMENT: Final = "\ufffd"


def git_dir_for(installation: Installation, repository: Repository, settings: Settings) -> Path:
    """Where git keeps the data of a repository.

    Raises:
        ProviderUnavailable: it is not, or no longer, below the folder of the organization.
    """
    folder = settings.folder_of(installation.organization_id)
    path = str(repository.configuration.get("path") or repository.name)
    found = find(folder, path) if folder else None
    if found is None:
        raise ProviderUnavailable(f"there is no git repository {path!r} below the operator's folder")
    return found.git_dir


def file_exists(git_dir: Path, location: Location, settings: Settings) -> Existence:
    """Whether a file stands in a repository at a ref. What the clone does not have yet, nobody knows."""
    path = location.path if _is_path(location.path) else ""
    by_name = not _NOT_A_NAME.search(path) and not _is_partial(git_dir)
    commit, kind = _look_up(git_dir, location, path if by_name else "", settings)
    if commit is None:
        return Existence.UNKNOWN
    if path and not by_name:
        kind = _kind_in_tree(git_dir, commit, path)
    if kind == "blob":
        return Existence.YES
    # A name that is not UTF-8 came here with its bytes replaced.
    return Existence.UNKNOWN if _REPLACEMENT in path else Existence.NO


def resolve(git_dir: Path, ref: str | None, settings: Settings) -> ResolvedRef | None:
    """What a ref is and at which commit it stands; without one, the default branch."""
    is_default = ref is None or ref == "HEAD"
    name = default_branch(git_dir) if is_default else ref
    if name is None:
        return None
    kinds = spellings(name, "branch" if is_default else None)
    objects = _ask(git_dir, [f"{spelling.full}^{{commit}}" for spelling in kinds], settings)
    for spelling, found in zip(kinds, objects, strict=True):
        if found is not None:
            return ResolvedRef(name=found.id if spelling.kind == "commit" else name, kind=spelling.kind, sha=found.id)
    return None


def compare(git_dir: Path, base: str | None, head: str, settings: Settings) -> list[CommitDraft]:
    """The commits after a base up to a head; without a base, the first few.

    Raises:
        ProviderError: the repository has no such base or head.
    """
    base_sha = None if base is None else _commit(git_dir, "base", base, settings)
    most = settings.first_commits if base is None else settings.most_commits
    return read_history(git_dir, base_sha, _commit(git_dir, "head", head, settings), most)


def _commit(git_dir: Path, role: str, ref: str, settings: Settings) -> str:
    found = resolve(git_dir, ref, settings)
    if found is None:
        raise ProviderError(
            f"the repository has no commit, tag or branch {ref!r} (the {role}); is the clone fetched, and not shallow?"
        )
    return found.sha


def _look_up(git_dir: Path, location: Location, path: str, settings: Settings) -> tuple[str | None, str | None]:
    """The commit that a location's ref stands at, and the kind of what stands at a path in it."""
    kinds = spellings(location.ref, location.ref_kind)
    names = [name for spelling in kinds for name in (f"{spelling.full}^{{commit}}", f"{spelling.full}:{path}")]
    objects = _ask(git_dir, names, settings)
    for commit, there in zip(objects[::2], objects[1::2], strict=True):
        if commit is not None:
            return commit.id, there.kind if there else None
    return None, None


def _ask(git_dir: Path, names: list[str], settings: Settings) -> list[Object | None]:
    return QUESTIONS.ask(git_dir, [name.encode() for name in names], settings.processes)


def _is_path(path: str) -> bool:
    """Whether a file of a repository may have this path."""
    return "\0" not in path and not {"", ".", ".."} & set(path.split("/"))


def _is_partial(git_dir: Path) -> bool:
    """Whether the configuration says so; the word in another place only makes the answers slower."""
    try:
        return _PARTIAL.search((git_dir / "config").read_text(encoding="utf-8", errors="replace")) is not None
    except OSError:
        return False


def _kind_in_tree(git_dir: Path, commit: str, path: str) -> str | None:
    """The kind of what stands at a path, read from the folder that holds it."""
    told = answer(git_dir, "ls-tree", "-z", "--full-tree", commit, "--", path)
    if told is None:
        raise ProviderUnavailable("git cannot read the folders of this commit")
    return next((entry.split(b" ")[1].decode() for entry in told.split(b"\0") if entry), None)
