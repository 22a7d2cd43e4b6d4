"""``scmhost read-url``."""

from collections.abc import Mapping
from typing import Any

import click
from pydantic import BaseModel

from scmhost.sdk import read_url

from .json_lines import Answer, answer_lines, jsonl_option


class _Question(BaseModel):
    url: str
    kind: str | None = None
    refs: list[str] | None = None


@click.command(name="read-url")
@jsonl_option
def command(*, jsonl: bool) -> None:
    """Find the places that URLs of pages on code hosts mean.

    A line is {"url"}, with "kind" where the host is not known by its name and "refs" where some are known. The answer
    is {"candidates"}, each {"repo", "ref", "ref_kind", "path", "line", "end_line"}, most likely first.
    """
    del jsonl
    answer_lines(_answer)


def _answer(question: Mapping[str, Any]) -> Answer:
    asked = _Question.model_validate(question)
    found = read_url(asked.url, asked.kind or None, asked.refs or ())
    return {"candidates": [candidate.model_dump(mode="json") for candidate in found]}
