"""The reports of pytest-json-report: the ``traceback`` of each stage of a test."""

from collections.abc import Iterator
from typing import Any, Final

from scmhost.frames.frame import Frame

from .fields import every_object, number, objects, text

SIGNS: Final[tuple[str, ...]] = ('"traceback"',)
WITH_TEXTS: Final = False


def read(document: Any) -> Iterator[Frame]:
    """The entries of every traceback."""
    for stage in every_object(document):
        for entry in objects(stage.get("traceback")):
            path = text(entry, "path")
            if path:
                message = text(entry, "message") or ""
                function = message.removeprefix("in ") if message.startswith("in ") else None
                yield Frame(path, number(entry, "lineno"), None, function, None, "python")
