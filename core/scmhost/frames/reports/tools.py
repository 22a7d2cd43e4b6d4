"""Frames in the reports of linters and test runners: SARIF and pytest-json-report."""

from collections.abc import Iterator
from typing import Any, Final

from scmhost.frames.frame import Frame
from scmhost.frames.source_paths import known_language

from .fields import Form, every_object, nested_object, number, objects, text


def _read_sarif(document: Any) -> Iterator[Frame]:
    """Yield every ``physicalLocation`` with its ``artifactLocation.uri`` and ``region``."""
    for fields in every_object(document):
        location = nested_object(fields, "physicalLocation")
        path = text(nested_object(location, "artifactLocation"), "uri")
        if path:
            region = nested_object(location, "region")
            line, column = number(region, "startLine"), number(region, "startColumn")
            yield Frame(path, line, column, _function(fields), language=known_language(path))


def _function(fields: dict[str, Any]) -> str | None:
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
