"""R: tracebacks with source references, backtraces of rlang, and places in testthat, Shiny, knitr and R CMD check."""

from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import LINE, LINE_COLUMN, MatchSpan, Pattern, match_span
from scmhost.frames.notation import ContextLines, Notation

_DRIVE: Final = r"(?:[A-Za-z]:(?=[\\/]))?"
_EXTENSION: Final = r"\.(?:[Rr]|Rmd|Rnw|qmd)"
# A path with blanks ends before the next word that may precede one; so the work stays small on hostile lines.
_PATH: Final = rf"(?P<path>{_DRIVE}(?:[^\s:\"'`<>|()\[\]#@‘]| (?!at |from |in )){{1,300}}?{_EXTENSION})"
_WORD: Final = rf"(?P<path>{_DRIVE}[^\s:\"'`<>|()\[\]#@‘]{{1,300}}{_EXTENSION})"
# traceback() has "3: total(x) at cart.R#12", Shiny "98: total [cart.R#12]", recover() "4: cart.R#12: total(x)".
_REFERENCE: Final = Pattern(rf"(?:(?<![^\s(])at |from |[\[@]|\d: ){_PATH}#{LINE}")
_AT: Final = Pattern(rf"(?<!\S)at {_PATH}:{LINE_COLUMN}(?!\S*\w)")
# Before 1.0 rlang printed no "at".
_TREE: Final = Pattern(rf"\d{{1,6}}\. .{{0,2000}}\) {_WORD}:{LINE_COLUMN}$")
# testthat, R CMD check, knitr and roxygen2.
_ENCLOSED: Final = Pattern(rf"[(\['‘]{_PATH}[:#]{LINE_COLUMN}(?:-\d{{1,9}})?[)\]'’]")
_SKIPPED: Final = Pattern(rf"[•*-] .{{0,500}}: {_PATH}:{LINE_COLUMN}$")
_PARSED: Final = Pattern(
    rf"(?:[^:\n]{{1,300}} : ?)?{_PATH}:{LINE_COLUMN}: (?=unexpected |unmatched |invalid |unknown )"
)
_KNITR: Final = Pattern(rf"Quitting from {_PATH}:{LINE}(?:-\d{{1,9}})?")
_KNITR_BEFORE: Final = Pattern(rf"Quitting from lines {LINE}-\d{{1,9}} (?:\[[^\]\n]{{0,100}}\] )?\({_PATH}\)")
_DIAGNOSTICS: Final = (_SKIPPED, _PARSED, _KNITR, _KNITR_BEFORE)
_SYMBOL: Final = Pattern(
    r"(?<!\S)(?:\d{1,6}[.:] [│├└─┬█▆ ]{0,200}|Error in `?)"
    r"(?P<symbol>[^\s()\[\]`:]{1,200}(?::{2,3}[^\s()`:]{1,200})?)(?:\(| \[)"
)


def _read(line: str, _context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read ``3: total(x) at cart.R#12``, and rlang's ``1. └─shop::total(1) at R/cart.R:12:3``."""
    frames = [*_REFERENCE.finditer(line)] or [*_AT.finditer(line)]
    if not frames and (tree := _TREE.match(line)):
        frames = [tree]
    if frames:
        symbol = _SYMBOL.search(line)
        function = symbol["symbol"] if symbol else None
        return [match_span(match, "r", function=function) for match in frames]
    places = [*_ENCLOSED.finditer(line)]
    if not places and (match := next((match for form in _DIAGNOSTICS if (match := form.match(line))), None)):
        places = [match]
    return [match_span(match, "r", kind="diagnostic") for match in places] or None


R: Final = Notation("r", (".R:", ".R#", ".Rmd", ".Rnw", ".r:", ".r#", ".qmd"), _read)
