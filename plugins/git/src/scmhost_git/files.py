"""Read a file of a commit, and find the commits that last changed its lines."""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

from scmhost.sdk import MAX_FILE_BYTES, BlamedLine, FileTooLarge, ProviderError, ProviderUnavailable

from . import git
from .forms import GitSettings
from .repository import is_path, resolve_ref

BLAME_SECONDS: Final = 8.0
"""The time limit of one ``git blame``, in seconds: less than the hook's budget."""

MAX_PATH: Final = 4_096
"""The most characters of a path, as in the contract."""

_READ_SECONDS: Final = 1.0
_FILE_MODES: Final = frozenset({b"100644", b"100755", b"100664"})
_ENTRY: Final = re.compile(rb"(\d+) (\w+) ([0-9a-f]+) +(\d+|-)\t")
_BLAMED: Final = re.compile(r"([0-9a-f]{40,64}) (\d+) (\d+)")
_ESCAPED: Final = re.compile(rb"\\([0-7]{3}|.)")
_LETTERS: Final = {b"a": b"\a", b"b": b"\b", b"t": b"\t", b"n": b"\n", b"v": b"\v", b"f": b"\f", b"r": b"\r"}
_ZONE: Final = re.compile(r"([+-])(\d\d)(\d\d)")


class FileEntry(NamedTuple):
    """A file in the tree of a commit: the full id of the commit, the id of its content, and its size in bytes."""

    commit: str
    blob: str
    size: int


def read_file(git_dir: Path, ref: str, path: str, settings: GitSettings) -> bytes | None:
    """Return the content of a file at a ref; None if there is none. Symbolic links and submodules are no files.

    Raises:
        FileTooLarge: the file is larger than ``MAX_FILE_BYTES``.
        ProviderError: the clone does not have its content.
    """
    entry = _find_entry(git_dir, ref, path, settings)
    return _content(git_dir, entry) if entry else None


def blame_lines(git_dir: Path, ref: str, path: str, lines: Sequence[int], settings: GitSettings) -> list[BlamedLine]:
    """Return the commits that last changed lines of a file, by line; empty if there is no such file.

    Git follows the file through renames.

    Raises:
        FileTooLarge: the file is larger than ``MAX_FILE_BYTES``.
        ProviderError: the clone does not have its content.
        ProviderUnavailable: git takes too long.
    """
    entry = _find_entry(git_dir, ref, path, settings)
    # Git refuses a range that begins after the last line.
    last = _line_count(_content(git_dir, entry)) if entry and lines else 0
    ranges = [f"-L{first},{end}" for first, end in merge_lines([line for line in lines if 1 <= line <= last])]
    if entry is None or not ranges:
        return []
    # Without text conversion: it is a program that the repository's configuration names.
    options = ("--porcelain", "--no-textconv", "--encoding=UTF-8", *ranges)
    printed = git.output(git_dir, "blame", *options, entry.commit, "--", _argument(path), seconds=BLAME_SECONDS)
    if printed is None:
        raise ProviderUnavailable("git cannot read the history of this file; is the clone complete?")
    return list(parse_blame(printed, path))


def merge_lines(lines: Iterable[int]) -> list[tuple[int, int]]:
    """Return the ranges of lines, first and last, that together have exactly the given lines."""
    ordered = sorted(set(lines))
    # A range ends where the next line does not follow.
    gaps = [at + 1 for at, (line, following) in enumerate(pairwise(ordered)) if following != line + 1]
    return [(ordered[start], ordered[end - 1]) for start, end in pairwise([0, *gaps, len(ordered)]) if ordered]


def parse_blame(printed: bytes, path: str) -> Iterator[BlamedLine]:
    """Yield the lines of the output of ``git blame --porcelain`` for a file with this path."""
    # The facts of a commit come only before its first line.
    commits: dict[str, dict[str, str]] = {}
    sha = original = line = ""
    for row in printed.split(b"\n"):
        text = row.decode(errors="replace")
        if row.startswith(b"\t"):
            yield _blamed_line(sha, int(line), int(original), commits[sha], path)
        elif blamed := _BLAMED.match(text):
            sha, original, line = blamed.groups()
            commits.setdefault(sha, {})
        elif sha:
            key, _, value = text.partition(" ")
            commits[sha][key] = _unquoted(row[len("filename ") :]) if key == "filename" else value


def _blamed_line(sha: str, line: int, original: int, facts: dict[str, str], path: str) -> BlamedLine:
    original_path = facts.get("filename", path)
    return BlamedLine(
        line=line,
        sha=sha,
        author_name=facts.get("author") or None,
        author_email=facts.get("author-mail", "").removeprefix("<").removesuffix(">") or None,
        timestamp=_moment(facts.get("author-time", ""), facts.get("author-tz", "")),
        original_path=None if original_path == path or len(original_path) > MAX_PATH else original_path,
        original_line=original,
    )


def _find_entry(git_dir: Path, ref: str, path: str, settings: GitSettings) -> FileEntry | None:
    """Return the file at a path. Git follows no symbolic link here, so that no path leads out of the repository."""
    found = resolve_ref(git_dir, ref, settings) if is_path(path) and len(path) <= MAX_PATH else None
    if found is None:
        return None
    try:
        argument = _argument(path)
    except UnicodeEncodeError:
        return None
    listing = git.output(
        git_dir, "ls-tree", "-z", "--long", "--full-tree", found.sha, "--", argument, seconds=_READ_SECONDS
    )
    if listing is None:
        raise ProviderError("git cannot read this file; a partial clone lacks the files that nobody has fetched")
    entry = _ENTRY.match(listing)
    if entry is None or entry[1] not in _FILE_MODES:
        return None
    return FileEntry(found.sha, entry[3].decode(), int(entry[4]))


def _content(git_dir: Path, entry: FileEntry) -> bytes:
    """Return the content of a file. The size is known before anything is read."""
    if entry.size > MAX_FILE_BYTES:
        raise FileTooLarge(f"the file has {entry.size:,} bytes; at most {MAX_FILE_BYTES:,} are read")
    # The object itself, so that no filter of the repository runs.
    content = git.output(git_dir, "cat-file", "blob", entry.blob, seconds=_READ_SECONDS)
    if content is None:
        raise ProviderError("git cannot read this file; a partial clone lacks the files that nobody has fetched")
    return content


def _argument(path: str) -> str:
    """Return a path so that git gets it as UTF-8 in any locale."""
    return os.fsdecode(path.encode())


def _line_count(content: bytes) -> int:
    # As git counts: the last line need not end.
    return content.count(b"\n") + (not content.endswith(b"\n") and content != b"")


def _unquoted(name: bytes) -> str:
    """Return the path that git quotes if it has quotes, backslashes or control characters."""
    if name.startswith(b'"') and name.endswith(b'"'):
        name = _ESCAPED.sub(_unescaped, name[1:-1])
    return name.decode(errors="replace")


def _unescaped(escaped: "re.Match[bytes]") -> bytes:
    code = escaped[1]
    # Three octal digits may be more than a byte, which git never writes.
    return bytes([int(code, 8) & 0xFF]) if code.isdigit() else _LETTERS.get(code, code)


def _moment(seconds: str, zone: str) -> datetime | None:
    """Return the author's time, or None for an invalid date."""
    offset = _ZONE.fullmatch(zone)
    if offset is None:
        return None
    minutes = int(offset[2]) * 60 + int(offset[3])
    try:
        at = timezone(timedelta(minutes=-minutes if offset[1] == "-" else minutes))
        return datetime.fromtimestamp(int(seconds), UTC).astimezone(at)
    except (ValueError, OverflowError, OSError):
        return None
