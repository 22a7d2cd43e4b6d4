"""The forms of JSON documents that are read, and typed access to fields: of the expected type, or absent.

SARIF and pytest-json-report come from linters and test runners; Sentry's events and OpenTelemetry's attributes are what
services send about their errors.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from scmhost.frames.frame import Frame, known_language, language_of, names_a_file


@dataclass(frozen=True, slots=True)
class Form:
    """A form of JSON that has frames.

    Attributes:
        signs: texts of which each document of this form contains at least one.
        with_texts: whether texts in the document have traces of their own, for the notations to read.
        read: yields the frames of a document in its order; nothing if it has another form.
    """

    signs: tuple[str, ...]
    with_texts: bool
    read: Callable[[Any], Iterator[Frame]]


DEEPEST: Final = 40
"""Objects that are nested deeper are not read; no tool writes such documents."""


def text(fields: Mapping[str, Any], *names: str) -> str | None:
    """Return the first of these fields that is a text and not empty."""
    return next((value for name in names if isinstance(value := fields.get(name), str) and value), None)


def number(fields: Mapping[str, Any], *names: str) -> int | None:
    """Return the first of these fields that is a number and not negative; a text of digits counts as a number."""
    return next((value for name in names if (value := _whole(fields.get(name))) is not None), None)


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """Yield the objects of a list; nothing for any other value."""
    return (item for item in (value if isinstance(value, list) else ()) if isinstance(item, dict))


def nested_object(fields: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Return the object at this path of names, or an empty one."""
    value: Any = fields
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def every_object(value: Any, depth: int = 0) -> Iterator[dict[str, Any]]:
    """Yield all objects of a document, an outer one before those within it."""
    if depth > DEEPEST:
        return
    if isinstance(value, dict):
        yield value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for item in inner:
        yield from every_object(item, depth + 1)


def _whole(value: Any) -> int | None:
    # The bound on digits keeps "int" cheap for any input.
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < len("1000000000"):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _read_sarif(document: Any) -> Iterator[Frame]:
    """Yield every ``physicalLocation`` with its ``artifactLocation.uri`` and ``region``."""
    message: str | None = None
    for fields in every_object(document):
        # A result comes before its locations, some of which have a message of their own.
        message = text(nested_object(fields, "message"), "text") or (None if "ruleId" in fields else message)
        location = nested_object(fields, "physicalLocation")
        path = text(nested_object(location, "artifactLocation"), "uri")
        if path:
            region = nested_object(location, "region")
            line, column = number(region, "startLine"), number(region, "startColumn")
            function = _sarif_function(fields)
            yield Frame(path, line, column, function, None, known_language(path), "diagnostic", message)


def _sarif_function(fields: dict[str, Any]) -> str | None:
    return next((text(item, "fullyQualifiedName", "name") for item in objects(fields.get("logicalLocations"))), None)


SARIF: Final = Form(('"physicalLocation"',), with_texts=False, read=_read_sarif)


def _read_pytest_report(document: Any) -> Iterator[Frame]:
    """Yield the entries of the ``traceback`` of each stage of a test."""
    for stage in every_object(document):
        for entry in objects(stage.get("traceback")):
            path = text(entry, "path")
            if path:
                message = text(entry, "message") or ""
                function = message.removeprefix("in ") if message.startswith("in ") else None
                yield Frame(path, number(entry, "lineno"), None, function, None, "python")


PYTEST_REPORT: Final = Form(('"traceback"',), with_texts=False, read=_read_pytest_report)


# Sentry's platforms whose names differ from ours.
_LANGUAGES: Final = {"node": "javascript", "cocoa": "objectivec", "native": "c", "other": None}
_FAMILIES: Final = {
    "java": ("kotlin", "scala"),
    "objectivec": ("swift", "c", "cpp"),
    "c": ("cpp", "rust", "swift", "objectivec", "go"),
    "elixir": ("erlang",),
}


def _read_sentry_event(document: Any) -> Iterator[Frame]:
    """Yield the frames of every stack: ``exception.values[].stacktrace.frames[]`` and the stacks of threads."""
    platform = text(document, "platform") if isinstance(document, dict) else None
    for stack in every_object(document):
        for fields in objects(stack.get("frames")):
            frame = _sentry_frame(fields, text(fields, "platform") or platform)
            if frame and names_a_file(frame.path):
                yield frame


def _sentry_frame(fields: dict[str, Any], platform: str | None) -> Frame | None:
    path = text(fields, "filename", "abs_path", "absPath")
    if path is None:
        return None
    function = text(fields, "function", "name", "method")
    line, column = number(fields, "lineno", "lineNo"), number(fields, "colno", "colNo")
    return Frame(path, line, column, function, text(fields, "module"), _language(path, platform))


def _language(path: str, platform: str | None) -> str | None:
    language = _LANGUAGES.get(platform, platform) if platform else None
    return language_of(path, language, *_FAMILIES.get(language, ())) if language else known_language(path)


SENTRY_EVENT: Final = Form(('"frames"',), with_texts=False, read=_read_sentry_event)


# The second name of each is from older versions of the semantic conventions.
_PATHS: Final = ("code.file.path", "code.filepath")
_LINES: Final = ("code.line.number", "code.lineno")
_COLUMNS: Final = ("code.column.number", "code.column")
_FUNCTIONS: Final = ("code.function.name", "code.function")
_VALUES: Final = ("stringValue", "intValue")


def _read_attributes(document: Any) -> Iterator[Frame]:
    """Yield a frame for every set of attributes with a path, flat or in OTLP's lists."""
    for fields in every_object(document):
        for attributes in (fields, _listed(fields.get("attributes"))):
            path = text(attributes, *_PATHS)
            if path:
                line, column = number(attributes, *_LINES), number(attributes, *_COLUMNS)
                function = text(attributes, *_FUNCTIONS)
                module = text(attributes, "code.namespace")
                yield Frame(path, line, column, function, module, known_language(path))


def _listed(attributes: Any) -> dict[str, Any]:
    """Return OTLP's list of keys and typed values as one object."""
    return {
        str(item.get("key")): next((value[kind] for kind in _VALUES if kind in value), None)
        for item in objects(attributes)
        if isinstance(value := item.get("value"), dict)
    }


# "exception.stacktrace" is a text with a trace of its own.
OPEN_TELEMETRY: Final = Form(_PATHS, with_texts=True, read=_read_attributes)
