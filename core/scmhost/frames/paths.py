"""What names a source file, and what only stands where one would."""

from typing import Final

from .patterns import Pattern

_NO_FILES: Final = frozenset(
    ("native", "unknown", "anonymous", "internal", "eval", "stdin", "nofile", "iex", "-e", "-", "??")
)
# Ruby's "<internal:kernel>" is a file of its own sources.
_PLACEHOLDER: Final = Pattern(r"<(?!internal:)[^<>]*>$|\(|\[native|evalmachine\.|REPL|.*\.(?:so|dll|dylib)(?:\.\d+)*$")
_FILE: Final = Pattern(r"(?:node|bun|deno|ext|internal):|[^\n]*(?:[/\\]|\.[A-Za-z]\w{0,9}(?:$|\?))")


def names_a_file(path: str) -> bool:
    """Whether the path is no placeholder for code without a file."""
    return path not in _NO_FILES and not _PLACEHOLDER.match(path)


def looks_like_a_file(path: str) -> bool:
    """Whether the path has a folder or an extension, and so is neither a host nor an hour."""
    return _FILE.match(path) is not None and names_a_file(path)
