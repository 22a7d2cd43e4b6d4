""".NET: stack traces in many human languages, and what xUnit, Mono, Unity and ASP.NET print."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from scmhost.frames.frame import LINE, ROOT, MatchSpan, Pattern, language_of, looks_like_a_file, match_span
from scmhost.frames.notation import ContextLines, Notation

# .NET translates the word "line".
_DOTNET_WORDS: Final = (
    "line",
    "Zeile",
    "ligne",
    "línea",
    "linea",
    "linha",
    "riga",
    "строка",
    "рядок",
    "行号",
    "行",
    "줄",
    "wiersz",
    "regel",
    "rad",
    "satır",
    "řádek",
    "riadok",
    "linje",
    "rivi",
    "γραμμή",
    "บรรทัด",
    "baris",
    "dòng",
    "línia",
)
# Some languages put a comma, a blank, or "no." around the word.
_DOTNET_LINE: Final = (
    rf"(?::(?:{'|'.join(_DOTNET_WORDS)}) |: 行 (?=\d{{1,9}}$)|, sor: |(?: 中)?: ?第 ?| içinde: satır ){LINE}"
)
_DOTNET_ROOT: Final = rf"(?:[A-Za-z]:\\{{0,3}}[\\/]|/|\\\\|{ROOT}|[\w.]{{1,60}}[\\/]|https?://)"
_DOTNET_NAME: Final = r"[\w.-]{1,100}\.[A-Za-z]{2,8}"
_DOTNET_NUMBER: Final = Pattern(_DOTNET_LINE)
_DOTNET_PATH: Final = Pattern(rf"(?<![^\s(])(?:{_DOTNET_ROOT}[^:\n]{{1,1000}}|{_DOTNET_NAME})$")
_DOTNET_PATH_LINE: Final = Pattern(rf"(?P<path>{_DOTNET_ROOT}[^:\n]{{1,1000}}?|{_DOTNET_NAME}){_DOTNET_LINE}")
# A path has no colon but that of a drive or scheme, which is near its beginning.
_DOTNET_SCHEME: Final = 6


def _read_dotnet(line: str, _context: ContextLines) -> Sequence[MatchSpan] | None:
    r"""Read ``at Shop.Total(Int32 x) in C:\shop\Shop.cs:line 12``."""
    spans = []
    end = 0
    for match in _dotnet_places(line):
        spans.append(match_span(match, "csharp", function=_dotnet_function(line[end : match.start()])))
        end = match.end()
    return spans or None


def _dotnet_places(line: str) -> Iterator[re.Match[str]]:
    """Yield the paths with line numbers. The numbers are found first, because each word may begin a path."""
    end = 0
    for number in _DOTNET_NUMBER.finditer(line):
        begin = max(end, line.rfind(":", end, number.start()) - _DOTNET_SCHEME)
        path = _DOTNET_PATH.search(line, begin, number.start())
        if path and (match := _DOTNET_PATH_LINE.match(line, path.start())):
            end = match.end()
            yield match


def _dotnet_function(head: str) -> str | None:
    """Return the method before the path; the word for "at" may be in any language."""
    before, at, call = f" {head}".rpartition(" at ")
    symbol, arguments, _ = (call if at else before + call.lstrip().partition(" ")[2]).partition("(")
    # Words in front may end with a colon.
    return symbol.rpartition(": ")[2].strip().removeprefix("async ") if arguments else None


# A few words and extensions stand for all words, because a text is searched for each hint.
_DOTNET_HINTS: Final = (
    ":line ",
    ":Zeile ",
    ":ligne ",
    ".cs:",
    ".vb:",
    ".fs:",
    ".cs, sor: ",
    ": 行 ",
    ": 第",
    " içinde: ",
    *(f":{word} " for word in _DOTNET_WORDS if not word.isascii()),
)
DOTNET: Final = Notation("csharp", _DOTNET_HINTS, _read_dotnet)


_XUNIT_FRAME: Final = Pattern(
    rf"(?P<path>(?:[A-Za-z]:)?[^\s:(][^:(\n]{{0,1000}})\({LINE},(?P<column>\d{{1,9}})\): at"
    rf" (?P<function>[^()\n]{{1,600}})\("
)


def _read_xunit(line: str, _context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read ``/src/ShopTests.cs(12,0): at Acme.Tests.ShopTests.Total()``."""
    match = _XUNIT_FRAME.match(line)
    return [match_span(match, "csharp", function=match["function"])] if match else None


