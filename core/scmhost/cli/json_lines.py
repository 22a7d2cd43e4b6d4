"""JSON lines: one request per line on standard input, one answer per line on standard output, in order.

An answer without a result has ``error`` and ``reason``. The reason is one word of a closed list; the error describes
it. Some callers expect the word itself as the error; then ``detail`` has the description.
"""

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import click
from pydantic import BaseModel, ConfigDict, ValidationError

from scmhost.checkout.formats import safe_json

F = TypeVar("F", bound=Callable[..., Any])
RequestT = TypeVar("RequestT", bound=BaseModel)

Answer = Mapping[str, object]
# Part of the closed list of reasons, for lines that no command can read.
MALFORMED: Final = "malformed_input"


class LineRequest(BaseModel):
    """An input line. Unknown fields are ignored."""

    # Strict: a number as text, or the reverse, is a mistake of the caller.
    model_config = ConfigDict(strict=True, frozen=True)


def jsonl_option(command: F) -> F:
    """Add the required option ``--jsonl``, which leaves room for other input formats."""
    return click.option(
        "--jsonl", "_jsonl", is_flag=True, required=True, help="Read JSON lines from standard input; answer each line."
    )(command)


def refusal(reason: str, error: str | None = None, detail: str | None = None) -> Answer:
    """Return an answer without a result. The error defaults to the reason."""
    refused = {"error": error or reason, "reason": reason}
    return {**refused, "detail": detail} if detail else refused


def answer_lines(request: type[RequestT], answer: Callable[[RequestT], Answer | str]) -> None:
    """Answer each line of standard input; a malformed line gets a refusal. A text is an answer that is JSON already."""
    # Bytes, because pydantic decodes them itself and refuses what is not UTF-8.
    for line in sys.stdin.buffer:
        result: Answer | str
        try:
            parsed = request.model_validate_json(line)
        except ValidationError as error:
            result = refusal(MALFORMED, detail=_first_problem(error))
        else:
            result = answer(parsed)
        # click flushes each line: a caller may wait for the answer before it sends the next line.
        click.echo(safe_json(result) if isinstance(result, str) else json.dumps(result))


def _first_problem(error: ValidationError) -> str:
    """Describe the first problem with its field, without the input value."""
    # The value may be a secret, such as a token in a URL, and answers end up in logs.
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(map(str, first["loc"]))
    return f"{where}: {first['msg']}" if where else first["msg"]
