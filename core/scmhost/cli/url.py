"""``scmhost url``."""

from collections.abc import Mapping
from typing import Any

import click

from scmhost.sdk import NoUrl, PageRequest, page_url

from .json_lines import Answer, answer_lines, jsonl_option, no_url


@click.command(name="url")
@jsonl_option
def command(*, jsonl: bool) -> None:
    """Make URLs of pages on code hosts.

    A line names the repository by its remote, or by base_url and repo; the kind of host, or a template; and what to
    show: type, ref, ref_kind, path, line, end_line, column. The answer is {"url"}, or {"error", "reason"}.
    """
    del jsonl
    answer_lines(_answer)


def _answer(question: Mapping[str, Any]) -> Answer:
    url = page_url(PageRequest.model_validate(question))
    return no_url(url) if isinstance(url, NoUrl) else {"url": url}
