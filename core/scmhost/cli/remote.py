"""``scmhost remote``."""

from typing import Final

import click

from scmhost.sdk import read_remote

from .json_lines import Answer, Question, jsonl_option
from .url_lines import answer_urls

LINES: Final = """
\b
Each line in:  {"remote", "kind"}
Each line out: {"host", "port", "owner", "repo", "path", "kind", "web_url"} or {"error", "reason"}
"""


class NamedRemote(Question):
    """A remote, and the kind of its host where that is not known by its name."""

    remote: str
    kind: str | None = None


@click.command(name="remote", epilog=LINES)
@jsonl_option
def command(*, _jsonl: bool) -> None:
    """Take remotes of repositories apart. Users, passwords and tokens are left out."""
    answer_urls(NamedRemote, remote)


def remote(question: NamedRemote) -> Answer:
    """The remote's parts, and the repository's web page."""
    return read_remote(question.remote, question.kind or None).model_dump(mode="json", exclude={"base_url"})
