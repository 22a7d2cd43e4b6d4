"""Places in words: ``path: line 12``, ``path on line 12, column 5``, ``"path", line 12``, ``line 12 of path``."""

from typing import Final

from scmhost.frames.frame import Pattern

from .forms import COLUMN, LINE, PATH, PlaceForm, has_blanks

_NEAR: Final = Pattern(r"ines?:? \d")
_WORD: Final = r"[,:]? (?:error )?(?:(?:on|at|in|near) |@ )?[Ll]ines?:? "
_NUMBER: Final = (
    rf"{LINE}(?:-\d{{1,9}})?(?:,? ?(?:and )?(?:[Cc]ol(?:umn)?|char(?:acter)?s?|position|offset)\b\.?:? ?{COLUMN})?"
)
_QUOTED: Final = r"(?P<quote>\\?[\"'`])(?P<path>[^\"'`\n<>]{1,500}?)(?P=quote)"
_TO_THE_END: Final = r"(?P<path>/[^:\"'\n(),]{1,500})(?=:?$)"
_LINE_OF: Final = rf"\b[Ll]ines? {_NUMBER} (?:of|in)(?: the)?(?: file)?:? "

FORMS: Final = (
    PlaceForm('in "cart.yml", line 12, column 5', "ine", Pattern(rf"{_QUOTED}{_WORD}{_NUMBER}"), _NEAR),
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
        Pattern(rf"(?i:\bfile(?:name)?:?) (?P<path>[^,\"'\n()]{{1,260}}?),? [Ll]ine:? {_NUMBER}"),
        _NEAR,
    ),
    PlaceForm("cart.py on line 12", "ine", Pattern(rf"{PATH}{_WORD}{_NUMBER}"), _NEAR),
    PlaceForm(
        "pom.xml: expected START_TAG @ line 12, column 5",
        " @ line ",
        Pattern(rf"{PATH}'?: (?:\d{{1,9}}: )?(?P<message>[^@\n]{{0,500}}) @ line {LINE}, column {COLUMN}"),
    ),
    PlaceForm(
        "(cart.yml): no key at line 12 column 5",
        "): ",
        Pattern(rf"\({PATH}\): (?P<message>[^\n]{{0,300}}?) at line {LINE} column {COLUMN}"),
        _NEAR,
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
    PlaceForm("at line 12 src/cart.cljs", "line", Pattern(rf"\bline:? {LINE} {PATH}$"), _NEAR),
    PlaceForm("at line 12 in file: 'cart.sql'", "ine", Pattern(_LINE_OF + _QUOTED), _NEAR),
    PlaceForm("line 12 of /srv/my shop/Snakefile:", "ine", Pattern(_LINE_OF + _TO_THE_END), _NEAR, check=has_blanks),
    PlaceForm("line 12 of cart.conf", "ine", Pattern(_LINE_OF + PATH), _NEAR),
    PlaceForm(
        "parsing cart.yml: error converting YAML to JSON: yaml: line 12: no key",
        "yaml: line ",
        Pattern(rf"{PATH}: (?:[^:\n]{{1,80}}: )?yaml: line {LINE}"),
    ),
)
"""A ``line`` of words and a number, after or before the path."""
