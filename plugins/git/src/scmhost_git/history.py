"""Read commits and the files that they changed, as git prints them: a stream of fields that end in NUL."""

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
"""How long reading may take: less than the contract's budget, so that a person reads a sentence of ours."""

MOST_CHANGES: Final = 500_000
"""How many changed files the commits of one answer have together; of those that follow only the commits are told."""

_LONGEST_PATH: Final = 4_096
_LONGEST_FAULT: Final = 500
_FORMAT: Final = "%H%x00%an%x00%ae%x00%aI%x00%B%x00"
_OPTIONS: Final = (
    "--topo-order",
    "--raw",
    "-z",
    "-c",
    "--no-abbrev",
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
_BLOCK: Final = 1 << 16


def read_history(git_dir: Path, base: str | None, head: str, most: int) -> list[CommitDraft]:
    """The commits after a base up to a head, both whole shas; children before parents, at most so many.

    A file that was renamed is one deleted and one added. A merge changed the files in which it differs from all of its
    parents. What is not UTF-8 is shown with replacement characters.

    Raises:
        ProviderUnavailable: git refuses, or takes too long.
    """
    wanted = [head] if base is None else [head, f"^{base}"]
    with _stream(git_dir, "log", *_OPTIONS, f"--max-count={most}", "--end-of-options", *wanted, "--") as stream:
        return list(parse(iter(lambda: stream.read(_BLOCK), b"")))


def parse(blocks: Iterable[bytes], most_changes: int = MOST_CHANGES) -> Iterator[CommitDraft]:
    """The commits in git's answer, and of the files that they changed together at most so many."""
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
    """What a command prints, until it is over or its time is."""
    late = Event()
    with TemporaryFile() as faults:
        process = git.start(git_dir, *arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=faults)

        def end() -> None:
            late.set()
            process.kill()

        timer = Timer(SECONDS, end)
        timer.start()
        try:
            with process:
                yield cast("IO[bytes]", process.stdout)
        finally:
            timer.cancel()
        faults.seek(0)
        told = faults.read(_LONGEST_FAULT).decode(errors="replace").strip()
    if late.is_set():
        raise ProviderUnavailable(f"git {arguments[0]} took longer than {SECONDS:g} s")
    if process.returncode != 0:
        raise ProviderUnavailable(f"git {arguments[0]}: {told or f'ended with {process.returncode}'}")


def _fields(blocks: Iterable[bytes]) -> Iterator[str]:
    """The fields of git's answer."""
    rest = b""
    for block in blocks:
        *whole, rest = (rest + block).split(b"\0")
        for field in whole:
            yield field.decode(errors="replace")


def _changes(fields: Iterator[str], most: int) -> tuple[tuple[FileChange, ...], str]:
    """The changed files of a commit, and the field after them: the next commit's sha, or nothing."""
    changes: list[FileChange] = []
    for field in fields:
        entry = field.strip("\n")
        if entry.startswith(":"):
            path = next(fields, "")
            # The contract has no room for a longer path, and no link leads to one.
            if 0 < len(path) <= _LONGEST_PATH and len(changes) < most:
                changes.append(FileChange(path=path, type=_type(entry)))
        elif entry:
            return tuple(changes), entry
    return tuple(changes), ""


def _type(entry: str) -> Literal["A", "M", "D"]:
    """Added or deleted where all parents say so; modified where they say different things."""
    letters = set(entry.rpartition(" ")[2])
    if letters == {"A"}:
        return "A"
    return "D" if letters == {"D"} else "M"


def _time(moment: str) -> datetime | None:
    """When the author wrote it; a time that no calendar has is none."""
    try:
        return datetime.fromisoformat(moment)
    except ValueError:
        return None
