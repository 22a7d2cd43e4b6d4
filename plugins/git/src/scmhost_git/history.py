"""Read commits and their changed files from the output of ``git log``: a stream of fields that end in NUL."""

import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryFile
from threading import Event, Timer
from typing import IO, Final, Literal, cast

from scmhost.sdk import CommitDraft, FileChange, ProviderUnavailable

from . import git

SECONDS: Final = 25.0
"""The time limit of one reading, in seconds: less than the hook's budget, so that the error names the command."""

MAX_CHANGES: Final = 500_000
"""The most changed files in one result. The commits after them are returned without changes."""

_MAX_PATH: Final = 4_096
_MAX_ERROR_TEXT: Final = 500
_FORMAT: Final = "%H%x00%an%x00%ae%x00%aI%x00%B%x00"
_OPTIONS: Final = (
    "--topo-order",
    # With -z, names are not quoted, so that they may contain any byte.
    "--raw",
    "-z",
    # A merge shows only the files in which it differs from all of its parents.
    "-c",
    "--no-abbrev",
    # The contract has no renames: one is a deletion and an addition.
    "--no-renames",
    "--no-relative",
    "--no-color",
    "--no-ext-diff",
    "--no-show-signature",
    "--no-decorate",
    "--no-notes",
    "--encoding=UTF-8",
    f"--format=tformat:{_FORMAT}",
)
# The size of a pipe's buffer on Linux.
_BLOCK: Final = 1 << 16


def read_history(git_dir: Path, base: str | None, head: str, most: int) -> list[CommitDraft]:
    """Return at most ``most`` commits after a base up to a head, both full ids; children before parents.

    A renamed file is one deletion and one addition. A merge has changed the files in which it differs from all of its
    parents. Bytes that are not UTF-8 become replacement characters.

    Raises:
        ProviderUnavailable: git fails, or takes too long.
    """
    revisions = [head] if base is None else [head, f"^{base}"]
    with _stream(git_dir, "log", *_OPTIONS, f"--max-count={most}", "--end-of-options", *revisions, "--") as stream:
        return list(parse(iter(lambda: stream.read(_BLOCK), b"")))


def parse(blocks: Iterable[bytes], most_changes: int = MAX_CHANGES) -> Iterator[CommitDraft]:
    """Yield the commits in git's output, together with at most ``most_changes`` changed files."""
    fields = _fields(blocks)
    sha = next(fields, "")
    while sha:
        name, email, moment, message = (next(fields, "") for _ in range(4))
        changes, following = _changes(fields, most_changes)
        most_changes -= len(changes)
        yield CommitDraft(
            sha=sha,
            message=message.strip(),
            author_name=name or None,
            author_email=email or None,
            timestamp=_time(moment),
            changes=changes,
        )
        sha = following


@contextmanager
def _stream(git_dir: Path, *arguments: str) -> Iterator[IO[bytes]]:
    """Yield the output of a command; kill the command after the time limit."""
    timed_out = Event()
    # A file, because a pipe for errors could fill up while the output is read, and git would wait for ever.
    with TemporaryFile() as errors:
        process = git.start(git_dir, *arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors)

        def kill() -> None:
            timed_out.set()
            process.kill()

        # Reading from a pipe has no time limit of its own.
        timer = Timer(SECONDS, kill)
        timer.start()
        try:
            with process:
                yield cast("IO[bytes]", process.stdout)
        finally:
            timer.cancel()
        errors.seek(0)
        error_text = errors.read(_MAX_ERROR_TEXT).decode(errors="replace").strip()
    if timed_out.is_set():
        raise ProviderUnavailable(f"git {arguments[0]} took longer than {SECONDS:g} s")
    if process.returncode != 0:
        raise ProviderUnavailable(f"git {arguments[0]}: {error_text or f'ended with {process.returncode}'}")


def _fields(blocks: Iterable[bytes]) -> Iterator[str]:
    """Yield the fields of git's output."""
    rest = b""
    for block in blocks:
        *whole, rest = (rest + block).split(b"\0")
        for field in whole:
            yield field.decode(errors="replace")


def _changes(fields: Iterator[str], most: int) -> tuple[tuple[FileChange, ...], str]:
    """Return the changed files of a commit, and the field after them: the next commit's id, or an empty text."""
    changes: list[FileChange] = []
    for field in fields:
        entry = field.strip("\n")
        if entry.startswith(":"):
            path = next(fields, "")
            # The contract limits the length of a path.
            if 0 < len(path) <= _MAX_PATH and len(changes) < most:
                changes.append(FileChange(path=path, type=_type(entry)))
        elif entry:
            return tuple(changes), entry
    return tuple(changes), ""


def _type(entry: str) -> Literal["A", "M", "D"]:
    """Return added or deleted if that is so for all parents, else modified."""
    letters = set(entry.rpartition(" ")[2])
    if letters == {"A"}:
        return "A"
    return "D" if letters == {"D"} else "M"


def _time(moment: str) -> datetime | None:
    """Return the author's time, or None for an invalid date."""
    try:
        return datetime.fromisoformat(moment)
    except ValueError:
        return None
