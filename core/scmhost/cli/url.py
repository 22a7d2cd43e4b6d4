"""``scmhost url``."""

from typing import Final

import click

from scmhost.sdk import NoUrl, PageRequest, page_url

from .json_lines import Answer, jsonl_option
from .url_lines import answer_urls

LINES: Final = """
\b
Each line in:  {"kind", "remote" or "base_url" and "repo", "template", "type", "ref", "ref_kind", "path", "line",
                "end_line", "column", "end_column", "base", "head"}
Each line out: {"url"} or {"error", "reason"}
"""


@click.command(name="url", epilog=LINES)
@jsonl_option
def command(*, _jsonl: bool) -> None:
    """Make URLs of pages on code hosts.

    A line names the repository by its remote, or by a base URL and a path; the kind of host, or a template; and what
    to show.
    """
    answer_urls(PageRequest, url)


def url(request: PageRequest) -> Answer | NoUrl:
    """The page's URL, or why there is none."""
    found = page_url(request)
    return found if isinstance(found, NoUrl) else {"url": found}
