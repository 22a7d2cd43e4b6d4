"""Compare files on disk with a commit: which line of the commit is a line on disk.

``git diff`` and ``git status`` would run the filters that a checkout names. Files are read here instead, and two
texts are compared outside of any repository.
"""

import os
import re
import stat
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from scmhost.sdk.git import git_command, git_environment

from .committed_files import MAX_COMPARED, CommittedFiles

# Without these options hunks that are close would be merged.
_DIFF: Final = (
    *("diff", "--no-index", "--text", "--no-color", "--no-ext-diff", "--no-textconv", "--no-renames"),
    *("--unified=0", "--inter-hunk-context=0", "--diff-algorithm=myers", "--", "old", "new"),
)
_SECONDS: Final = 20
_HUNK: Final = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
# Everything that a runtime or an editor may count as the end of a line.
_LINE_END: Final = re.compile(b"\r\n|[\n\r\x0b\x0c]|\xe2\x80[\xa8\xa9]")
_ODD_END: Final = re.compile(b"[\r\x0b\x0c]")
# Git LFS commits a pointer in place of the file.
_POINTER: Final = b"version https://git-lfs.github.com/spec/"


class Hunk(NamedTuple):
    """A change in a diff without context: which lines of the commit became which lines of the file."""

    old: int
    old_count: int
    new: int
    new_count: int


@dataclass(frozen=True, slots=True)
class CommittedLine:
    """A line's number in the commit. A changed line has the number of the first line that it replaced.

    Attributes:
        line: the number in the commit.
        changed: True if the line is not in the commit.
        last: the number of lines of the file, if the line is beyond its end.
    """

    line: int
    changed: bool = False
    last: int | None = None


class _Comparison(NamedTuple):
    """The changes of a file, and its number of lines, each None for a file that is not compared."""

    hunks: Sequence[Hunk] = ()
    old_lines: int | None = None
    new_lines: int | None = None

    def committed(self, line: int) -> CommittedLine:
        if self.new_lines is not None and line > self.new_lines:
            return CommittedLine(line, last=self.new_lines)
        found = committed_line(line, self.hunks)
        # A line that was added at the end has none that it replaced.
        is_added = self.old_lines is not None and found.line > self.old_lines
        return CommittedLine(self.old_lines or 0, changed=True) if is_added else found


class ChangedFiles:
    """Lines of a checkout's files, and their numbers in a commit. git runs at the first call.

    Args:
        root: the checkout's folder.
        commit: the commit.
        head: the commit that is checked out, for files that are not on disk.
    """

    def __init__(self, root: str, commit: str = "HEAD", head: str | None = None) -> None:
        self._root = root
        self._commit = commit
        self._head = head or commit
        self._files = CommittedFiles(root)
        self._comparisons: dict[tuple[str, str, bool], _Comparison] = {}

    def committed(self, path: str, line: int, *, old_path: str | None = None, on_disk: bool = True) -> CommittedLine:
        """Return the position that a line of a file has in the commit.

        ``old_path`` is the file's path in the commit, if it was renamed. Without ``on_disk`` the line is one of the
        commit that is checked out.
        """
        key = (path, old_path or path, on_disk)
        if key not in self._comparisons:
            self._comparisons[key] = self._compare(path, key[1], on_disk=on_disk)
        return self._comparisons[key].committed(line)

    def _compare(self, path: str, old_path: str, *, on_disk: bool) -> _Comparison:
        old = self._files.read(self._commit, old_path)
        new = read_regular_file(os.path.join(self._root, path)) if on_disk else None  # noqa: PTH118 - as in links
        if new is None:
            new = old if (self._head, path) == (self._commit, old_path) else self._files.read(self._head, path)
        # The contents of binary files, such as encrypted ones, have no lines.
        if old is None or new is None or b"\0" in old or b"\0" in new or old.startswith(_POINTER):
            return _Comparison()
        old, new = old.replace(b"\r\n", b"\n"), new.replace(b"\r\n", b"\n")
        return _Comparison(_hunks(old, new) if old != new else (), _line_count(old), _line_count(new))


def read_regular_file(path: str) -> bytes | None:
    """Return the contents of a file; None for pipes and devices, and for files that are large or cannot be read."""
    try:
        # Opening a named pipe would wait for a writer.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (OSError, ValueError):
        return None
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_COMPARED:
            return None
        return file.read(MAX_COMPARED)


def read_hunks(diff: Iterable[bytes]) -> tuple[Hunk, ...]:
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


def _count(digits: bytes | None) -> int:
    # Diffs leave a count of one out.
    return 1 if digits is None else int(digits)


def _line_count(text: bytes) -> int:
    ends = text.count(b"\n") if text.isascii() and not _ODD_END.search(text) else len(_LINE_END.findall(text))
    return ends + (text != b"" and not text.endswith(b"\n"))


def _hunks(old: bytes, new: bytes) -> tuple[Hunk, ...]:
    """Return the changes between two texts."""
    # Imported here: most files are unchanged.
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        for name, text in (("old", old), ("new", new)):
            with open(os.path.join(folder, name), "wb") as file:  # noqa: PTH118, PTH123 - as in links
                file.write(text)
        # No repository above the folder is searched, so that no configuration or attribute applies.
        environment = {**git_environment(), "GIT_CEILING_DIRECTORIES": os.path.dirname(os.path.realpath(folder))}  # noqa: PTH120 - as in links
        try:
            done = subprocess.run(  # noqa: S603 - a list, no shell
                git_command("-C", folder, *_DIFF),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
                env=environment,
                timeout=_SECONDS,
            )
        except subprocess.TimeoutExpired:
            return ()
    return read_hunks(done.stdout.split(b"\n"))
