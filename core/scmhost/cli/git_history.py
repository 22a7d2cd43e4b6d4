"""Read the history of a git repository with git itself, as a stream."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .git_process import fields_of, git, stream_of

_HEADER: Final = "%x01%H%x00%an%x00%ae%x00%aI%x00%B%x00"
_TYPES: Final = {"A": "A", "D": "D"}


@dataclass(frozen=True, slots=True)
class GitCommit:
    """A commit as git tells it."""

    sha: str
    author_name: str
    author_email: str
    timestamp: str
    message: str
    changes: tuple[tuple[str, str], ...]

    @property
    def size(self) -> int:
        """About how many characters its payload has."""
        return 250 + len(self.message) + sum(len(path) + 30 for _, path in self.changes)

    def payload(self, repository: str) -> dict[str, object]:
        """The commit in the form that the API takes."""
        return {
            "id": self.sha,
            "repository": repository,
            "message": self.message,
            "author_name": self.author_name[:128],
            "author_email": self.author_email,
            "timestamp": self.timestamp,
            "patch_set": [{"type": kind, "path": path} for kind, path in self.changes],
        }


def list_shas(path: Path, wanted: str) -> list[str]:
    """The commits of a range, oldest first, parents before children."""
    return git(path, "rev-list", "--topo-order", "--reverse", wanted, "--").split()


def read_history(path: Path, wanted: str) -> Iterator[GitCommit]:
    """The commits of a range with their changed files, in the order of ``list_shas``."""
    arguments = (
        "log",
        "--topo-order",
        "--reverse",
        "--raw",
        "-z",
        "--no-abbrev",
        "--no-renames",
        "--no-show-signature",
        f"--format={_HEADER}",
        wanted,
        "--",
    )
    with stream_of(path, *arguments) as stream:
        yield from _commits(fields_of(stream))


def _commits(fields: Iterator[str]) -> Iterator[GitCommit]:
    head = next(fields, "")
    while head:
        name, email, moment, body = (next(fields) for _ in range(4))
        changes, following = _changes(fields)
        yield GitCommit(head.lstrip("\n\x01"), name, email, moment, body.strip(), changes)
        head = following


def _changes(fields: Iterator[str]) -> tuple[tuple[tuple[str, str], ...], str]:
    """The changed files of a commit, and the field after them: the next commit's sha, or nothing."""
    changes: list[tuple[str, str]] = []
    for field in fields:
        entry = field.lstrip("\n")
        if entry.startswith(":"):
            changes.append((_TYPES.get(entry[-1], "M"), next(fields)))
        elif entry:
            return tuple(changes), entry
    return tuple(changes), ""
