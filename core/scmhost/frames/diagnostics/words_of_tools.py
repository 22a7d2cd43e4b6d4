"""Places in forms that only one tool or one family of tools prints, and in fields that belong together."""

from typing import Final

from scmhost.frames.match_spans import Pattern

from .forms import COLUMN, LINE, PATH, Form

# "acme/next.js#12" is an issue.
_ISSUE: Final = Pattern(
    r"(?:(?!(?:src|lib|app|tests?|spec|docs?|scripts?|cmd|pkg|internal)/)[\w.-]{1,60}/)?[\w.-]{1,60}\.(?:js|rs|go|py|ts|cr|nim|sh|net|md)$"
)

FORMS: Final = (
    # Black: "error: cannot format cart.py: Cannot parse for target version Python 3.12: 12:5: total(".
    Form("cannot format ", Pattern(rf"cannot format {PATH}: Cannot [^\n]{{1,80}}?: {LINE}:{COLUMN}: ")),
    # webpack and Sass: "@ ./src/cart.js 12:5-20", "ERROR in ./src/cart.js 12:5", "src/cart.scss 12:5  root stylesheet".
    Form(
        " ",
        Pattern(
            rf"(?:@ |(?:(?:ERROR|WARNING) )?in |[│╵ ]{{0,4}}){PATH} {LINE}:{COLUMN}"
            rf"(?:-\d{{1,9}}(?::\d{{1,9}})?)?(?=  | \d|$)"
        ),
        near=Pattern(r" \d{1,9}:\d"),
        at_start=True,
    ),
    # Go's "%+v", and log entries with fields: Path:"/srv/cart.go", Func:"total", Line:12.
    Form(
        "ine:",
        Pattern(
            rf"\b(?i:path|file(?:name)?):\s?\"(?P<path>[^\"\n]{{1,500}})\","
            rf"(?: \w{{1,30}}:\s?\"[^\"\n]{{0,300}}\",){{0,3}}"
            rf" [Ll]ine:\s?{LINE}"
        ),
    ),
    Form("line=", Pattern(rf"\bfile(?:name)?=\"?(?P<path>[^\"\s,;=]{{1,500}})\"?[,; ] ?line={LINE}")),
    Form("psql:", Pattern(rf"psql:(?P<path>[^:\"\n]{{1,500}}):{LINE}: "), at_start=True),
    # busted: "spec/cart_spec.lua @ 12".
    Form(" @ ", Pattern(rf"{PATH} @ {LINE}$")),
    # Links to lines: "src/cart.py#L12", "src/cart.py#L12-L15".
    Form("#L", Pattern(rf"{PATH}#L{LINE}(?:C{COLUMN})?(?:-L?\d{{1,9}}(?:C\d{{1,9}})?)?(?!\w)")),
    Form(
        "#",
        Pattern(rf"{PATH}#{LINE}(?::{COLUMN}|-\d{{1,9}})?(?![\w.-])"),
        near=Pattern(r"#\d"),
        check=lambda match: not _ISSUE.match(match["path"]),
    ),
)
