"""``path:line`` and ``path:line:column``, the form of most compilers, linters and test runners, and of ``grep -n``."""

import re
from typing import Final

from scmhost.frames.frame import Pattern

from .forms import COLUMN, LINE, PATH, PlaceForm, has_blanks

# What follows the number; a letter, a percent sign or a fraction would make it a size, a share or a version.
_END: Final = r"(?![\w%/\\@$]|[.-]\d| (?:bytes|[kKMG]i?B)\b)"
_RANGE: Final = r"(?:-(?P<last>\d{1,9})(?::\d{1,9})?(?![\d-]))?"
# A column may be the beginning of the text of a line ("cart.css:12:3px") or of a time in it.
_COLUMN: Final = rf"(?::{COLUMN}(?!:[0-5]\d:[0-5]\d))?"
_NEAR: Final = Pattern(r":\d")
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


FORMS: Final = (
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
        _NEAR,
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
        _NEAR,
        check=has_blanks,
    ),
    PlaceForm(
        "/srv/my shop/cart.py:12: error",
        ":",
        Pattern(
            r"(?P<path>(?:\.{0,2}/|[A-Za-z]:[\\/])[^:\n\"'<>|*?=,]{1,500}\.[A-Za-z]\w{0,9}):"
            rf"{LINE}(?::{COLUMN})?(?=[:\s]|$)"
        ),
        _NEAR,
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
        "src/cart.vue?vue&type=script:12:5", "?", Pattern(rf"{PATH}\?[\w.=&%/-]{{1,200}}:{LINE}:{COLUMN}{_END}"), _NEAR
    ),
    PlaceForm("src/cart.py:12:5", ":", Pattern(rf"{PATH}:{LINE}{_COLUMN}{_RANGE}{_END}"), _NEAR, check=_is_a_line),
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
