"""JSON lines for machines: one question a line in, one answer a line out, in order.

What has no answer is answered by ``error`` and ``reason``. The reason is one word of a closed list, and the error says
it in words. Where callers know the word itself as the error, it is that word, and ``detail`` says the rest.
"""

import json
import sys
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, TypeVar

import click
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from scmhost.mapping import FrameInfo

F = TypeVar("F", bound=Callable[..., Any])
QuestionT = TypeVar("QuestionT", bound=BaseModel)

Answer = Mapping[str, object]
MALFORMED: Final = "malformed_input"


class Question(BaseModel):
    """An input line. Fields that a command does not know are passed over."""

    model_config = ConfigDict(strict=True, frozen=True)


class Frame(Question):
    """A frame as its platform prints it."""

    filename: str | None = None
    module: str | None = None
    abs_path: str | None = None
    package: str | None = None
    in_app: bool | None = None

    def info(self, platform: str | None, sdk_name: str | None = None) -> FrameInfo:
        """The frame as the rules read it."""
        return FrameInfo(self.filename, self.module, self.abs_path, self.package, platform, sdk_name)


def _frame(value: object) -> object:
    return {"filename": value} if isinstance(value, str) else value


# A frame, or its path alone.
FrameOrPath = Annotated[Frame, BeforeValidator(_frame)]


def jsonl_option(command: F) -> F:
    """The option that says how the command is spoken to, so that others can be added."""
    return click.option(
        "--jsonl", "_jsonl", is_flag=True, required=True, help="Read JSON lines from standard input, and answer each."
    )(command)


def refusal(reason: str, error: str | None = None, detail: str | None = None) -> Answer:
    """The answer where there is none. Without an error in words it is the reason's own word."""
    refused = {"error": error or reason, "reason": reason}
    return {**refused, "detail": detail} if detail else refused


def _first_problem(error: ValidationError) -> str:
    """What is wrong first, with its field if it is of one, and without what stands there."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(map(str, first["loc"]))
    return f"{where}: {first['msg']}" if where else first["msg"]


def answer_lines(question: type[QuestionT], answer: Callable[[QuestionT], Answer]) -> None:
    """Answer each line of standard input. A line that is no question is refused."""
    for line in sys.stdin.buffer:
        click.echo(json.dumps(_answer(line, question, answer)))


def _answer(line: bytes, question: type[QuestionT], answer: Callable[[QuestionT], Answer]) -> Answer:
    try:
        asked = question.model_validate_json(line)
    except ValidationError as error:
        return refusal(MALFORMED, detail=_first_problem(error))
    return answer(asked)
