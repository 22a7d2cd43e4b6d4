"""What all push formats share: types of fields, signatures, and the validation of bodies."""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal, TypeVar
from urllib.parse import unquote_to_bytes

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from scmhost.sdk import FileChange, ProviderError, Push, check_signature

MAX_PROBLEMS: Final = 5
"""The most invalid fields that an error message names."""

FORM_START: Final = b"payload="
"""The beginning of a body of the type application/x-www-form-urlencoded. No JSON begins with it."""

_PROBLEMS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "missing": "this field is required",
        "string_pattern_mismatch": "it holds a NUL, or an id a blank",
        "model_type": "it must be an object",
    }
)

IsSigned = Callable[[Mapping[str, str], bytes, str], bool]
"""Returns whether headers and raw body show that the sender has the secret."""

ChangeKind = Literal["A", "M", "D"]


def in_utc(moment: datetime) -> datetime:
    """Return a time in UTC. A time without an offset is in UTC already."""
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        # Only in the first and in the last year of ``datetime``.
        raise ValueError("it is out of range in UTC") from None


# The limits are those of the contract's values, so that each valid body gives valid values.
Text = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]
Sha = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^\s\x00-\x1f]+$")]
Ref = Annotated[Text, StringConstraints(max_length=1000)]
FilePath = Annotated[Text, StringConstraints(min_length=1, max_length=4096)]
RepositoryName = Annotated[Text, StringConstraints(min_length=1, max_length=2000)]
Moment = Annotated[AwareDatetime, AfterValidator(in_utc)]
Count = Annotated[int, Field(ge=0, le=1_000_000_000)]
_T = TypeVar("_T")
# Hosts written in Go send null for an empty list. Only the first invalid item is reported: a list may have a million.
Many = Annotated[tuple[_T, ...], Field(fail_fast=True)] | None


class Payload(BaseModel):
    """A part of a body. Fields that are not declared are ignored."""

    # Without strict, numbers and booleans would pass as texts and texts as numbers.
    model_config = ConfigDict(frozen=True, strict=True)


class PushBody(Payload):
    """A whole body."""

    @abstractmethod
    def pushes(self) -> Iterable[Push]:
        """Return the pushes that the body describes."""


@dataclass(frozen=True, slots=True)
class PushFormat:
    """The webhook format of one kind of host. All header names are lower case.

    Attributes:
        marks: headers of which a request of this host has at least one.
        events: headers with the name of the event, the preferred one first; empty if every request is a push.
        push_events: the names of push events.
        signature: the name of the signature in error messages.
        is_signed: checks the signature.
        body: the model of the body.
    """

    marks: tuple[str, ...]
    events: tuple[str, ...]
    push_events: frozenset[str]
    signature: str
    is_signed: IsSigned
    body: type[PushBody]

    def matches(self, headers: Mapping[str, str]) -> bool:
        """Return whether a request has this format."""
        return any(mark in headers for mark in self.marks)

    def is_push(self, headers: Mapping[str, str]) -> bool:
        """Return whether the event of a request is a push."""
        return not self.events or _first_header(headers, self.events) in self.push_events


def hmac_header(*names: str) -> IsSigned:
    """Return a check of the HMAC-SHA256 of the raw body, in the first of these headers that is present."""

    def is_signed(headers: Mapping[str, str], body: bytes, secret: str) -> bool:
        return check_signature(secret, body, _first_header(headers, names))

    return is_signed


def _first_header(headers: Mapping[str, str], names: Iterable[str]) -> str:
    return next((headers[name] for name in names if name in headers), "")


def file_changes(changes: Iterable[tuple[str, ChangeKind]]) -> tuple[FileChange, ...]:
    """Return one change for each path, the first one."""
    kinds: dict[str, ChangeKind] = {}
    for path, kind in changes:
        kinds.setdefault(path, kind)
    return tuple(FileChange(path=path, type=kind) for path, kind in kinds.items())


_Body = TypeVar("_Body", bound=PushBody)


def parse_body(model: type[_Body], body: bytes) -> _Body:
    """Parse and validate a body.

    Raises:
        ProviderError: it is invalid; the message names the first invalid fields.
    """
    # GitHub and Gitea can send the JSON as a field of a form.
    if body.startswith(FORM_START):
        # A form has + for a blank, and %2B for a plus.
        body = unquote_to_bytes(body.removeprefix(FORM_START).replace(b"+", b" "))
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False, include_context=False)[:MAX_PROBLEMS]
        text = "; ".join(f"{_field_name(item['loc'])}: {_problem(item)}" for item in problems)
        # Without the cause, whose text contains parts of the body.
        raise ProviderError(f"The body of the push cannot be read: {text}.") from None


def _problem(item: Mapping[str, Any]) -> str:
    return _PROBLEMS.get(item["type"]) or str(item["msg"]).removeprefix("Value error, ")


def _field_name(loc: tuple[int | str, ...]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc).lstrip(".") or "body"
