"""Commands that answer one JSON line for each that they read, as long as lines come."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import IO, Any, Final

import click
from pydantic import ValidationError

from scmhost.sdk import NoUrl, TemplateError, UrlError

Answer = dict[str, Any]

# A line that is longer is no question.
_LONGEST: Final = 1_000_000

jsonl_option = click.option(
    "--jsonl", is_flag=True, required=True, help="Read JSON lines from standard input; write one line for each."
)


def answer_lines(answer: Callable[[Mapping[str, Any]], Answer]) -> None:
    """Answer each line of standard input, in order. What is wrong with a line is its answer."""
    for line in _lines(sys.stdin.buffer):
        sys.stdout.write(json.dumps(_answer(answer, line)) + "\n")
        sys.stdout.flush()


def refusal(reason: str, error: str) -> Answer:
    """The answer when there is none: what is wrong in words, and in one word for machines."""
    return {"error": error, "reason": reason}


def no_url(answer: NoUrl) -> Answer:
    """The answer when a page has no URL."""
    return refusal(answer.reason.value, answer.message or "the host's templates have no such page")


def _lines(stream: IO[bytes]) -> Iterator[bytes | None]:
    """The lines; None in place of one that is too long."""
    while line := stream.readline(_LONGEST):
        whole = line.endswith(b"\n") or len(line) < _LONGEST
        while not whole and (rest := stream.readline(_LONGEST)):
            whole, line = rest.endswith(b"\n"), b""
        yield line or None


def _answer(answer: Callable[[Mapping[str, Any]], Answer], line: bytes | None) -> Answer:
    try:
        question = json.loads(line) if line is not None else None
    except (ValueError, RecursionError):
        return refusal("malformed", "the line is no JSON")
    if not isinstance(question, dict):
        return refusal("malformed", "the line is no JSON object, or it is too long")
    try:
        return answer(question)
    except ValidationError as error:
        return refusal("invalid", _fields(error))
    except UrlError as error:
        return refusal("bad_url", str(error))
    except TemplateError as error:
        return refusal("bad_template", str(error))


def _fields(error: ValidationError) -> str:
    """What is wrong with which field, without what it holds."""
    return "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
