"""Which language a file is written in, by its extension."""

import re
from functools import lru_cache
from typing import Final

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
# "inc" is more often PHP's, and C++'s own notations say so themselves.
_BY_EXTENSION["inc"] = "php"
LANGUAGES: Final = tuple(_EXTENSIONS)
JVM: Final = frozenset({"java", "kotlin", "scala"})
"""Languages whose frames print a file's name, and its folders as a class."""
_EXTENSION: Final = re.compile(r"\.([A-Za-z]\w{0,9}|[ch]\+\+)(?=$|[?#])")


def extension_of(path: str) -> str | None:
    """The extension in small letters, not minding the query of a URL."""
    found = _EXTENSION.search(path, max(0, path.rfind("/")))
    return found[1].lower() if found else None


# Frames of a trace are of few files.
@lru_cache(maxsize=512)
def language_of(path: str, otherwise: str, *others: str) -> str:
    """The language by the extension if it is one of the notation's family, else the notation's own."""
    by_name = _BY_EXTENSION.get(extension_of(path) or "", otherwise)
    return by_name if by_name in others else otherwise


def native_language(path: str, symbol: str, otherwise: str, *others: str) -> str:
    """The same for code of binaries: a header and a file without extension are C++'s if the symbol is."""
    language = language_of(path, otherwise, *others)
    return "cpp" if language == "c" and "::" in symbol and not path.endswith(".c") else language


def known_language(path: str) -> str | None:
    """The language by the extension alone."""
    return _BY_EXTENSION.get(extension_of(path) or "")


def is_source(path: str) -> bool:
    """Whether the extension is of a language that we know."""
    return extension_of(path) in _BY_EXTENSION
