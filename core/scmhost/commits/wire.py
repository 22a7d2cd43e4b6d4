"""A commit's form on the wire.

The form is written in pydantic's core schemas, because limits are settings.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

from msgspec import Struct
from pydantic_core import SchemaValidator, ValidationError
from pydantic_core import core_schema as form

from scmhost.infra.clock import in_utc
from scmhost.infra.limits import Limits

from .errors import InvalidCommits

MOST_PROBLEMS: Final = 5

_NO_TIME: Final = "it is no time; send it like 2024-05-06T07:08:09+02:00"
_PROBLEMS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "missing": "this field is required",
        "string_too_long": "it is longer than {max_length} characters (limits.{limit}); shorten it",
        "string_too_short": "it is empty; leave the field out or fill it",
        "string_type": "it must be text",
        "string_unicode": "it holds half of a character (a lone surrogate); send valid Unicode",
        "string_pattern_mismatch": "it holds a NUL, or an id a blank; leave such characters out",
        "list_type": "it must be a list",
        "dict_type": "it must be an object",
        "datetime_type": _NO_TIME,
        "datetime_parsing": _NO_TIME,
        "datetime_from_date_parsing": _NO_TIME,
    }
)
_LIMIT_OF: Final[Mapping[int | str, str]] = MappingProxyType(
    {"id": "sha_length", "repository": "repository_name_length", "author_name": "author_name_length"}
)


class WireCommit(Struct, gc=False):
    """One entry of ``commits``, where a blank name is no name.

    ``patch_set`` is read apart, because an odd one is no reason to refuse the commit.
    """

    sha: str
    repository: str | None = None
    message: str | None = None
    author_name: str | None = None
    author_email: str | None = None
    timestamp: datetime | None = None
    patch_set: Any = None


def parse_commits(entries: Any, limits: Limits) -> list[WireCommit]:
    """Check a list of commits.

    Raises:
        InvalidCommits: an entry cannot be taken; the message names the entry, its field and what is wrong.
    """
    try:
        return [WireCommit(**entry) for entry in _validator(limits).validate_python(entries)]
    except ValidationError as error:
        raise InvalidCommits(_sentence(error)) from None


@lru_cache(maxsize=8)
def _validator(limits: Limits) -> SchemaValidator:
    sha = form.str_schema(
        strip_whitespace=True, min_length=1, max_length=limits.sha_length, pattern=r"^[^\s\x00-\x1f]+$"
    )
    optional = {
        "repository": _text(strip_whitespace=True, max_length=limits.repository_name_length),
        "message": _text(),
        "author_name": _text(strip_whitespace=True, max_length=limits.author_name_length),
        "author_email": _text(),
        "timestamp": form.no_info_wrap_validator_function(_moment, form.datetime_schema()),
        "patch_set": form.any_schema(),
    }
    fields = {
        "sha": form.typed_dict_field(sha, validation_alias="id"),
        **{name: form.typed_dict_field(form.nullable_schema(of), required=False) for name, of in optional.items()},
    }
    return SchemaValidator(form.list_schema(form.typed_dict_schema(fields)))


def _text(**options: Any) -> form.CoreSchema:
    return form.str_schema(pattern=r"^[^\x00]*$", **options)


def _moment(value: Any, read: Callable[[Any], datetime]) -> datetime | None:
    """A time in UTC; a blank is none."""
    return None if isinstance(value, str) and not value.strip() else in_utc(read(value))


def _sentence(error: ValidationError) -> str:
    problems = [
        f"{_place(problem['loc'])}: {_problem(problem['type'], problem['msg'], problem.get('ctx', {}), problem['loc'])}"
        for problem in error.errors(include_url=False, include_input=False)[:MOST_PROBLEMS]
    ]
    return "; ".join(problems)


def _problem(kind: str, message: str, context: Mapping[str, Any], loc: tuple[int | str, ...]) -> str:
    known = _PROBLEMS.get(kind)
    limit = _LIMIT_OF.get(loc[-1], "") if loc else ""
    return known.format(**context, limit=limit) if known else message.removeprefix("Value error, ")


def _place(loc: tuple[int | str, ...]) -> str:
    return "commits" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc)
