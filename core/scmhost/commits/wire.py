"""A commit's form on the wire."""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, StringConstraints, TypeAdapter, ValidationError

from .errors import InvalidCommits

MOST_PROBLEMS: Final = 5

_NO_TIME: Final = "it is no time; send it like 2024-05-06T07:08:09+02:00"
_PROBLEMS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "missing": "this field is required",
        "string_too_long": "it is longer than {max_length} characters; shorten it",
        "string_too_short": "it is empty; leave the field out or fill it",
        "string_type": "it must be text",
        "string_unicode": "it holds half of a character (a lone surrogate); send valid Unicode",
        "string_pattern_mismatch": "it holds a NUL, or an id a blank; leave such characters out",
        "list_type": "it must be a list",
        "model_type": "it must be an object",
        "datetime_type": _NO_TIME,
        "datetime_parsing": _NO_TIME,
        "datetime_from_date_parsing": _NO_TIME,
    }
)


def _blank_as_none(value: Any) -> Any:
    return None if isinstance(value, str) and not value.strip() else value


def _utc(moment: datetime) -> datetime:
    """In UTC; a time without an offset is taken to be in UTC already."""
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("it is out of range in UTC") from None


_Sha = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64, pattern=r"^[^\s\x00-\x1f]+$")
]
_Text = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]
_Repository = Annotated[_Text, StringConstraints(strip_whitespace=True, max_length=200)]
_AuthorName = Annotated[_Text, StringConstraints(strip_whitespace=True, max_length=128)]
_Moment = Annotated[datetime, AfterValidator(_utc)]


class WireCommit(BaseModel):
    """One entry of ``commits``. ``patch_set`` is read apart, because an odd one is no reason to refuse the commit."""

    id: _Sha
    repository: Annotated[_Repository | None, BeforeValidator(_blank_as_none)] = None
    message: _Text | None = None
    author_name: Annotated[_AuthorName | None, BeforeValidator(_blank_as_none)] = None
    author_email: _Text | None = None
    timestamp: Annotated[_Moment | None, BeforeValidator(_blank_as_none)] = None
    patch_set: Any = None


_COMMITS: Final[TypeAdapter[list[WireCommit]]] = TypeAdapter(list[WireCommit])


def parse_commits(entries: Any) -> list[WireCommit]:
    """Check a list of commits.

    Raises:
        InvalidCommits: an entry cannot be taken; the message names the entry, its field and what is wrong.
    """
    try:
        return _COMMITS.validate_python(entries)
    except ValidationError as error:
        raise InvalidCommits(_sentence(error)) from None


def _sentence(error: ValidationError) -> str:
    problems = [
        f"{_place(problem['loc'])}: {_problem(problem['type'], problem['msg'], problem.get('ctx', {}))}"
        for problem in error.errors(include_url=False, include_input=False)[:MOST_PROBLEMS]
    ]
    return "; ".join(problems)


def _problem(kind: str, message: str, context: Mapping[str, Any]) -> str:
    known = _PROBLEMS.get(kind)
    return known.format(**context) if known else message.removeprefix("Value error, ")


def _place(loc: tuple[int | str, ...]) -> str:
    return "commits" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc)
