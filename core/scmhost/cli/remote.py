"""``scmhost remote``."""

from collections.abc import Mapping
from typing import Any

import click
from pydantic import BaseModel

from scmhost.sdk import read_remote

from .json_lines import Answer, answer_lines, jsonl_option


class _Question(BaseModel):
    remote: str
    kind: str | None = None


@click.command(name="remote")
@jsonl_option
def command(*, jsonl: bool) -> None:
    """Take remotes of repositories apart.

    A line is {"remote"}, with "kind" where the host is not known by its name. The answer is {"host", "port", "owner",
    "repo", "path", "kind", "web_url"}, or {"error", "reason"}. Users, passwords and tokens are left out.
    """
    del jsonl
    answer_lines(_answer)


def _answer(question: Mapping[str, Any]) -> Answer:
    asked = _Question.model_validate(question)
    return read_remote(asked.remote, asked.kind or None).model_dump(mode="json", exclude={"base_url"})
