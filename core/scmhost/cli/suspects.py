"""``scmhost suspects``: the commits that may have introduced an error."""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import click

from .context import echo, echo_error, echo_json, json_option, read_input
from .json_lines import answer_lines

if TYPE_CHECKING:
    from scmhost.checkout.suspects import CheckoutSuspects
    from scmhost.suspects.rows import SuspectsRow

_SHORT_SHA: Final = 12
_LINES: Final = """
\b
With --jsonl:
Each line in:  {"frames", "commits", "first_seen", "blame", "region"}
Each line out: {"suspects": [{"sha", "score", "confidence"}]}, with "reason" if there are none
"""


class _Moment(click.ParamType[datetime]):
    """A date, or a date and time; without an offset it is local."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        try:
            return datetime.fromisoformat(value).astimezone()
        except ValueError:
            self.fail(f"{value!r} is no date; write for example 2026-11-29T14:00:00+01:00", param, ctx)


@click.command(name="suspects", epilog=_LINES)
@click.argument("file", default="-", metavar="[FILE|-]")
@click.option(
    "--release",
    "--range",
    "revisions",
    metavar="A..B",
    help="The commits of the release in which the error was first seen. They alone are suspects; the lines of the "
    "trace are those of B.",
)
@click.option("--since", metavar="DATE", help="Leave out commits before this date, in any form that git reads.")
@click.option("--first-seen", type=_Moment(), metavar="DATE", help="Leave out commits after this date.")
@click.option("--map", "maps", multiple=True, metavar="STACK=SOURCE", help="Replace a path prefix; repeatable.")
@click.option("--kind", metavar="KIND", help="The kind of code host, if its host name does not show it.")
@json_option
@click.option("--jsonl", is_flag=True, help="Answer questions on standard input, one per line, without a checkout.")
def suspects(*, file: str, jsonl: bool, as_json: bool, maps: tuple[str, ...], **options: Any) -> None:
    """Find the commits that may have introduced an error.

    Reads a stack trace from FILE or standard input, in a git checkout. git's blame and log of the trace's lines and
    files are compared. At most five commits are printed, the most probable first, with the reasons.
    """
    if jsonl:
        from scmhost.suspects.rows import SuspectsRow

        answer_lines(SuspectsRow, _answer)
        return
    from scmhost.checkout.suspects import HistoryOptions, find_suspects

    from .link_sources import read_mapping

    mappings = tuple(read_mapping(text) for text in maps)
    found = find_suspects(read_input(file), HistoryOptions(mappings=mappings, **options))
    if as_json:
        echo_json(_facts(found))
        return
    for line in _text(found):
        echo(line)
    for note in [*found.notes, *filter(None, [found.answer.reason])]:
        echo_error(note)


def _answer(row: "SuspectsRow") -> dict[str, object]:
    from scmhost.suspects import rank

    answer = rank(row.question())
    listed = [{"sha": one.sha, "score": one.score, "confidence": one.confidence} for one in answer.suspects]
    return {"suspects": listed, **({"reason": answer.reason} if answer.reason else {})}


def _text(found: "CheckoutSuspects") -> Iterator[str]:
    from scmhost.checkout.formats import printable

    for number, suspect in enumerate(found.answer.suspects, 1):
        commit = found.commits[suspect.sha]
        yield f"{number}. {suspect.sha[:_SHORT_SHA]}  {suspect.confidence}  {printable(commit.subject)}"
        yield f"   {printable(commit.author_name)} <{printable(commit.author_email)}>, {commit.timestamp}"
        yield from (f"   {printable(reason)}" for reason in suspect.evidence)
        if commit.url:
            yield f"   {commit.url}"
    if found.compare_url:
        yield f"All changes: {found.compare_url}"


def _facts(found: "CheckoutSuspects") -> dict[str, object]:
    return {
        "suspects": [
            {
                "sha": suspect.sha,
                "score": suspect.score,
                "confidence": suspect.confidence,
                "evidence": list(suspect.evidence),
                "subject": found.commits[suspect.sha].subject,
                "author": {
                    "name": found.commits[suspect.sha].author_name,
                    "email": found.commits[suspect.sha].author_email,
                },
                "date": found.commits[suspect.sha].timestamp,
                "url": found.commits[suspect.sha].url,
            }
            for suspect in found.answer.suspects
        ],
        "reason": found.answer.reason,
        "compareUrl": found.compare_url,
        "frames": [{"path": frame.path, "line": frame.line, "function": frame.function} for frame in found.frames],
        "notes": list(found.notes),
    }
