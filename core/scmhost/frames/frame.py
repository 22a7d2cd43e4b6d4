"""A frame or diagnostic as printed, its span in a line, patterns of notations, and which paths name a source file."""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, Protocol

# Three times as fast as calling the class, which is a function in Python.
new_tuple: Final = tuple.__new__


# Tuples, because a large text has tens of thousands of them for a short time.
class Frame(NamedTuple):
    """A path with line, column and function, as a stack trace or a tool prints them.

    Attributes:
        path: exactly as printed; a later step makes it relative to a repository.
        module: the class on the JVM, the application in Elixir, the gem in Ruby, the binary image in native code.
        language: one of ``LANGUAGES``, or the platform that a report names.
        kind: "frame" in a stack trace; "diagnostic" for a place that a compiler, linter or test runner prints.
        message: the text of a diagnostic, where it is on the same line or in the same record.
    """

    path: str
    line: int | None = None
    column: int | None = None
    function: str | None = None
    module: str | None = None
    language: str | None = None
    kind: Literal["frame", "diagnostic"] = "frame"
    message: str | None = None


class MatchSpan(NamedTuple):
    """A frame and the characters of its path within one line.

    Attributes:
        start: the position of the path's first character.
        end: the position after the path, or after the line number when that follows the path directly.
        lines_back: how many lines above the line that was read the path is.
    """

    frame: Frame
    start: int
    end: int
    lines_back: int = 0


class FrameMatch(NamedTuple):
    """A frame and its position in a text.

    Attributes:
        text_line: the number of the line, from 0. Only line feeds end a line.
        start: the position of the path in that line.
        end: the position after the path, or after a line number that follows it directly.
    """

    frame: Frame
    text_line: int
    start: int
    end: int


if TYPE_CHECKING:

    class _Match(Protocol):
        def __call__(self, string: str, pos: int = ..., endpos: int = ..., /) -> re.Match[str] | None: ...

    class _FindTexts(Protocol):
        def __call__(self, string: str, pos: int = ..., endpos: int = ..., /) -> list[str]: ...

    class _FindAll(Protocol):
        def __call__(self, string: str, pos: int = ..., endpos: int = ..., /) -> Iterator[re.Match[str]]: ...


class Pattern:
    """A regular expression that is compiled at its first use.

    A text has few of the many notations, and compiling all of them would dominate the start of ``scmhost link``. The
    compiled methods are stored on the object, so later uses cost what they cost with ``re``.
    """

    __slots__ = ("findall", "finditer", "match", "search", "source", "sub")
    match: "_Match"
    search: "_Match"
    findall: "_FindTexts"
    finditer: "_FindAll"
    sub: Callable[[str, str], str]

    def __init__(self, source: str) -> None:
        self.source = source

    def __getattr__(self, name: str) -> object:
        # Python calls this only while the slots are empty.
        compiled = re.compile(self.source)
        self.match, self.search, self.finditer = compiled.match, compiled.search, compiled.finditer
        self.findall, self.sub = compiled.findall, compiled.sub
        return object.__getattribute__(self, name)


# The literal text comes before the look-behind, because "re" searches fast for a literal beginning.
AT: Final = r"at (?<!\wat )"
"""The word "at"."""
# A longer number is no line; without the look-ahead its first nine digits would be one.
LINE: Final = r"(?P<line>\d{1,9})(?!\d)"
"""A line number."""
LINE_COLUMN: Final = r"(?P<line>\d{1,9})(?!\d)(?::(?P<column>\d{1,9})(?!\d))?"
"""A line number and, where printed, a column."""

# People and services put a placeholder in place of folders that are private or differ.
_PLACEHOLDER_WORDS: Final = r"[^\[\]<>\s]{1,40}|[A-Za-z_ ]{1,40}"
ROOT: Final = (
    rf"(?:[A-Za-z]:(?=[\\/])|(?:\[(?:{_PLACEHOLDER_WORDS})\]|<(?:{_PLACEHOLDER_WORDS})>|\*{{2,8}}"
    r"|\$?\{[\w. -]{1,40}\}|%\w{1,40}%)(?=[\\/]))"
)
"""The beginning of a path whose characters may be in no other part of it: a drive or a placeholder."""


def parse_number(digits: str | None) -> int | None:
    """Return the number, or None for no digits and for -1, which some runtimes print for "unknown"."""
    return int(digits) if digits and digits[0] != "-" else None


def match_span(
    match: re.Match[str],
    language: str,
    *,
    function: str | None = None,
    module: str | None = None,
    group: str = "path",
    kind: Literal["frame", "diagnostic"] = "frame",
) -> MatchSpan:
    """Return the span of a match with the groups ``path`` (or ``group``) and ``line``.

    The groups ``column`` and ``message`` are optional.

    The span includes the line number if only one character, such as a colon, is between it and the path.
    """
    groups = match.re.groupindex
    path, line = match.group(group, "line")
    column = match["column"] if "column" in groups else None
    message = match["message"] if "message" in groups else None
    numbers = parse_number(line), parse_number(column) if column else None
    frame = new_tuple(Frame, (path, *numbers, function or None, module or None, language, kind, message))
    start, end = match.span(group)
    number, end_of_number = match.span("line")
    return new_tuple(MatchSpan, (frame, start, end_of_number if number == end + 1 else end, 0))


# The first alternatives have parentheses or angles that open no list of arguments.
_BRACKET: Final = Pattern(
    r"operator ?(?:\(\)|<=>|<<=?|>>=?|->\*?|[<>]=?)|\((?:anonymous|extension|lambda)[^()]*\)"
    r"|'lambda\d*'\([^()]*\)|->|=>|[<>{}(]"
)
_DEPTH: Final = {"<": 1, "{": 1, ">": -1, "}": -1}


def without_arguments(symbol: str) -> str:
    """Return a symbol up to its arguments; parentheses within angles or braces belong to its name."""
    # Objective-C: "-[Shop total:]".
    if symbol[:2] in ("-[", "+["):
        return symbol[: symbol.find("]") + 1] or symbol
    depth = 0
    for match in _BRACKET.finditer(symbol):
        bracket = match.group()
        if bracket == "(" and depth == 0:
            return symbol[: match.start()].rstrip() or symbol
        depth = max(0, depth + _DEPTH.get(bracket, 0))
    return symbol


_EXTENSIONS: Final = {
    "python": "py pyw pyx pxd pxi",
    "javascript": "js mjs cjs jsx ts tsx mts cts vue svelte bundle jsbundle hbc",
    "java": "java groovy gradle jsp",
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
    "powershell": "ps1 psm1 psd1",
    "shell": "sh bash zsh ksh fish zshrc bashrc zshenv",
    "lua": "lua luau moon fnl",
    "julia": "jl",
    "haskell": "hs lhs hsc",
    "ocaml": "ml mli mll mly eliom res resi",
    "r": "r rmd rnw qmd",
    "zig": "zig zon",
    "nim": "nim nims nimble",
    "crystal": "cr ecr",
    "clojure": "clj cljc cljs cljd bb",
    "d": "di",
    "gdscript": "gd",
    "raku": "raku rakumod rakutest pm6",
    "vim": "vim vimrc",
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
    ("native", "unknown", "anonymous", "internal", "eval", "stdin", "nofile", "iex", "-e", "-", "??", "inline template")
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
