"""JSON lines for machines: one question a line in, one answer a line out, in order."""

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


def answer_lines(question: type[QuestionT], answer: Callable[[QuestionT], Answer]) -> None:
    """Answer each line of standard input. A line that is no question has an error for its answer."""
    for line in sys.stdin.buffer:
        click.echo(json.dumps(_answer(line, question, answer)))


def _answer(line: bytes, question: type[QuestionT], answer: Callable[[QuestionT], Answer]) -> Answer:
    try:
        return answer(question.model_validate_json(line))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        return {"error": MALFORMED, "detail": f"{where}: {first['msg']}" if where else first["msg"]}
