"""Forms of JSON documents, and typed access to fields that other programs wrote: of the expected type, or absent."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from scmhost.frames.frame import Frame


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