XUNIT: Final = Notation("csharp_xunit", ("): at ",), _read_xunit)


_MONO_SYMBOL: Final = r"(?>(?P<function>(?:(?!\bat )[^()\n]){1,600}))\((?:(?!\bat )[^\n]){0,2000}?\) ?"
_MONO_FRAME: Final = Pattern(
    rf"\bat {_MONO_SYMBOL}(?:\[0x[0-9a-f]{{1,16}}\]|<0x[0-9a-f +x]{{1,40}}>) in (?P<path>[^\n]{{1,1000}}?):{LINE}"
)
# Unity writes the place in parentheses behind the method.
_MONO_UNITY: Final = Pattern(
    rf"(?<![^()\n])\s*+(?P<function>[^()\n]{{1,600}}+)\([^()\n]{{0,2000}}+\) ?\(at"
    rf" (?P<path>[^()\n]{{1,1000}}?|[^\n]{{1,1000}}?\.cs):{LINE}\)"
)
# A program that was built with Unity prints an address and its binary first.
_MONO_PLAYER: Final = Pattern(
    rf"0x[0-9a-f]{{1,16}} \((?P<module>[^()\n]{{1,100}})\) (?P<function>[^()\n]{{1,600}}?) \(at"
    rf" (?P<path>[^()\n]{{1,1000}}?):{LINE}\)"
)
_MONO_JIT: Final = Pattern(
    rf"(?:#\d{{1,6}}\s+)?0x[0-9A-Fa-f]{{1,16}} \((?P<module>[^()\n]{{1,100}})\) \[(?P<path>[^\]:\n]{{1,500}}):{LINE}\]"
    r" (?P<function>[^()\n]{1,600}?) ?\("
)
_MONO_ASP_FILE: Final = r"[^:\n]{1,1000}\.(?:cs|vb|fs|aspx|ascx|cshtml)"
_MONO_ASP: Final = Pattern(
    rf"(?P<at>at )?{_MONO_SYMBOL}in (?P<path>(?:{ROOT}|/|(?(at)(?=[^\s<\[(]))){_MONO_ASP_FILE}):{LINE}$"
)
_MONO_FILENAME: Final = Pattern(rf"\(Filename: (?P<path>[^\n]{{1,1000}}?) Line: {LINE}\)")
_MONO_NO_FILENAME: Final = Pattern(r"\(Filename: [^\n]{0,1000}? ?Line: -?\d{0,9}\)")


def _read_mono(line: str, _context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read ``at Shop.Total (Int32 x) [0x00007] in Shop.cs:12`` and Unity's ``Shop:Total() (at Shop.cs:12)``."""
    if player := _MONO_PLAYER.match(line) or _MONO_JIT.match(line):
        language = language_of(player["path"], "csharp", "cpp", "c")
        # The runtime's name for all that it has compiled, which is no module.
        module = player["module"] if player["module"] != "Mono JIT Code" else None
        return [match_span(player, language, function=player["function"], module=module)]
    if "(Filename:" in line:
        return _unity_place(line)
    matches = list(_MONO_FRAME.finditer(line)) or list(_MONO_UNITY.finditer(line))
    if not matches and (asp := _MONO_ASP.match(line)):
        matches = [asp]
    if not matches:
        return None
    # Modules without sources have a placeholder, or blanks, for the path.
    return [
        match_span(match, "csharp", function=match["function"].strip())
        for match in matches
        if match["path"].strip() and looks_like_a_file(match["path"])
    ]


def _unity_place(line: str) -> Sequence[MatchSpan] | None:
    """Read ``(Filename: Assets/Cart.cs Line: 12)``, which Unity's log adds below a message."""
    match = _MONO_FILENAME.match(line)
    if match and looks_like_a_file(match["path"]):
        return [match_span(match, language_of(match["path"], "csharp", "cpp", "c"))]
    return [] if _MONO_NO_FILENAME.match(line) else None


MONO: Final = Notation("mono", ("] in ", "> in <", "(at ", ".cs:", ".vb:", ".fs:", "(Filename:"), _read_mono)
