"""The forms of places that many tools print: a path, and a line behind a colon, in brackets or in words.

``path:line:column`` is that of most compilers, linters and test runners, and of ``grep -n``. ``path(line,column)`` and
``path: message (line:column)`` are those of MSVC, .NET, tsc, Delphi and Babel. ``path: line 12`` and ``path on line 12,
column 5`` are those of shells and parsers.
"""

import re
from typing import Final

from scmhost.frames.frame import Pattern

from .file_names import has_file_name, has_folder
from .forms import COLUMN, LINE, PATH, PlaceForm, has_blanks

# What follows the number; a letter, a percent sign or a fraction would make it a size, a share or a version.
_COLON_END: Final = r"(?![\w%/\\@$]|[.-]\d| (?:bytes|[kKMG]i?B)\b)"
_LINE_RANGE: Final = r"(?:-(?P<last>\d{1,9})(?::\d{1,9})?(?![\d-]))?"
# A column may be the beginning of the text of a line ("cart.css:12:3px") or of a time in it.
_COLON_COLUMN: Final = rf"(?::{COLUMN}(?!:[0-5]\d:[0-5]\d))?"
_COLON_DIGIT: Final = Pattern(r":\d")
# The words before a container image: "Pulling acme/shop.js:12".
_IMAGE: Final = Pattern(
    r"(?:(?:^|\s)(?:FROM|[Pp]ull(?:ed|ing)?|[Pp]ush(?:ed|ing)?|naming to)|\b[Ii]mage:?| image for"
    r"|\b(?:docker|podman) \w[^\n]{0,80}) [\"']?$"
)
_CLOCK: Final = Pattern(r":(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?!\d)")


def _is_a_line(match: re.Match[str]) -> bool:
    """Return whether the numbers are a line and a column, and not the clock or the date after the name of a log."""
    line, last = match["line"], match["last"]
    if _CLOCK.match(match.string, match.end("path")):
        return False
    if match["column"] is None and _IMAGE.search(match.string, max(0, match.start() - 100), match.start()):
        return False
    if last and int(last) < int(match["column"] or line) and ":" not in match.string[match.start("last") : match.end()]:
        return False
    # Some tools print line zero for the whole file. A zero in front is that of a minute.
    return line[0] != "0" or (len(line) == 1 and match.string[match.end("line") :][:1] == ":")


def _is_a_path(match: re.Match[str]) -> bool:
    """Return whether a relative path has blanks in its folders or its name, and no word of a message before it."""
    first = match["path"].partition(" ")[0]
    return "/" in first and "." not in first.lstrip("./") and first[0] != "@" and has_blanks(match)


