"""Source places in the fields of any JSON or XML record, and their positions in the text of the document.

A place is an object with a path and a line number. Logs, error trackers, linters and test runners agree on little more
than that. The tables list the names that they use, in lower case and without separators: ``lineNumber``,
``line_number`` and ``LineNumber`` are one name.
"""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

from scmhost.frames.diagnostics.file_names import has_file_name, may_be_a_file
from scmhost.frames.frame import Frame, FrameMatch, is_source, known_language, looks_like_a_file, names_a_file
from scmhost.frames.physical_lines import PhysicalLine, json_lines, json_value, xml_lines

from .json_forms import DEEPEST, number, text

Fields = Mapping[str, Any]


class Entry(NamedTuple):
    """A frame in a field, or a text that may have frames of its own.

    Attributes:
        frame: None for a text.
        written: the field's text, by which its position is found.
        shared: whether another entry may have the same field: a file's name before a list of findings.
        in_stack: whether it is one of a list of texts, each of which is a line of a stack.
    """

    frame: Frame | None
    written: str
    shared: bool = False
    in_stack: bool = False


class Surroundings(NamedTuple):
    """What an object takes over from the objects around it."""

    path: str | None = None
    message: str | None = None
    in_stack: bool = False


# The best name first. "pathname" is Python's absolute path, beside "filename" for its last part.
_FILES: Final = (
    "pathname", "file", "filename", "filepath", "sourcefile", "sourcefilename", "callerfilename", "callerfilepath",
    "abspath",
)  # fmt: skip
# These also name other things, so the path must look like one. Of the last ones only source files are taken.
_PATHS: Final = ("path", "source", "uri", "target", "src", "resource")
_NAMES: Final = ("name", "url")
_LINES: Final = (
    "line", "lineno", "linenumber", "linenum", "fileline", "callerlinenumber", "sourceline", "startline", "linestart",
    "startlinenumber", "beginline", "linefrom", "row", "number",
)  # fmt: skip
_COLUMNS: Final = (
    "column", "col", "colno", "colnum", "colnumber", "columnnumber", "startcolumn", "columnstart", "begincolumn",
    "columnfrom", "character", "char",
)  # fmt: skip
_FUNCTIONS: Final = (
    "function", "func", "funcname", "functionname", "method", "methodname", "callermethodname", "callermembername",
)  # fmt: skip
_CLASSES: Final = ("class", "classname", "callerclassname")
_MESSAGES: Final = (
    "message", "description", "text", "msg", "reason", "failure", "issuetext", "problemmessage", "ruledescription",
    "checkname",
)  # fmt: skip
# Where the line of an object with a path may be.
_NESTED: Final = (
    ("location",), ("start",), ("range", "start"), ("location", "start"), ("location", "range", "start"), ("lines",),
    ("lines", "begin"), ("positions", "begin"), ("position",), ("position", "start"), ("region",), ("span",),
    ("textrange",), ("causemetadata",), ("startposition",), ("loc",), ("file",), ("line",),
)  # fmt: skip
_NESTED_NAMES: Final = frozenset(names[0] for names in _NESTED)
_PATH_NAMES: Final = frozenset((*_FILES, *_PATHS, *_NAMES))
_LINE_NAMES: Final = frozenset((*_LINES, "begin"))
_LINE_LISTS: Final = ("filelinerange", "linerange", "lines")
_STACKS: Final = frozenset((
    "stacktrace", "stack", "trace", "backtrace", "frames", "callstack", "parsedstack", "extendedstacktrace",
    "stackframes", "failuremessages", "traceback",
))  # fmt: skip
# Lists of findings in one file; the file's path is beside the list.
_FINDINGS: Final = frozenset((
    "messages", "warnings", "offenses", "offences", "errors", "violations", "issues", "findings", "problems",
    "results", "comments", "failures", "lints", "diagnostics", "labels", "misconfigurations", "secrets",
    "parseerrors", "invalidoptionwarnings",
))  # fmt: skip
# A record with one of these is a log's or an error's, and its message does not describe the place.
_RECORDS: Final = _STACKS | {"exception", "time", "timestamp", "ts", "datetime", "thread"}
_SOURCE_LOCATIONS: Final = ("source", "sourcelocation", "src", "caller", "origin")
# Fields that hold "path:line". The names in the second tuple hold addresses as well.
_CALLERS: Final = frozenset(("caller", "file", "filename", "posn", "sourcelocation"))
_PLACES: Final = frozenset(("source", "location", "src", "at", "origin", "where", "position"))
_TEXTS: Final = frozenset((
    "message", "msg", "error", "exception", "excinfo", "exctext", "stringvalue", "body", "log", "output", "longrepr",
)) | _STACKS  # fmt: skip
# Source code and values of variables have no frames; a compiler's rendered text repeats its spans.
_SKIPPED: Final = frozenset((
    "vars", "args", "precontext", "postcontext", "contextline", "sourcelines", "rendered", "snippet", "codeframe",
    "fix", "suggestions", "suppressedmessages", "end", "endlocation",
))  # fmt: skip
# Of two fields with the same place the second is skipped.
_REPEATED: Final = {"spans": ("children",), "caret": ("start", "finish"), "reprtraceback": ("reprcrash",)}

