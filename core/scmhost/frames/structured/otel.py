"""OpenTelemetry's attributes: ``code.file.path`` with its line and function, flat or in OTLP's lists.

``exception.stacktrace`` is a text, whose frames the notations read.
"""

from collections.abc import Iterator
from typing import Any, Final

from scmhost.frames.frame import Frame
from scmhost.frames.languages import known_language

from .fields import every_object, number, objects, text

SIGNS: Final[tuple[str, ...]] = ("code.file.path", "code.filepath")
WITH_TEXTS: Final = True

_PATHS: Final = ("code.file.path", "code.filepath")
_LINES: Final = ("code.line.number", "code.lineno")
_COLUMNS: Final = ("code.column.number", "code.column")
_FUNCTIONS: Final = ("code.function.name", "code.function")
_VALUES: Final = ("stringValue", "intValue")


def read(document: Any) -> Iterator[Frame]:
    """The place of every set of attributes that has one."""
    for fields in every_object(document):
        for attributes in (fields, _listed(fields.get("attributes"))):
            path = text(attributes, *_PATHS)
            if path:
                line, column = number(attributes, *_LINES), number(attributes, *_COLUMNS)
                function = text(attributes, *_FUNCTIONS)
                module = text(attributes, "code.namespace")
                yield Frame(path, line, column, function, module, known_language(path))


def _listed(attributes: Any) -> dict[str, Any]:
    """OTLP's list of keys and typed values as one object."""
    return {
        str(item.get("key")): next((value[kind] for kind in _VALUES if kind in value), None)
        for item in objects(attributes)
        if isinstance(value := item.get("value"), dict)
    }