WITH_COLON: Final = (
    PlaceForm(
        "─[src/my shop/cart.js:12:5]",
        "[",
        Pattern(rf"[╭┌,]?[─-]{{1,4}}\[(?P<path>[^\[\]:\n]{{1,500}}):{LINE}:{COLUMN}(?=\])"),
        at_start=True,
        check=has_blanks,
    ),
    PlaceForm(
        "src/my shop/cart.js:12:5: error",
        ":",
        Pattern(
            r"(?=[\w./-]{1,200} )(?P<path>[^:\n\"'<>|*?=,()\[\]{}]{1,500}\.[A-Za-z]\w{0,9}):"
            rf"{LINE}(?::{COLUMN})?(?=:$|: (?:fatal )?(?:error|warning|note)\b| (?:lint|assist)/)"
        ),
        _COLON_DIGIT,
        at_start=True,
        check=_is_a_path,
    ),
    PlaceForm(
        "location: '/srv/my shop/cart.js:12:5'",
        ":",
        Pattern(
            r"(?P<quote>[\"'])(?P<path>(?:[A-Za-z]:(?=[\\/])|(?=[/.~]))[^\"':\n<>|]{1,500}):"
            rf"{LINE}(?::{COLUMN})?(?P=quote)"
        ),
        _COLON_DIGIT,
        check=has_blanks,
    ),
    PlaceForm(
        "/srv/my shop/cart.py:12: error",
        ":",
        Pattern(
            r"(?P<path>(?:\.{0,2}/|[A-Za-z]:[\\/])[^:\n\"'<>|*?=,]{1,500}\.[A-Za-z]\w{0,9}):"
            rf"{LINE}(?::{COLUMN})?(?=[:\s]|$)"
        ),
        _COLON_DIGIT,
        at_start=True,
        check=has_blanks,
    ),
    PlaceForm(
        "cart.y:12.5-9: error",
        ":",
        Pattern(
            rf"{PATH}(?<=\.y|yy|la|pi|da|tf|cl|rs|90|95|\.f):{LINE}[.,]{COLUMN}(?:-\d{{1,9}}(?:[.,]\d{{1,9}})?)?(?=:|\.?$)"
        ),
        Pattern(r":\d{1,9}[.,]\d"),
    ),
    PlaceForm(
        "src/Cart.hx:12: characters 5-8 : no price",
        ": characters ",
        Pattern(rf"{PATH}:{LINE}: characters {COLUMN}(?:-\d{{1,9}})?"),
    ),
    PlaceForm(
        '"/etc/crontab":4: bad minute',
        '":',
        Pattern(rf"(?:^|\")(?P<path>(?:file:)?[^\":\n]{{1,500}})\":{LINE}(?:\.{COLUMN}(?:-\d{{1,9}}\.\d{{1,9}})?)?: "),
        Pattern(r"\":\d{1,9}[:.]"),
    ),
    PlaceForm(
        "src/cart.vue?vue&type=script:12:5",
        "?",
        Pattern(rf"{PATH}\?[\w.=&%/-]{{1,200}}:{LINE}:{COLUMN}{_COLON_END}"),
        _COLON_DIGIT,
    ),
    PlaceForm(
        "src/cart.py:12:5",
        ":",
        Pattern(rf"{PATH}:{LINE}{_COLON_COLUMN}{_LINE_RANGE}{_COLON_END}"),
        _COLON_DIGIT,
        check=_is_a_line,
    ),
    PlaceForm("Cart.java:[12,8]", ":[", Pattern(rf"{PATH}:\[(?:lines? )?{LINE}(?:,{COLUMN}|-\d{{1,9}})?\]")),
    PlaceForm(
        "Cart.hs:(12,5)-(14,9): error",
        "(",
        Pattern(rf"{PATH}: ?\({LINE}[,:] ?{COLUMN}\)(?:-\(\d{{1,9}}[,:]\d{{1,9}}\))?(?=[:\s])"),
        Pattern(r": ?\(\d"),
    ),
    PlaceForm("cart.sh: 12: total: not found", ": ", Pattern(rf"{PATH}: {LINE}: "), Pattern(r": \d{1,9}: ")),
)
"""A colon before the number."""


# A call such as ``history.go(12)`` looks the same, so what follows counts: a colon, a severity, or the end of the line.
_SEVERITY: Final = (
    r"(?:(?:fatal|catastrophic|internal|command line) )?(?:error|fatal|warning|note|remark|info|hint|message)"
)
_FOLLOWED: Final = Pattern(rf"(?i:(?:\[\w{{1,10}}\])? ?: |:$| {_SEVERITY}\b)|(?P<end>\s*\]?$)")


def _is_no_call(match: re.Match[str]) -> bool:
    """Return whether a message follows, or the path cannot be that of a method."""
    line, start = match.string, match.start("path")
    followed = _FOLLOWED.match(line, match.end())
    if not followed or match["line"] == "0" or not has_file_name(match["path"]):
        return False
    alone = start == 0 or line[:start].endswith(("[", ": ", " in ", " at ", "] ", "> ")) or line[:start].isspace()
    if followed["end"] is None:
        return alone or followed.group() not in (": ", ":", " : ") or has_folder(match["path"])
    return has_folder(match["path"]) or line[start - 1 : start] == "["


def _is_no_process(match: re.Match[str]) -> bool:
    """Return whether the path is that of a source file, and the number not that of a process of syslog."""
    return has_file_name(match["path"])


_BRACKET_COLUMNS: Final = r"(?:[,:] ?(?P<column>\d{1,9}))?(?:(?:[-,] ?|:)\d{1,9}){0,3}"