_PLACE: Final = re.compile(r"(?P<path>(?:[A-Za-z]:)?[^:\n\"]{1,1000}):(?P<line>\d{1,9})(?::(?P<column>\d{1,9}))?$")
_DIGIT: Final = re.compile(r"\d")
_SEPARATOR: Final = re.compile(r"[./]")
_JOINED: Final = frozenset(("file", "line", "column", "function"))


@lru_cache(maxsize=1024)
def plain_name(key: str) -> str:
    """Return a field's name in the form of the tables; of a dotted name only the end counts."""
    *before, last = _SEPARATOR.split(key.lower().replace("_", "").replace("-", ""))
    return before[-1] + last if before and before[-1] in _JOINED else last


def plain_fields(fields: Fields) -> dict[str, Any]:
    """Return the fields by their plain names; of equal names the first counts."""
    plain: dict[str, Any] = {}
    for key, value in fields.items():
        plain.setdefault(plain_name(key), value)
    return plain


def read_entries(value: Any) -> Iterator[Entry]:
    """Yield the entries of a document: of each object first its own, then those within it."""
    return _walk(value, "", Surroundings(), 0)


def read_place(fields: Fields, path: str | None, around: Surroundings) -> Frame | None:
    """Return the place that an object with this path names with its fields or takes over in part, or None."""
    path = path or around.path
    if path is None or fields.get("isprimary") is False:
        return None
    line, column = _line_and_column(fields)
    if line is None:
        return None
    function = text(fields, *_FUNCTIONS)
    message = _message(fields) or around.message
    if function or around.in_stack or not message or not _RECORDS.isdisjoint(fields):
        return Frame(path, line, column, function, text(fields, *_CLASSES), known_language(path))
    return Frame(path, line, column, language=known_language(path), kind="diagnostic", message=message)


def _message(fields: Fields) -> str | None:
    return text(fields, *_MESSAGES) or text(_inner(fields, ("extra",)), *_MESSAGES)


def own_path(fields: Fields) -> str | None:
    """Return the path of an object; one with a folder comes before a mere name."""
    # This test is much faster than a search for each name, and most objects have none.
    if _PATH_NAMES.isdisjoint(fields):
        return None
    file = fields.get("file")
    inner = plain_fields(file) if isinstance(file, dict) else {}
    paths = [
        *_texts(fields, _FILES, names_a_file),
        *_texts(inner, ("path", "name"), names_a_file),
        *_texts(fields, _PATHS, _names_a_path),
        *_texts(fields, _NAMES, is_source),
    ]
    return next((path for path in paths if "/" in path or "\\" in path), paths[0] if paths else None)


def _names_a_path(value: str) -> bool:
    """Return whether the text is a path, and not a route such as ``/cart`` or a name such as ``PSR12.Files``."""
    if has_file_name(value):
        return True
    return ("/" in value or "\\" in value) and looks_like_a_file(value) and (value[0] != "/" or may_be_a_file(value))


def _texts(fields: Fields, names: tuple[str, ...], accept: Any) -> Iterator[str]:
    for name in names:
        value = fields.get(name)
        if isinstance(value, str) and value and "\n" not in value and accept(value) and not _PLACE.match(value):
            yield value


def _line_and_column(fields: Fields) -> tuple[int | None, int | None]:
    if not _LINE_NAMES.isdisjoint(fields):
        line = number(fields, *_LINES) or _first_line(text(fields, "line"))
        if line:
            return line, number(fields, *_COLUMNS)
    for names in () if _NESTED_NAMES.isdisjoint(fields) else _NESTED:
        inner = _inner(fields, names)
        line = None if _LINE_NAMES.isdisjoint(inner) else number(inner, *_LINES, "begin")
        if line is not None:
            # Language servers count from 0. Only their documents have a "character" instead of a column.
            base = "character" in inner and "column" not in inner
            column = number(inner, *_COLUMNS)
            return line + base, column if column is None else column + base
    return next((line for name in _LINE_LISTS if (line := _first_number(fields.get(name)))), None), None


def _inner(fields: Fields, names: tuple[str, ...]) -> Fields:
    for name in names:
        value = fields.get(name)
        if not isinstance(value, dict):
            return {}
        fields = plain_fields(value)
    return fields


def _first_line(lines: str | None) -> int | None:
    """Return the first of a range of lines, such as ``12-14``."""
    return number({"first": lines.partition("-")[0]}, "first") if lines else None


def _first_number(value: Any) -> int | None:
    return number({"first": value[0]}, "first") if isinstance(value, list) and value else None


def _walk(value: Any, name: str, around: Surroundings, depth: int, *, listed: bool = False) -> Iterator[Entry]:
    if depth > DEEPEST:
        return
    if isinstance(value, str):
        yield from _read_text(value, name, around, listed=listed and around.in_stack)
    elif isinstance(value, list):
        for item in value:
            yield from _walk(item, name, around, depth + 1, listed=True)
    elif isinstance(value, dict):
        yield from _walk_object(value, around, depth)


