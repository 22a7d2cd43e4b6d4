"""Printed paths: which of them name a source file, and in which language it is written."""

import re
from functools import lru_cache
from typing import Final

from .match_spans import Pattern

_EXTENSIONS: Final = {
    "python": "py pyw pyx pxd pxi",
    "javascript": "js mjs cjs jsx ts tsx mts cts vue svelte bundle jsbundle hbc",
    "java": "java groovy gradle clj cljc jsp",
    "kotlin": "kt kts",
    "scala": "scala sc sbt",
    "go": "go",
    "rust": "rs",
    "ruby": "rb erb rake haml slim ru gemspec jbuilder builder",
    "php": "php php3 php4 php5 php7 phtml inc module theme twig ctp phar",
    "csharp": "cs csharp csx cshtml razor fs fsx vb xaml",
    "c": "c h",
    "cpp": "cc cpp cxx c++ hpp hh hxx h++ ipp tcc tpp inl inc cu cuh",
    "swift": "swift",
    "objectivec": "m mm",
    "dart": "dart",
    "elixir": "ex exs eex leex heex",
    "erlang": "erl hrl xrl yrl",
    "perl": "pl pm psgi cgi",
}
_BY_EXTENSION: Final = {
    extension: language for language, extensions in _EXTENSIONS.items() for extension in extensions.split()
}
# PHP uses "inc" more often than C++ does, and C++'s own notations pass their language as the default.
_BY_EXTENSION["inc"] = "php"
LANGUAGES: Final = tuple(_EXTENSIONS)
JVM: Final = frozenset({"java", "kotlin", "scala"})
"""Languages whose frames print a file's name, and its folders as a class."""

_EXTENSION: Final = re.compile(r"\.([A-Za-z]\w{0,9}|[ch]\+\+)(?=$|[?#])")
_NO_FILES: Final = frozenset(
    ("native", "unknown", "anonymous", "internal", "eval", "stdin", "nofile", "iex", "-e", "-", "??")
)
# Ruby's "<internal:kernel>" is a file of its own sources.
_PLACEHOLDER: Final = Pattern(r"<(?!internal:)[^<>]*>$|\(|\[native|evalmachine\.|REPL|.*\.(?:so|dll|dylib)(?:\.\d+)*$")
_FILE: Final = Pattern(r"(?:node|bun|deno|ext|internal):|[^\n]*(?:[/\\]|\.[A-Za-z]\w{0,9}(?:$|\?))")


def names_a_file(path: str) -> bool:
    """Return whether the path is more than a placeholder for code without a source file."""
    return path not in _NO_FILES and not _PLACEHOLDER.match(path)


def looks_like_a_file(path: str) -> bool:
    """Return whether the path has a folder or an extension, and so is neither a host nor a time of day."""
    return _FILE.match(path) is not None and names_a_file(path)


def is_source(path: str) -> bool:
    """Return whether the extension belongs to a known language."""
    return extension_of(path) in _BY_EXTENSION


def extension_of(path: str) -> str | None:
    """Return the extension in lower case, without a URL's query."""
    match = _EXTENSION.search(path, max(0, path.rfind("/")))
    return match[1].lower() if match else None


def known_language(path: str) -> str | None:
    """Return the language by the extension alone."""
    return _BY_EXTENSION.get(extension_of(path) or "")


# The frames of a trace are in few files.
@lru_cache(maxsize=512)
def language_of(path: str, default: str, *family: str) -> str:
    """Return the language by the extension if it is in the family, else the default."""
    by_extension = known_language(path)
    return by_extension if by_extension in family else default


def native_language(path: str, symbol: str, default: str, *family: str) -> str:
    """Return the language of compiled code; a header is C++ if the symbol is."""
    language = language_of(path, default, *family)
    return "cpp" if language == "c" and "::" in symbol and not path.endswith(".c") else language