_BRACKET_DIGIT: Final = Pattern(r"\(\d")
_BRACKET_END: Final = Pattern(r"\(\d{1,9}:\d{1,9}\)$")

IN_BRACKETS: Final = (
    PlaceForm(
        "C:\\my shop\\cart.cs(12,5): error",
        "(",
        Pattern(
            r"(?P<path>(?:[/.]|[A-Za-z]:[\\/])[^:\n\"'<>|*?=,()]{1,500}(?:\(x86\)[^:\n\"'<>|*?=,()]{1,500})?)"
            rf"\({LINE}{_BRACKET_COLUMNS}\)(?= ?: )"
        ),
        _BRACKET_DIGIT,
        at_start=True,
        check=has_blanks,
    ),
    PlaceForm(
        "cart.ts(12,5): error", "(", Pattern(rf"{PATH}\({LINE}{_BRACKET_COLUMNS}\)"), _BRACKET_DIGIT, check=_is_no_call
    ),
    PlaceForm(
        "cart.ts[12, 5]: no price",
        "]:",
        Pattern(rf"{PATH}\[{LINE}(?:, ?{COLUMN})?\](?=:)"),
        Pattern(r"\[\d"),
        check=_is_no_process,
    ),
    PlaceForm("src/cart.js (12:5)", " (", Pattern(rf"{PATH} \({LINE}:{COLUMN}\)"), _BRACKET_DIGIT),
    PlaceForm(
        "cart.c (12): warning V522",
        " (",
        Pattern(rf"{PATH} \({LINE}\)(?=: (?:error|warning|note)\b)"),
        _BRACKET_DIGIT,
    ),
    PlaceForm(
        "(src/cart.njk) [Line 12, Column 5]",
        ") [Line ",
        Pattern(rf"\({PATH}\) \[Line {LINE}, Column {COLUMN}\]"),
    ),
    PlaceForm("(cart.f90: 12)", "(", Pattern(rf"\({PATH}: {LINE}\)"), Pattern(r": \d{1,9}\)")),
    PlaceForm(
        "cart.py (line 12, column 5)",
        "ine",
        Pattern(rf"{PATH},? \((?:at |on )?[Ll]ines?:? {LINE}(?:-\d{{1,9}}|, ?[Cc]ol(?:umn)?:? {COLUMN})?\)"),
        Pattern(r"ines?:? \d"),
    ),
    PlaceForm(
        "SyntaxError: src/cart.jsx: no comma (12:3)",
        ": ",
        Pattern(
            rf"(?:[^\n:]{{0,100}}: ){{0,3}}?(?=\S{{0,1000}}[./\\]){PATH}:"
            rf" (?P<message>[^\n]*) \({LINE}:{COLUMN}\)$"
        ),
        _BRACKET_END,
        at_start=True,
    ),
    PlaceForm(
        "SyntaxError: /srv/my shop/cart.jsx: no comma (12:3)",
        ": ",
        Pattern(
            r"(?:[^\n:/]{0,100}: ){0,3}?(?P<path>(?:/|[A-Za-z]:[\\/])[^:\n]{1,500}):"
            rf" (?P<message>[^\n]*) \({LINE}:{COLUMN}\)$"
        ),
        _BRACKET_END,
        at_start=True,
    ),
)
"""A parenthesis or a bracket before the number."""


_WORD_DIGIT: Final = Pattern(r"ines?:? \d")
_LINE_WORD: Final = r"[,:]? (?:error )?(?:(?:on|at|in|near) |@ )?[Ll]ines?:? "
_WORDED_NUMBER: Final = (
    rf"{LINE}(?:-\d{{1,9}})?(?:,? ?(?:and )?(?:[Cc]ol(?:umn)?|char(?:acter)?s?|position|offset)\b\.?:? ?{COLUMN})?"
)
_QUOTED: Final = r"(?P<quote>\\?[\"'`])(?P<path>[^\"'`\n<>]{1,500}?)(?P=quote)"
_TO_THE_END: Final = r"(?P<path>/[^:\"'\n(),]{1,500})(?=:?$)"
_LINE_OF: Final = rf"\b[Ll]ines? {_WORDED_NUMBER} (?:of|in)(?: the)?(?: file)?:? "

