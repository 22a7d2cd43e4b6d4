"""Read the frames of stack traces out of pasted text, streams of lines and JSON reports.

``reader`` is the entry point: it offers each line to the grammars in ``notations``; ``reports`` reads JSON documents.
Nothing in this package does I/O.
"""

from .frame import Frame, FrameMatch, MatchSpan
from .reader import MAX_FRAMES, MAX_TEXT, LineReader, Reading, read_lines, read_text

__all__ = [
    "MAX_FRAMES",
    "MAX_TEXT",
    "Frame",
    "FrameMatch",
    "LineReader",
    "MatchSpan",
    "Reading",
    "read_lines",
    "read_text",
]
