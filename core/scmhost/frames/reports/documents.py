"""Read documents and records: a form, or any object with a path and a line number.

A form reads frames from the fields of a document. Their positions in the text are searched for afterwards, by path.
``places`` reads any object with a path and a line number. A form with another structure is a ``Form`` in ``json_forms``
and a row in the table.
"""

import json
import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from scmhost.frames.frame import FrameMatch
from scmhost.frames.physical_lines import PhysicalLine

from .json_forms import OPEN_TELEMETRY, PYTEST_REPORT, SARIF, SENTRY_EVENT, Form
from .places import Entry, Offsets, locate, read_entries
from .xml import FallbackMatch, begins_xml, read_xml

FORMS: Final[tuple[Form, ...]] = (SARIF, PYTEST_REPORT, SENTRY_EVENT, OPEN_TELEMETRY)
"""The form with the most specific sign comes first."""

# Every document with a place has a number for a line, or ends a text with one.
_SIGN: Final = re.compile(
    r"[lL]ine|\.[lL]ineno|\"(?:row|begin|frames|physicalLocation)\"|:\d{1,9}\"|[tT]race\"|[mM]essages\"|\"stack\""
)
_BEGINNING: Final = re.compile(r"\{\s?\"")
# A log may put its own prefix before a record.
_LONGEST_PREFIX: Final = 300
_LONGEST_RECORD: Final = 1_048_576
_decode: Final = json.JSONDecoder().raw_decode


@dataclass(frozen=True, slots=True)
class Report:
    """What a document has.

    Attributes:
        frames: the frames of its fields.
        lines: the lines of texts in it, for the notations to read. A field that repeats a frame of them is left out.
        fallbacks: frames that count only if the texts around them have none.
    """

    frames: Sequence[FrameMatch]
    lines: Sequence[PhysicalLine] = field(default=())
    fallbacks: Sequence[FallbackMatch] = field(default=())

    def merged(self, read_lines: Callable[[Sequence[PhysicalLine]], Iterator[FrameMatch]]) -> list[FrameMatch]:
        """Return all frames in the order of the text, given what reads lines."""
        read = list(read_lines(self.lines)) if self.lines else []
        printed = set(map(_name_and_line, read))
        own = [match for match in self.frames if _name_and_line(match) not in printed]
        places = sorted(map(_position, read))
        own += [fallback.match for fallback in self.fallbacks if not _is_any_between(places, fallback)]
        return sorted([*own, *read], key=_position)


class Record(NamedTuple):
    """A line of a block that is a JSON record; ``at`` is its number in the block."""

    at: int
    report: Report


def _name_and_line(match: FrameMatch) -> tuple[str, int | None]:
    # zap shortens the path of the caller that begins the stack.
    return match.frame.path.replace("\\", "/").rpartition("/")[2], match.frame.line


def _position(match: FrameMatch) -> tuple[int, int]:
    return match.text_line, match.start


def _is_any_between(places: Sequence[tuple[int, int]], fallback: FallbackMatch) -> bool:
    at = bisect_left(places, _position(fallback.match))
    return at < len(places) and places[at] < fallback.end


def read_report(text: str) -> Report | None:
    """Read a text that is one document of a known form; return None for any other text."""
    if begins_xml(text):
        report = read_xml(text)
        known = report and (report.frames or report.lines or report.fallbacks)
        return Report(report.frames, report.lines, report.fallbacks) if report and known else None
    if text.lstrip()[:1] not in ("{", "[") or not _SIGN.search(text):
        return None
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return _json_report(document, text, Offsets(text))


def read_records(block: str, first: int) -> list[Record]:
    """Return the lines of a block that are JSON records with frames; ``first`` is the number of its first line."""
    lines = enumerate(block.split("\n"))
    return [Record(at, report) for at, line in lines if "{" in line and (report := _read_record(line, first + at))]


def _read_record(line: str, number: int) -> Report | None:
    match = _BEGINNING.search(line, 0, _LONGEST_PREFIX)
    if match is None or len(line) > _LONGEST_RECORD or not _SIGN.search(line, match.end()):
        return None
    begin = match.start() - (line[: match.start()][-1:] == "[")
    try:
        document, end = _decode(line, begin)
    except (ValueError, RecursionError):
        return None
    report = _json_report(document, line[begin:end], Offsets("", number, begin))
    if report is None:
        return None
    # The prefix and what follows a record may have frames of their own.
    around = [PhysicalLine(line[:begin], number), PhysicalLine(line[end:], number, end)]
    return Report(report.frames, [around[0], *report.lines, around[1]])


def _json_report(document: Any, text: str, offsets: Offsets) -> Report | None:
    """Return the frames of a document, which was parsed from this text, or None if no field has one."""
    for form in FORMS:
        if any(sign in text for sign in form.signs):
            frames = list(form.read(document))
            if frames:
                entries = [Entry(frame, frame.path) for frame in frames]
                texts = [entry for entry in read_entries(document) if entry.frame is None] if form.with_texts else []
                return Report(*locate(text, [*entries, *texts], offsets))
    entries = list(read_entries(document))
    kinds = {entry.frame.kind for entry in entries if entry.frame}
    if not kinds and not any(entry.in_stack for entry in entries):
        return None
    # The texts of linters quote source code.
    wanted = [entry for entry in entries if entry.frame] if "diagnostic" in kinds else entries
    return Report(*locate(text, wanted, offsets))
