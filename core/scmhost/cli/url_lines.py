"""How the commands about URLs answer: what has none has an error in words and a reason in one."""

from collections.abc import Callable
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from scmhost.sdk import NoUrl, TemplateError, UrlError

from .json_lines import Answer, answer_lines, first_problem

QuestionT = TypeVar("QuestionT", bound=BaseModel)


def answer_urls(question: type[QuestionT], answer: Callable[[QuestionT], Answer | NoUrl]) -> None:
    """Answer each line of standard input. What is wrong with a line is its answer."""

    def answer_one(asked: QuestionT) -> Answer:
        return _answer(asked, answer)

    answer_lines(question, answer_one, _no_question)


def _answer(asked: QuestionT, answer: Callable[[QuestionT], Answer | NoUrl]) -> Answer:
    try:
        found = answer(asked)
    except UrlError as error:
        return _refusal("bad_url", str(error))
    except TemplateError as error:
        return _refusal("bad_template", str(error))
    return _refusal(found.reason.value, found.message) if isinstance(found, NoUrl) else found


def _no_question(error: ValidationError) -> Answer:
    of_a_field = any(item["loc"] for item in error.errors(include_url=False))
    return _refusal("invalid" if of_a_field else "malformed", first_problem(error))


def _refusal(reason: str, error: str) -> Answer:
    return {"error": error or "the host's templates have no such page", "reason": reason}
