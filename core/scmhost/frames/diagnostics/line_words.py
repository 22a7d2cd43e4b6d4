"""Places in words: ``path: line 12``, ``path on line 12, column 5``, ``"path", line 12``, ``line 12 of path``."""

from typing import Final

from scmhost.frames.match_spans import Pattern

from .forms import COLUMN, LINE, PATH, Form, has_blanks

_WORD: Final = r"[,:]? (?:(?:on|at|in|near) |@ )?[Ll]ines?:? "
_NUMBER: Final = (
    rf"{LINE}(?:-\d{{1,9}})?(?:,? ?(?:and )?(?:col(?:umn)?|char(?:acter)?s?|position|offset)\b\.?:? ?{COLUMN})?"
)
_QUOTED: Final = r"(?P<quote>\\?[\"'`])(?P<path>[^\"'`\n<>]{1,500}?)(?P=quote)"

_TO_THE_END: Final = r"(?P<path>/[^:\"'\n(),]{1,500})(?=:?$)"

FORMS: Final = (
    # PyYAML, Ansible, Nextflow: "in "cart.yml", line 12, column 5", "in 'cart.yml': line 12", "'main.nf' at line: 12".
    *(Form(hint, Pattern(rf"{_QUOTED}{_WORD}{_NUMBER}")) for hint in (" line ", " line: ", " lines ", " Line ")),
    # bash: "/srv/my shop/cart.sh: line 12: total: command not found".
    Form(
        ": line ",
        Pattern(rf"(?P<path>(?:/|[A-Za-z]:[\\/])[^:\n\"'<>|*?=,]{{1,500}}): line {LINE}:"),
        at_start=True,
        check=has_blanks,
    ),
    # Terraform, ShellCheck: the path is all that is between "on" or "In" and "line".
    Form(" line ", Pattern(rf"(?:on|[Ii]n) (?P<path>[^\":\n,]{{1,500}}) line {LINE}[,:]"), at_start=True),
    # bats, Puppet, Unity: "(in test file test/my cart.bats, line 18)", "(file: cart.pp, line: 12, column: 5)".
    *(
        Form(hint, Pattern(rf"(?i:\bfile(?:name)?:?) (?P<path>[^,\"'\n()]{{1,500}}?),? [Ll]ine:? {_NUMBER}"))
        for hint in (" line ", " line: ", " Line: ")
    ),
    *(Form(hint, Pattern(rf"{PATH}{_WORD}{_NUMBER}")) for hint in (" line ", " line: ", " lines ", " Line ")),
    # Apache, Snakemake, MySQL: "on line 12 of /etc/my shop/httpd.conf:", "at line 12 in file: 'cart.sql'".
    *(
        Form(hint, Pattern(rf"\b[Ll]ines? {_NUMBER} (?:of|in)(?: the)?(?: file)?:? {path}"), check=check)
        for hint in ("line ", "lines ")
        for path, check in ((_QUOTED, None), (_TO_THE_END, has_blanks), (PATH, None))
    ),
    # kubectl, Helm: "error parsing cart.yml: error converting YAML to JSON: yaml: line 12: did not find ...".
    Form("yaml: line ", Pattern(rf"{PATH}: (?:[^:\n]{{1,80}}: )?yaml: line {LINE}")),
)
