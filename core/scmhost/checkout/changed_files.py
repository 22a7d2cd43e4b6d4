"""Compare files on disk with a commit: which line of the commit is a line on disk.

``git diff`` and ``git status`` would run the filters that a checkout names. Files are read here instead, and two
texts are compared outside of any repository.
"""

import os
import re
import select
import stat
import subprocess
import sys
from collections.abc import Iterable, Sequence
from typing import IO, Final, NamedTuple, cast
from weakref import finalize

from scmhost.sdk.git import git_command, git_environment

from .git import start

# Without these options hunks that are close would be merged.
_DIFF: Final = (
    *("diff", "--no-index", "--text", "--no-color", "--no-ext-diff", "--no-textconv", "--no-renames"),
    *("--unified=0", "--inter-hunk-context=0", "--diff-algorithm=myers", "--", "old", "new"),
)
MAX_COMPARED: Final = 8 << 20
"""The most bytes of a file that is compared."""

_SECONDS: Final = 20
_BLOCK: Final = 1 << 16
# A partial clone ends the process that reads its files at each one that it lacks.
_MAX_STARTS: Final = 16
_BLOB: Final = b"blob"
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


class CommittedLine(NamedTuple):
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


class _NoAnswerError(Exception):
    """The git process has ended, or does not answer."""


class CommittedFiles:
    """Reads files of commits of a repository. The process ends with this object."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._starts = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._rest = b""

    def start(self) -> None:
        """Start the process, so that the first file need not wait for it."""
        self._running()

    def read(self, commit: str, path: str) -> bytes | None:
        """Return the contents of a file; None if it is missing, too large, or no file."""
        # The process reads one name per line.
        if "\n" in path:
            return None
        process = self._running()
        if process is None:
            return None
        try:
            return self._ask(process, f"{commit}:{path}".encode(errors="surrogateescape"))
        except (OSError, _NoAnswerError):
            process.kill()
            self._process = None
            return None

    def _running(self) -> "subprocess.Popen[bytes] | None":
        if self._process is None and self._starts < _MAX_STARTS:
            self._starts += 1
            self._rest = b""
            self._process = start(self._root, "cat-file", "--batch", stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
            finalize(self, _end, self._process)
        return self._process

    def _ask(self, process: "subprocess.Popen[bytes]", name: bytes) -> bytes | None:
        stdin = cast("IO[bytes]", process.stdin)
        stdin.write(name + b"\n")
        stdin.flush()
        while b"\n" not in self._rest:
            self._rest += self._block(process)
        head, _, self._rest = self._rest.partition(b"\n")
        words = head.rsplit(b" ", 2)
        # An object that does not exist has no size.
        if len(words) < 3 or not words[2].isdigit():  # noqa: PLR2004 - id, kind and size
            return None
        size = int(words[2])
        contents = self._exactly(process, size + 1, keep=size <= MAX_COMPARED)
        return contents[:-1] if words[1] == _BLOB and size <= MAX_COMPARED else None

    def _exactly(self, process: "subprocess.Popen[bytes]", size: int, *, keep: bool) -> bytes:
        """Read so many bytes, and return them if they are to be kept."""
        blocks, left = [], size
        block = self._rest
        while left > len(block):
            left -= len(block)
            if keep:
                blocks.append(block)
            block = self._block(process)
        self._rest = block[left:]
        return b"".join([*blocks, block[:left]])

    def _block(self, process: "subprocess.Popen[bytes]") -> bytes:
        descriptor = cast("IO[bytes]", process.stdout).fileno()
        # A named pipe in place of an object would block git; Windows has none, and cannot wait for pipes.
        if sys.platform != "win32" and not select.select([descriptor], [], [], _SECONDS)[0]:
            raise _NoAnswerError
        block = os.read(descriptor, _BLOCK)
        if not block:
            raise _NoAnswerError
        return block


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe:
            try:
                pipe.close()
            except OSError:
                # What is left in the buffer has no reader.
                continue


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

    def start(self) -> None:
        """Start git, so that the first call need not wait for it."""
        self._files.start()

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
