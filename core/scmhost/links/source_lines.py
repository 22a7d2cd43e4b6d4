"""Cut the lines around a frame's line out of the content of a file. No I/O."""

import codecs
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

MAX_MARGIN: Final = 10
"""The most lines on each side of a frame's line."""

MAX_LINE_CHARACTERS: Final = 500
"""The most characters of a line; the rest of a longer one is cut off."""

_NUL: Final = "\0"
# UTF-32 comes first: its mark begins with that of UTF-16.
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class NoLines(StrEnum):
    """Why a link has no source lines. A closed list: clients compare these values."""

    NOT_SUPPORTED = "not_supported"
    NO_LINE = "no_line"
    LINE_NOT_FOUND = "line_not_found"
    FILE_NOT_FOUND = "file_not_found"
    FILE_TOO_LARGE = "file_too_large"
    BINARY_FILE = "binary_file"
    FORBIDDEN = "forbidden"
    PROVIDER_FAILED = "provider_failed"
    LIMIT_REACHED = "limit_reached"


MESSAGES: Final[Mapping[NoLines, str]] = MappingProxyType(
    {
        NoLines.NOT_SUPPORTED: "The repository's provider cannot read files.",
        NoLines.NO_LINE: "The frame has no line number.",
        NoLines.LINE_NOT_FOUND: "The file has fewer lines at this ref.",
        NoLines.FILE_NOT_FOUND: "The code host has no such file at this ref.",
        NoLines.FILE_TOO_LARGE: "The file is too large to be read.",
        NoLines.BINARY_FILE: "The file is not text.",
        NoLines.FORBIDDEN: "The code host refuses access to the file.",
        NoLines.PROVIDER_FAILED: "The provider failed, or the code host did not answer. Try again later.",
        NoLines.LIMIT_REACHED: "Not read: the request has too many frames, or reading took too long.",
    }
)
"""A sentence for each reason."""


@dataclass(frozen=True, slots=True)
class SourceLines:
    """Consecutive lines of a file, without line ends.

    Attributes:
        start: the number of the first one, from 1.
        lines: the lines; never empty.
        truncated: whether the rest of a long line was cut off.
    """

    start: int
    lines: tuple[str, ...]
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class MissingLines:
    """A reason why there are no lines, and a sentence about it."""

    reason: NoLines
    message: str = ""

    @property
    def text(self) -> str:
        """The sentence: its own, or else that of the reason."""
        return self.message or MESSAGES[self.reason]


def read_lines(content: bytes) -> list[str] | None:
    """Return the lines of a file without line ends, or None if it is not text.

    The encoding is that of the byte order mark, else UTF-8, else Latin-1. A line ends with LF, CR LF or CR, as
    compilers and interpreters count lines.
    """
    text = _decoded(content)
    if text is None:
        return None
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    # A line end at the end of the file begins no further line.
    return lines[:-1] if not lines[-1] else lines


def lines_around(lines: Sequence[str], line: int, margin: int) -> SourceLines | MissingLines:
    """Return a line of a file and up to ``margin`` lines on each side of it. Lines count from 1."""
    if not 1 <= line <= len(lines):
        return MissingLines(NoLines.LINE_NOT_FOUND, f"The file has {len(lines)} lines at this ref.")
    start = max(1, line - margin)
    chosen = lines[start - 1 : line + margin]
    return SourceLines(
        start,
        tuple(text[:MAX_LINE_CHARACTERS] for text in chosen),
        truncated=any(len(text) > MAX_LINE_CHARACTERS for text in chosen),
    )


def _decoded(content: bytes) -> str | None:
    encoding = next((name for mark, name in _MARKS if content.startswith(mark)), None)
    try:
        text = content.decode(encoding or "utf-8")
    except UnicodeDecodeError:
        # Every file is valid Latin-1, but one that contradicts its own mark is no text.
        text = _NUL if encoding else content.decode("latin-1")
    return None if _NUL in text else text
