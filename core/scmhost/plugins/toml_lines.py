"""Where a key stands in a TOML file: tomllib reads values but forgets lines."""

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

Path = tuple[str, ...]


def key_lines(text: str) -> dict[Path, int]:
    """The line of each key of a valid TOML text, by its path from the top.

    Keys inside an inline table, or inside an array, have the line of the key that holds it.
    """
    lines: dict[Path, int] = {}
    table: Path = ()
    for line, statement in _statements(text):
        content = tomllib.loads(statement)
        if statement.startswith("["):
            table = _header(content)
            _record(lines, table, line)
        else:
            for path in _paths(content):
                _record(lines, table + path, line)
    return lines


def line_of(lines: Mapping[Path, int], path: Path) -> int | None:
    """The line of a key, or of the nearest table around it."""
    return next((lines[path[:end]] for end in range(len(path), 0, -1) if path[:end] in lines), None)


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Headers and assignments with their first line; one that goes over several lines stays in one piece."""
    pending: list[str] = []
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), start=1):
        if not pending and not line.partition("#")[0].strip():
            continue
        pending.append(line)
        if _complete("\n".join(pending)):
            yield number - len(pending) + 1, "\n".join(pending).strip()
            pending = []


def _complete(statement: str) -> bool:
    try:
        tomllib.loads(statement)
    except tomllib.TOMLDecodeError:
        return False
    return True


def _header(content: Mapping[str, Any]) -> Path:
    path: list[str] = []
    inner: Any = content
    while inner:
        name, inner = next(iter(inner.items()))
        path.append(name)
        inner = inner[0] if isinstance(inner, list) else inner
    return tuple(path)


def _paths(content: Mapping[str, Any]) -> Iterator[Path]:
    """The innermost keys; those around them are passed through."""
    for name, value in content.items():
        if isinstance(value, dict) and value:
            yield from ((name, *rest) for rest in _paths(value))
        else:
            yield (name,)


def _record(lines: dict[Path, int], path: Path, line: int) -> None:
    """A key's own line wins over one where it was only passed through."""
    for end in range(1, len(path)):
        lines.setdefault(path[:end], line)
    lines[path] = line
