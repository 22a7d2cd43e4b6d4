"""``scmhost read-url``."""

from typing import Final

import click

from scmhost.sdk import read_url

from .json_lines import Answer, Question, jsonl_option
from .url_lines import answer_urls

LINES: Final = """
\b
Each line in:  {"url", "kind", "refs"}
Each line out: {"candidates": [{"repo", "ref", "ref_kind", "path", "line", "end_line"}]} or {"error", "reason"}
"""


class PastedUrl(Question):
    """A page's URL, the kind of its host where that is not known by its name, and the refs that are known."""

    url: str
    kind: str | None = None
    refs: tuple[str, ...] | None = None


@click.command(name="read-url", epilog=LINES)
@jsonl_option
def command(*, _jsonl: bool) -> None:
    """Find the places that URLs of pages on code hosts mean, most likely first."""
    answer_urls(PastedUrl, candidates)


def candidates(question: PastedUrl) -> Answer:
    """The places; none when it is no page of a host that is known."""
    found = read_url(question.url, question.kind or None, question.refs or ())
    return {"candidates": [candidate.model_dump(mode="json") for candidate in found]}