IN_WORDS: Final = (
    PlaceForm(
        'in "cart.yml", line 12, column 5', "ine", Pattern(rf"{_QUOTED}{_LINE_WORD}{_WORDED_NUMBER}"), _WORD_DIGIT
    ),
    PlaceForm(
        "/srv/my shop/cart.sh: line 12: not found",
        ": line ",
        Pattern(rf"(?P<path>(?:/|[A-Za-z]:[\\/])[^:\n\"'<>|*?=,]{{1,500}}): line {LINE}:"),
        at_start=True,
        check=has_blanks,
    ),
    PlaceForm(
        "on my shop/main.tf line 12, in resource",
        " line ",
        Pattern(rf"(?:on|[Ii]n) (?P<path>[^\":\n,]{{1,500}}) line {LINE}[,:]"),
        at_start=True,
    ),
    PlaceForm(
        "in file my shop/cart.bats, line 12",
        "ile",
        Pattern(rf"(?i:\bfile(?:name)?:?) (?P<path>[^,\"'\n()]{{1,260}}?),? [Ll]ine:? {_WORDED_NUMBER}"),
        _WORD_DIGIT,
    ),
    PlaceForm("cart.py on line 12", "ine", Pattern(rf"{PATH}{_LINE_WORD}{_WORDED_NUMBER}"), _WORD_DIGIT),
    PlaceForm(
        "pom.xml: expected START_TAG @ line 12, column 5",
        " @ line ",
        Pattern(rf"{PATH}'?: (?:\d{{1,9}}: )?(?P<message>[^@\n]{{0,500}}) @ line {LINE}, column {COLUMN}"),
    ),
    PlaceForm(
        "(cart.yml): no key at line 12 column 5",
        "): ",
        Pattern(rf"\({PATH}\): (?P<message>[^\n]{{0,300}}?) at line {LINE} column {COLUMN}"),
        _WORD_DIGIT,
    ),
    PlaceForm(
        "lib/Cart.pm: no strictures at line 12, column 5.",
        " at line ",
        Pattern(rf"{PATH}: (?P<message>[^\n]{{0,300}}?) at line {LINE},? column {COLUMN}"),
        Pattern(r" at line \d{1,9},? column \d"),
        at_start=True,
    ),
    PlaceForm(
        "cart.pp - WARNING: no name on line 12",
        " on line ",
        Pattern(rf"{PATH} - (?P<message>(?:WARNING|ERROR): [^\n]{{0,300}}?) on line {LINE}"),
    ),
    PlaceForm(
        "src/lib.rs - total (line 12)",
        " (line ",
        Pattern(rf"{PATH} - (?P<message>[^\n()]{{0,200}}) \(line {LINE}\)"),
    ),
    PlaceForm(
        "(line 12): no tag in /srv/shop/cart.md",
        "(line ",
        Pattern(rf"\(line {LINE}\): (?P<message>[^\n]{{0,300}}?) in {PATH}$"),
    ),
    PlaceForm("at line 12 src/cart.cljs", "line", Pattern(rf"\bline:? {LINE} {PATH}$"), _WORD_DIGIT),
    PlaceForm("at line 12 in file: 'cart.sql'", "ine", Pattern(_LINE_OF + _QUOTED), _WORD_DIGIT),
    PlaceForm(
        "line 12 of /srv/my shop/Snakefile:", "ine", Pattern(_LINE_OF + _TO_THE_END), _WORD_DIGIT, check=has_blanks
    ),
    PlaceForm("line 12 of cart.conf", "ine", Pattern(_LINE_OF + PATH), _WORD_DIGIT),
    PlaceForm(
        "parsing cart.yml: error converting YAML to JSON: yaml: line 12: no key",
        "yaml: line ",
        Pattern(rf"{PATH}: (?:[^:\n]{{1,80}}: )?yaml: line {LINE}"),
    ),
)
"""A ``line`` of words and a number, after or before the path."""
