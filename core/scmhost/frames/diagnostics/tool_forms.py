"""Places in forms that few tools print: webpack, Sass, Black, psql, busted, and links to lines."""

import re
from typing import Final

from scmhost.frames.match_spans import Pattern

from .forms import COLUMN, LINE, PATH, PlaceForm, has_blanks

_FOLDERS: Final = r"(?:src|lib|app|tests?|spec|docs?|scripts?|cmd|pkg|internal)/"
_REPOSITORY: Final = Pattern(rf"(?:(?!{_FOLDERS})[\w.-]{{1,60}}/)?[\w.-]{{1,60}}\.(?:js|rs|go|py|ts|cr|nim|sh|net|md)$")


def _is_no_issue(match: re.Match[str]) -> bool:
    """Return whether the path is not that of a repository: "acme/next.js#12" is an issue."""
    return _REPOSITORY.match(match["path"]) is None


FORMS: Final = (
    PlaceForm(
        "cannot format cart.py: Cannot parse: 12:5: total(",
        "cannot format ",
        Pattern(rf"cannot format {PATH}: Cannot [^\n]{{1,80}}?: {LINE}:{COLUMN}: "),
    ),
    PlaceForm(
        "@ ./src/cart.js 12:5-20",
        " ",
        Pattern(
            rf"(?:@ |(?:(?:ERROR|WARNING) )?in |[│╵ ]{{0,4}}){PATH} {LINE}:{COLUMN}"
            r"(?:-\d{1,9}(?::\d{1,9})?)?(?=  | \d|$)"
        ),
        Pattern(r" \d{1,9}:\d"),
        at_start=True,
    ),
    PlaceForm(
        'Path:"/srv/cart.go", Func:"total", Line:12',
        "ine:",
        Pattern(
            r"\b(?i:path|file(?:name)?):\s?\"(?P<path>[^\"\n]{1,500})\","
            rf"(?: \w{{1,30}}:\s?(?:\"[^\"\n]{{0,300}}\"|\d{{1,20}}),){{0,3}} [Ll]ine:\s?{LINE}"
            rf"(?:, [Cc]olumn:\s?{COLUMN})?"
        ),
    ),
    PlaceForm(
        "[File:D:\\shop\\Cart.h] [Line: 12]",
        "[Line:",
        Pattern(rf"\[File: ?(?P<path>[^\]\n]{{1,500}})\] \[Line: ?{LINE}\]"),
    ),
    PlaceForm(
        "*** Assertion failure in -[Cart total], /Users/dev/my shop/Cart.m:12",
        "Assertion failure in ",
        Pattern(rf"Assertion failure in [^\n]{{1,300}}, (?P<path>/[^:,\n\"]{{1,500}}):{LINE}$"),
    ),
    PlaceForm(
        "file=cart.py line=12",
        "line",
        Pattern(
            rf"\bfile(?:name)?=\"?(?P<path>[^\"\s,;=]{{1,500}})\"?[,; ] ?(?:(?:message|func_name)=[^\n=]{{0,300}} )?"
            rf"line(?:no)?={LINE}(?:[, ] ?col(?:umn)?={COLUMN})?"
        ),
        Pattern(r"line(?:no)?=\d"),
    ),
    PlaceForm(
        "lineno=12 filename=cart.py",
        "lineno=",
        Pattern(rf"\blineno={LINE} (?:\w{{1,30}}=\S{{1,100}} ){{0,3}}(?:filename|pathname)={PATH}(?=\s|$)"),
    ),
    PlaceForm(
        "CMake Error at C:/my shop/CMakeLists.txt:12 (message):",
        "CMake ",
        Pattern(rf"CMake [\w ()]{{1,60}} at (?P<path>(?:[A-Za-z]:(?=/))?[^:\n\"]{{1,500}}):{LINE}(?= \(|:$)"),
        at_start=True,
        check=has_blanks,
    ),
    PlaceForm(
        "psql:my shop/cart.sql:12: ERROR: no price",
        "psql:",
        Pattern(rf"psql:(?P<path>[^:\"\n]{{1,500}}):{LINE}: "),
        at_start=True,
    ),
    PlaceForm(
        "node:internal/modules/cjs/loader:1228",
        "node:",
        Pattern(rf"(?P<path>node:[a-z][\w/]{{1,100}}):{LINE}(?::{COLUMN})?$"),
        at_start=True,
    ),
    PlaceForm("spec/cart_spec.lua @ 12", " @ ", Pattern(rf"{PATH} @ {LINE}$")),
    PlaceForm(
        "src/cart.py#L12-L15",
        "#L",
        Pattern(rf"{PATH}#L{LINE}(?:C{COLUMN})?(?:-L?\d{{1,9}}(?:C\d{{1,9}})?)?(?!\w)"),
    ),
    PlaceForm(
        "lib/cart.rb#12",
        "#",
        Pattern(rf"{PATH}#{LINE}(?::{COLUMN}|-\d{{1,9}})?(?![\w.-])"),
        Pattern(r"#\d"),
        check=_is_no_issue,
    ),
)
"""Forms with few users."""
