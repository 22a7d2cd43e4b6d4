"""How the commands about URLs answer: what has none is refused in the words of whoever refused it."""

from collections.abc import Callable
from typing import TypeVar

from pydantic import BaseModel

from scmhost.sdk import NoUrl, TemplateError, UrlError

from .json_lines import Answer, answer_lines, refusal

QuestionT = TypeVar("QuestionT", bound=BaseModel)


def answer_urls(question: type[QuestionT], answer: Callable[[QuestionT], Answer | NoUrl]) -> None:
    """Answer each line of standard input. What is wrong with a line is its answer."""

    def answer_one(asked: QuestionT) -> Answer:
        return _answer(asked, answer)

    answer_lines(question, answer_one)


def _answer(asked: QuestionT, answer: Callable[[QuestionT], Answer | NoUrl]) -> Answer:
    try:
        found = answer(asked)
    except UrlError as error:
        return refusal("bad_url", str(error))
    except TemplateError as error:
        return refusal("bad_template", str(error))
    if isinstance(found, NoUrl):
        return refusal(found.reason.value, found.message or "the host's templates have no such page")
    return found
