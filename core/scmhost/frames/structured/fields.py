"""Fields of documents that strangers wrote: each is of the type that we want, or absent."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

# Documents that nest deeper are no tool's.
DEEPEST: Final = 40


def text(fields: Mapping[str, Any], *names: str) -> str | None:
    """The first of these fields that is a text with something in it."""
    return next((value for name in names if isinstance(value := fields.get(name), str) and value), None)


def number(fields: Mapping[str, Any], *names: str) -> int | None:
    """The first of these fields that is a number and not negative; digits in a text are one."""
    return next((value for name in names if (value := _whole(fields.get(name))) is not None), None)


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """The objects of a list, or nothing."""
    return (item for item in (value if isinstance(value, list) else ()) if isinstance(item, dict))


def within(fields: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """The object that these names lead to, or an empty one."""
    found: Any = fields
    for name in names:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def every_object(value: Any, depth: int = 0) -> Iterator[dict[str, Any]]:
    """All objects of a document, an outer one before those within it, in their order."""
    if depth > DEEPEST:
        return
    if isinstance(value, dict):
        yield value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for item in inner:
        yield from every_object(item, depth + 1)


def _whole(value: Any) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < len("1000000000"):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
