"""Frames in JSON documents that tools send.

A form reads frames from the fields of a document. Their positions in the text are searched for afterwards, by path. A
new form is a ``Form`` in ``forms`` and a row in the table.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from scmhost.frames.frame import Frame, FrameMatch

from .fields import Form
from .forms import OPEN_TELEMETRY, PYTEST_REPORT, SARIF, SENTRY_EVENT

FORMS: Final[tuple[Form, ...]] = (SARIF, PYTEST_REPORT, SENTRY_EVENT, OPEN_TELEMETRY)
"""The form with the most specific sign comes first."""


@dataclass(frozen=True, slots=True)
class JsonReport:
    """The frames of a JSON document.

    Attributes:
        with_texts: whether texts in the document may have traces of their own, for the notations to read.
    """

    frames: list[FrameMatch]
    with_texts: bool


def read_report(text: str) -> JsonReport | None:
    """Read a text that is one JSON document of a known form; return None for any other text."""
    if text.lstrip()[:1] not in ("{", "["):
        return None
    # Parsing is the expensive part, and most documents have no sign at all.
    forms = [form for form in FORMS if any(sign in text for sign in form.signs)]
    document = _parsed(text) if forms else None
    for form in forms if document is not None else ():
        frames = list(form.read(document))
        if frames:
            return JsonReport(list(_with_positions(text, frames)), form.with_texts)
    return None


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _with_positions(text: str, frames: Sequence[Frame]) -> Iterator[FrameMatch]:
    """Yield each frame at the next occurrence of its path, or at the beginning of the text if there is none."""
    cursor = line = line_start = 0
    for frame in frames:
        begin, length = _next_occurrence(text, frame.path, cursor)
        if begin >= 0:
            line += text.count("\n", line_start, begin)
            line_start = text.rfind("\n", 0, begin) + 1
            cursor = begin + length
            yield FrameMatch(frame, line, begin - line_start, cursor - line_start)
        else:
            yield FrameMatch(frame, 0, 0, 0)


def _next_occurrence(text: str, path: str, cursor: int) -> tuple[int, int]:
    """Return the position and length of the path as JSON writes it, or -1."""
    spellings = [json.dumps(path, ensure_ascii=ascii_only) for ascii_only in (False, True)]
    matches = [(text.find(spelling, cursor), len(spelling) - 2) for spelling in spellings]
    quote, length = min((match for match in matches if match[0] >= 0), default=(-2, 0))
    return quote + 1, length
