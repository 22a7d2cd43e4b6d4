"""SARIF's locations: ``physicalLocation`` with ``artifactLocation.uri`` and ``region``."""

from collections.abc import Iterator
from typing import Any, Final

from scmhost.frames.frame import Frame
from scmhost.frames.languages import known_language

from .fields import every_object, number, objects, text, within

SIGNS: Final[tuple[str, ...]] = ('"physicalLocation"',)
WITH_TEXTS: Final = False


def read(document: Any) -> Iterator[Frame]:
    """Every physical location of a log."""
    for fields in every_object(document):
        place = within(fields, "physicalLocation")
        path = text(within(place, "artifactLocation"), "uri")
        if path:
            region = within(place, "region")
            line, column = number(region, "startLine"), number(region, "startColumn")
            yield Frame(path, line, column, _function(fields), language=known_language(path))


def _function(fields: dict[str, Any]) -> str | None:
    return next((text(item, "fullyQualifiedName", "name") for item in objects(fields.get("logicalLocations"))), None)
