"""The line of each key of a TOML file, for messages: the parser of the standard library keeps no positions."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from .schema import KeyPath

# Strings and comments are matched as a whole, because brackets and line ends inside of them mean nothing. The text is
# valid TOML: every string ends, and no match is tried twice.
_TOML_TOKEN: Final = re.compile(
    r'''
      """ (?: [^"\\]++ | \\. | "{1,2}+(?!") )* "{3,5}+
    | \'\'\' (?: [^']++ | '{1,2}+(?!') )* '{3,5}+
    | " (?: [^"\\\n]++ | \\. )* "
    | ' [^'\n]*+ '
    | \# [^\n]*+
    | [\[\]{}\n]
    ''',
    re.VERBOSE | re.DOTALL,
)


def key_lines(text: str) -> dict[KeyPath, int]:
    """Return the line of each key of a valid TOML text, by its path from the top.

    Keys inside an inline table or an array have the line of the key that holds it. The time grows linearly with the
    text.
    """
    lines: dict[KeyPath, int] = {}
    table: KeyPath = ()
    for line, statement in _statements(text):
        # Each statement alone is TOML.
        content = tomllib.loads(statement)
        if statement.startswith("["):
            table = _header_path(content)
            _record(lines, table, line)
        else:
            for path in _paths(content):
                _record(lines, table + path, line)
    return lines


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Yield headers and assignments with their first line; one over several lines stays in one piece."""
    text = text.replace("\r\n", "\n")
    begin, first_line, line, depth = 0, 1, 1, 0
    for token in _TOML_TOKEN.finditer(f"{text}\n"):
        symbol = token[0]
        if symbol in ("[", "{"):
            depth += 1
        elif symbol in ("]", "}"):
            depth -= 1
        line += symbol.count("\n")
        if symbol == "\n" and depth == 0:
            statement = text[begin : token.start()].strip()
            if statement and not statement.startswith("#"):
                yield first_line, statement
            begin, first_line = token.end(), line


def _header_path(content: Mapping[str, Any]) -> KeyPath:
    path: list[str] = []
    inner: Any = content
    while inner:
        name, inner = next(iter(inner.items()))
        path.append(name)
        inner = inner[0] if isinstance(inner, list) else inner
    return tuple(path)


def _paths(content: Mapping[str, Any]) -> Iterator[KeyPath]:
    """Yield the paths of the innermost keys."""
    for name, value in content.items():
        if isinstance(value, dict) and value:
            yield from ((name, *rest) for rest in _paths(value))
        else:
            yield (name,)


def _record(lines: dict[KeyPath, int], path: KeyPath, line: int) -> None:
    """Record a key. The line where a key is written replaces one where it was only part of a longer key."""
    for end in range(1, len(path)):
        lines.setdefault(path[:end], line)
    lines[path] = line