def _walk_object(value: dict[str, Any], around: Surroundings, depth: int) -> Iterator[Entry]:
    fields = plain_fields(value)
    path = own_path(fields)
    frame = read_place(fields, path, around)
    if frame:
        yield Entry(frame, frame.path, shared=path is None)
    skipped = {skipped for name, others in _REPEATED.items() if name in fields for skipped in others}
    if frame and isinstance(fields.get("file"), dict):
        skipped.add("file")
    is_record = not _RECORDS.isdisjoint(fields)
    message = None if is_record else _message(fields) or around.message
    # Without a line of its own, the path is that of the findings in the object.
    shared = None if frame else path or around.path
    for key, inner in value.items():
        name = plain_name(key)
        if name in skipped or name in _SKIPPED or not isinstance(inner, (dict, list, str)):
            continue
        passed = shared if name in _FINDINGS else key if not isinstance(inner, str) and _is_path(key) else None
        own = None if name in _SOURCE_LOCATIONS else message
        yield from _walk(inner, name, Surroundings(passed, own, around.in_stack or name in _STACKS), depth + 1)


def _is_path(key: str) -> bool:
    return "." in key and looks_like_a_file(key)


def _read_text(value: str, name: str, around: Surroundings, *, listed: bool) -> Iterator[Entry]:
    match = _PLACE.match(value) if name in _CALLERS or name in _PLACES or around.in_stack else None
    if match and is_source(match["path"]) and (name not in _PLACES or "/" in match["path"] or "\\" in match["path"]):
        path, column = match["path"], match["column"]
        frame = Frame(path, int(match["line"]), int(column) if column else None, language=known_language(path))
        # Go's analyzers have their findings in this field, all others have frames.
        yield Entry(frame._replace(kind="diagnostic", message=around.message) if name == "posn" else frame, value)
    elif "\n" in value or listed or (name in _TEXTS and _DIGIT.search(value)):
        yield Entry(None, value, in_stack=listed)


_STRING: Final = re.compile(r'"([^"\\]*(?:\\.[^"\\]*)*)"')


class Offsets:
    """Leads from an offset in a text to its line and the position in it, both from 0."""

    def __init__(self, text: str, line: int = 0, column: int = 0) -> None:
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]
        self._line, self._column = line, column

    def place(self, offset: int) -> tuple[int, int]:
        """Return the line and the position in it."""
        at = bisect_left(self._starts, offset + 1) - 1
        return self._line + at, offset - self._starts[at] + (self._column if at == 0 else 0)


def lines_of_json(raw: str, number: int, offset: int) -> Iterator[PhysicalLine]:
    """Yield the lines of a JSON string, which begins at this offset of a line of text."""
    return (PhysicalLine(line.text, number, offset + line.offset, line.cuts) for line in json_lines(raw))


def lines_of_xml(raw: str, number: int, offset: int) -> Iterator[PhysicalLine]:
    """Yield the lines of XML's character data, which begins at this offset of a line of text."""
    for at, part in enumerate(raw.split("\n")):
        for line in xml_lines(part):
            yield PhysicalLine(line.text, number + at, line.offset + (0 if at else offset), line.cuts)


def locate(document: str, entries: Sequence[Entry], offsets: Offsets) -> tuple[list[FrameMatch], list[PhysicalLine]]:
    """Return the frames of a JSON document with their positions, and the lines of its texts.

    One search of the document finds all strings. Equal strings are taken in their order; an entry whose string is
    not found is at the beginning.
    """
    found = _strings(document, {entry.written for entry in entries})
    taken: dict[str, int] = defaultdict(int)
    cursor = 0
    frames: list[FrameMatch] = []
    lines: list[PhysicalLine] = []
    for entry in entries:
        spans = found.get(entry.written, [])
        if entry.shared and taken[entry.written]:
            start, end = spans[taken[entry.written] - 1]
        elif spans:
            at = bisect_left(spans, (cursor, 0), min(taken[entry.written], len(spans) - 1))
            at = at if at < len(spans) else min(taken[entry.written], len(spans) - 1)
            start, end = spans[at]
            taken[entry.written] = at + 1
            cursor = max(cursor, start)
        else:
            start = end = 0
        line, column = offsets.place(start)
        if entry.frame is None:
            lines += lines_of_json(document[start:end], line, column)
        else:
            frames.append(FrameMatch(entry.frame, line, column, column + end - start - _column_length(entry)))
    return frames, lines


def _column_length(entry: Entry) -> int:
    """Return the length of the column in ``path:line:column``, which is no part of the position."""
    frame = entry.frame
    printed = frame and frame.column is not None and entry.written != frame.path
    return len(entry.written) - entry.written.rindex(":") if printed else 0


def _strings(document: str, wanted: set[str]) -> dict[str, list[tuple[int, int]]]:
    """Return the spans of the wanted strings, without their quotes."""
    spans: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for match in _STRING.finditer(document):
        value = json_value(match[1])
        if value in wanted:
            spans[value].append(match.span(1))
    return spans
