"""From the bytes of a body to its form, or to a sentence that says which field is wrong."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, TypeVar
from urllib.parse import unquote_to_bytes

from pydantic import ValidationError

from scmhost.sdk import ProviderError

from .form import PushBody

MOST_PROBLEMS: Final = 5
FORM_START: Final = b"payload="
"""How a body of the type application/x-www-form-urlencoded begins. No JSON does."""

_PROBLEMS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "missing": "this field is required",
        "string_pattern_mismatch": "it holds a NUL, or an id a blank",
        "model_type": "it must be an object",
    }
)

B = TypeVar("B", bound=PushBody)


def read_body(form: type[B], body: bytes) -> B:
    """The body as its form reads it.

    Raises:
        ProviderError: it does not fit; the message names the first fields that do not.
    """
    try:
        return form.model_validate_json(_json(body))
    except ValidationError as error:
        raise ProviderError(f"The body of the push cannot be read: {_sentence(error)}.") from None


def _json(body: bytes) -> bytes:
    if not body.startswith(FORM_START):
        return body
    return unquote_to_bytes(body.removeprefix(FORM_START).replace(b"+", b" "))


def _sentence(error: ValidationError) -> str:
    problems = error.errors(include_url=False, include_input=False, include_context=False)
    return "; ".join(f"{_place(item['loc'])}: {_problem(item)}" for item in problems[:MOST_PROBLEMS])


def _problem(item: Mapping[str, Any]) -> str:
    return _PROBLEMS.get(item["type"]) or str(item["msg"]).removeprefix("Value error, ")


def _place(loc: tuple[int | str, ...]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc).lstrip(".") or "body"
