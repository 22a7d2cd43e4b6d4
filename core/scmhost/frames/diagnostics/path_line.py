"""``path:line`` and ``path:line:column``, the form of most compilers, linters and test runners, and of ``grep -n``."""

import re
from typing import Final

from scmhost.frames.match_spans import Pattern

from .forms import COLUMN, LINE, PATH, Form, has_blanks

# What follows the number; a letter, a percent sign or a fraction would make it a size, a share or a version.
_END: Final = r"(?![\w%/\\@$]|[.-]\d)"
_RANGE: Final = r"(?:-(?P<last>\d{1,9})(?::\d{1,9})?(?![\d-]))?"
# A column may be the beginning of the text of a line ("cart.css:12:3px") or of a time in it.
_COLUMN: Final = rf"(?::{COLUMN}(?!:[0-5]\d:[0-5]\d))?"
_CLOCK: Final = Pattern(r":(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?!\d)")


def _is_a_line(match: re.Match[str]) -> bool:
    """Return whether the numbers are a line and a column, and not the clock or the date after the name of a log."""
    line, last = match["line"], match["last"]
    if _CLOCK.match(match.string, match.end("path")):
        return False
    if last and int(last) < int(match["column"] or line) and ":" not in match.string[match.start("last") : match.end()]:
        return False
    # Some tools print line zero for the whole file. A zero in front is that of a minute.
    return line[0] != "0" or (len(line) == 1 and match.string[match.end("line") :][:1] == ":")


FORMS: Final = (
    Form(
        ":",
        Pattern(
            rf"(?P<quote>[\"'])(?P<path>(?:[A-Za-z]:(?=[\\/]))?[^\"':\n<>|]{{1,500}}):{LINE}(?::{COLUMN})?(?P=quote)"
        ),
        check=has_blanks,
    ),
    Form(
        ":",
        Pattern(
            rf"(?P<path>(?:/|[A-Za-z]:[\\/])[^:\n\"'<>|*?=,]{{1,500}}\.[A-Za-z]\w{{0,9}}):{LINE}(?::{COLUMN})?:?(?=\s|$)"
        ),
        at_start=True,
        check=has_blanks,
    ),
    # Bison, Vala and Agda: "cart.y:12.5-9: error", "Cart.agda:12,5-9".
    *(
        Form(hint, Pattern(rf"{PATH}:{LINE}[.,]{COLUMN}(?:-\d{{1,9}}(?:[.,]\d{{1,9}})?)?(?=:|$)"))
        for hint in (".y:", ".yy:", ".vala:", ".agda:")
    ),
    Form(":", Pattern(rf"{PATH}:{LINE}{_COLUMN}{_RANGE}{_END}"), near=Pattern(r":\d"), check=_is_a_line),
    # Maven and SpotBugs: "Cart.java:[12,8]", "Cart.java:[lines 12-15]".
    Form(":[", Pattern(rf"{PATH}:\[(?:lines? )?{LINE}(?:,{COLUMN}|-\d{{1,9}})?\]")),
    # GHC and Kotlin: "Cart.hs:(12,5)-(14,9): error", "Cart.kt: (12, 5): error".
    *(
        Form(hint, Pattern(rf"{PATH}: ?\({LINE}, ?{COLUMN}\)(?:-\(\d{{1,9}},\d{{1,9}}\))?(?=:)"))
        for hint in (":(", ": (")
    ),
    # Groovy repeats the line: "cart.groovy: 12: unexpected token @ line 12, column 5."
    Form(" @ line ", Pattern(rf"{PATH}: {LINE}: (?P<message>[^@\n]{{0,500}}) @ line \d{{1,9}}, column {COLUMN}")),
    # dash and zsh: "cart.sh: 12: total: not found".
    Form(": ", Pattern(rf"{PATH}: {LINE}: "), near=Pattern(r": \d{1,9}: ")),
)
