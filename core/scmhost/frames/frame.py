"""A frame or diagnostic as printed, and its position in a line or a text."""

from typing import Final, Literal, NamedTuple

# Three times as fast as calling the class, which is a function in Python.
new_tuple: Final = tuple.__new__


# Tuples, because a large text has tens of thousands of them for a short time.
class Frame(NamedTuple):
    """A path with line, column and function, as a stack trace or a tool prints them.

    Attributes:
        path: exactly as printed; a later step makes it relative to a repository.
        module: the class on the JVM, the application in Elixir, the gem in Ruby, the binary image in native code.
        language: one of ``match_spans.LANGUAGES``, or the platform that a report names.
        kind: "frame" in a stack trace; "diagnostic" for a place that a compiler, linter or test runner prints.
        message: the text of a diagnostic, where it is on the same line or in the same record.
    """

    path: str
    line: int | None = None
    column: int | None = None
    function: str | None = None
    module: str | None = None
    language: str | None = None
    kind: Literal["frame", "diagnostic"] = "frame"
    message: str | None = None


class MatchSpan(NamedTuple):
    """A frame and the characters of its path within one line.

    Attributes:
        start: the position of the path's first character.
        end: the position after the path, or after the line number when that follows the path directly.
        lines_back: how many lines above the line that was read the path is.
    """

    frame: Frame
    start: int
    end: int
    lines_back: int = 0


class FrameMatch(NamedTuple):
    """A frame and its position in a text.

    Attributes:
        text_line: the number of the line, from 0. Only line feeds end a line.
        start: the position of the path in that line.
        end: the position after the path, or after a line number that follows it directly.
    """

    frame: Frame
    text_line: int
    start: int
    end: int
