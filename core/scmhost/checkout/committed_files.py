"""Read files of commits with one kept git process."""

import os
import select
import subprocess
import sys
from typing import IO, Final, cast
from weakref import finalize

from .git import start

MAX_COMPARED: Final = 8 << 20
"""The most bytes of a file that is read."""

_SECONDS: Final = 20
_BLOCK: Final = 1 << 16
# A partial clone ends the process at each file that it lacks.
_MAX_STARTS: Final = 16
_BLOB: Final = b"blob"


class _NoAnswerError(Exception):
    """The git process has ended, or does not answer."""


class CommittedFiles:
    """Reads files of commits of a repository. The process ends with this object."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._starts = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._rest = b""

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
