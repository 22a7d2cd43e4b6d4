"""Answers of a code host's REST API: validated values, the next page, and errors by status."""

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from functools import cache
from http import HTTPStatus
from typing import Any, Final, TypeVar, cast
from urllib.parse import parse_qsl, urlsplit

from pydantic import BaseModel, Field, TypeAdapter, ValidationError, create_model

from .errors import (
    ApiError,
    ApiNotFound,
    ProviderError,
    ProviderForbidden,
    ProviderUnauthorized,
    ProviderUnavailable,
    RateLimited,
)

T = TypeVar("T")

LONGEST_PAUSE: Final = 86_400.0
"""The longest pause in seconds that a code host may ask for: one day."""

PAUSE_WITHOUT_TIME: Final = 60.0
"""The pause in seconds after a rate limit whose end the code host does not give."""

_LONGEST_MESSAGE: Final = 200
# A shorter value, such as a page number, is no secret and may be part of any message.
_SHORTEST_SECRET: Final = 6
# Seconds since 1970 have been greater since 2001; no code host asks for a pause of thirty years.
_FIRST_EPOCH: Final = 1_000_000_000
_LINK: Final = re.compile(r'<([^<>]{1,4000})>((?:\s{0,5};\s{0,5}[a-z]{1,20}="?[^",;<>]{0,100}"?){1,5})')
_IS_NEXT: Final = re.compile(r'\brel="?next\b')
_MESSAGE_FIELDS: Final = ("message", "error_description", "error", "detail")
_LATER: Final = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY)
_RESET_HEADERS: Final = ("x-ratelimit-reset", "ratelimit-reset")
_REMAINING_HEADERS: Final = ("x-ratelimit-remaining", "ratelimit-remaining")
_GRAPH_ERRORS: Final[Mapping[str, tuple[type[ProviderError], str]]] = {
    "RATE_LIMITED": (RateLimited, "has a limit of queries, which is used up"),
    "FORBIDDEN": (ProviderForbidden, "does not allow this query to these credentials"),
}


@dataclass(frozen=True, slots=True)
class BodyPages:
    """How a code host sends a list as a part of an object, such as ``{"values": [...], "nextPageStart": 25}``.

    Attributes:
        items: the field that has the list.
        next: the field that names the next page: the value of a parameter, or a URL, of which the query is taken. Empty
            for a host that sends a header ``Link`` or ``X-Next-Page``.
        param: the parameter of the query that gets the value of ``next``; by default it has the same name.
    """

    items: str
    next: str = ""
    param: str = ""

    def following(self, value: object) -> dict[str, str]:
        """Return what changes in the query for the next page; nothing on the last page."""
        if value is None or isinstance(value, bool) or not isinstance(value, str | int) or value == "":
            return {}
        text = str(value)
        if "://" in text or text.startswith(("/", "?")):
            return dict(parse_qsl(urlsplit(text).query))
        return {self.param or self.next: text}


@dataclass(frozen=True, slots=True)
class ApiAnswer:
    """A successful answer of a code host.

    Attributes:
        host: the code host, for messages.
        place: method and path of the request, for messages.
        status: the HTTP status.
        headers: the headers; names are lower case.
        body: the body, without compression.
        params: the query of the request.
        pages: how the host sends lists; None if a list is the whole body.
    """

    host: str
    place: str
    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    params: Mapping[str, str] = field(default_factory=dict, repr=False)
    pages: BodyPages | None = field(default=None, repr=False)

    def read(self, kind: type[T]) -> T:
        """Return the JSON of the body as a value of a type: a pydantic model, ``list[Model]``, ``dict[str, Any]`` ...

        Raises:
            ProviderUnavailable: the body is no JSON, or has other types. The text names the place, without values.
        """
        problem = self._not_json()
        if problem is None:
            try:
                value: T = _adapter(cast("Any", kind)).validate_json(self.body)
            except ValidationError as error:
                problem = _misfit(error)
            else:
                return value
        raise ProviderUnavailable(f"{self.host} answered {self.place} with {problem}")

    def items(self, kind: type[T]) -> list[T]:
        """Return the items of this page of a list. ``kind`` is the type of one item; errors are those of ``read``."""
        if self.pages is None:
            return self.read(list[kind])  # type: ignore[valid-type]
        items: list[T] = self.read(_part(cast("Any", list[kind]), self.pages.items)).value  # type: ignore[valid-type]
        return items

    def read_graphql(self, kind: type[T]) -> T:
        """Return the ``data`` of an answer to a GraphQL query as a value of a type, as ``read`` does.

        The status of such an answer is 200 for errors, too. An error that something was not found is left to the data.

        Raises:
            ProviderError: the answer has another error: ``RateLimited``, ``ProviderForbidden`` or
                ``ProviderUnavailable``.
        """
        for problem in self.read(_GraphProblems).errors:
            if problem.type != "NOT_FOUND":
                error, text = _GRAPH_ERRORS.get(problem.type, (ProviderUnavailable, "cannot answer the query"))
                raise error(f"{self.host} {text}")
        data: T | None = self.read(_part(cast("Any", kind) | None, "data")).value
        return replace(self, body=b"{}").read(kind) if data is None else data

    @property
    def text(self) -> str:
        """The body as text; bytes that are not UTF-8 become replacement characters."""
        return self.body.decode("utf-8", "replace")

    @property
    def next_params(self) -> dict[str, str] | None:
        """The query of the next page, by ``pages``, ``Link`` or ``X-Next-Page``; None on the last page.

        Only the query is taken, so that an answer cannot lead the client to another place.
        """
        if self.pages and self.pages.next:
            changed = self.pages.following(self.read(dict[str, Any]).get(self.pages.next))
            return {**self.params, **changed} if changed else None
        following = next(
            (url for url, names in _LINK.findall(self.headers.get("link", "")) if _IS_NEXT.search(names)), None
        )
        if following is not None:
            return {**self.params, **dict(parse_qsl(urlsplit(following).query))}
        page = self.headers.get("x-next-page", "").strip()
        return {**self.params, "page": page} if page else None

    def _not_json(self) -> str | None:
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind == "text/html" or self.body[:100].lstrip()[:1] == b"<":
            return "a web page where JSON is expected; is this the address of its API, and is the host in service?"
        return None if self.body.strip() else "an empty body where JSON is expected"


@dataclass(frozen=True, slots=True)
class Refused:
    """An answer whose status is an error.

    Attributes:
        host: the code host, for messages.
        place: method and path of the request, for messages.
        status: the HTTP status.
        headers: the headers; names are lower case.
        body: the beginning of the body.
        sent: values of the request that must not appear in messages.
    """

    host: str
    place: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    sent: tuple[str, ...] = ()

    def error(self, now: float) -> ProviderError:
        """Return the error that a hook raises. ``now`` is in seconds since 1970."""
        answered = f"{self.host} answered {self.place} with {self.status}"
        if self.status == HTTPStatus.TOO_MANY_REQUESTS or (
            self.status == HTTPStatus.FORBIDDEN and self._is_rate_limit()
        ):
            pause = self._pause(now)
            return RateLimited(f"{answered}: the rate limit is used up", PAUSE_WITHOUT_TIME if pause is None else pause)
        if self.status == HTTPStatus.UNAUTHORIZED:
            return ProviderUnauthorized(f"{answered}: the credentials are wrong, expired or revoked")
        if self.status == HTTPStatus.FORBIDDEN:
            return ProviderForbidden(f"{answered}: the credentials do not allow this{self._message()}")
        if self.status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
            return ApiNotFound(f"{answered}: it does not exist, or the credentials do not show it", self.status)
        if self.status >= HTTPStatus.INTERNAL_SERVER_ERROR or self.status in _LATER:
            return ProviderUnavailable(f"{answered}: it does not work now", self._pause(now))
        return ApiError(f"{answered}{self._message()}", self.status)

    def _is_rate_limit(self) -> bool:
        used_up = any(self.headers.get(name, "").strip() == "0" for name in _REMAINING_HEADERS)
        return used_up or "retry-after" in self.headers or b"rate limit" in self.body[:2_000].lower()

    def _pause(self, now: float) -> float | None:
        """Return for how many seconds the host asks to be left alone, or None."""
        pause = seconds_of(self.headers.get("retry-after", ""), now)
        if pause is None and any(self.headers.get(name, "").strip() == "0" for name in _REMAINING_HEADERS):
            resets = (seconds_of(self.headers.get(name, ""), now) for name in _RESET_HEADERS)
            pause = next((reset for reset in resets if reset is not None), None)
        return pause

    def _message(self) -> str:
        """Return the host's own message, cut, and without any value that was sent."""
        try:
            answer = json.loads(self.body)
        except (ValueError, RecursionError):
            return ""
        text = next((text for text in _messages(answer) if text.strip()), "")
        for value in sorted(self.sent, key=len, reverse=True):
            text = text.replace(value, "***")
        plain = " ".join(text.encode("utf-8", "replace").decode().split())
        return f": {plain[:_LONGEST_MESSAGE]}" if plain else ""


def seconds_of(text: str, now: float) -> float | None:
    """Return a pause in seconds from ``Retry-After`` or a reset header; None if it has no meaning.

    The text is a number of seconds, a date as in HTTP, or seconds since 1970. The result is from 1 s to one day.
    """
    text = text.strip()
    try:
        seconds = float(text)
        seconds -= now if seconds >= _FIRST_EPOCH else 0
    except ValueError:
        try:
            seconds = parsedate_to_datetime(text).timestamp() - now
        except (ValueError, OverflowError):
            return None
    if not math.isfinite(seconds):
        return None
    return min(max(seconds, 1.0), LONGEST_PAUSE)


def _messages(answer: object) -> Iterable[str]:
    """Return the texts for people in an error: of its own fields, or of ``errors: [{...}]`` and ``error: {...}``."""
    if isinstance(answer, str):
        yield answer
    if not isinstance(answer, Mapping):
        return
    for name in _MESSAGE_FIELDS:
        if isinstance(answer.get(name), str):
            yield answer[name]
    several = answer.get("errors")
    for inner in (answer.get("error"), *(several if isinstance(several, list) else ())):
        # One level: an object inside of the object has no further errors.
        for name in _MESSAGE_FIELDS if isinstance(inner, Mapping) else ():
            if isinstance(inner.get(name), str):
                yield inner[name]
        if isinstance(inner, str):
            yield inner


def sent_secrets(headers: Mapping[str, str], body: object) -> tuple[str, ...]:
    """Return the values of a request that may be secret: those of its headers, and all texts of its body."""
    words = (word for value in headers.values() for word in (value, *value.split()))
    return tuple({text for text in (*words, *_texts(body)) if len(text) >= _SHORTEST_SECRET})


def _texts(value: object) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)


# Making a validator is much slower than a validation.
@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


@cache
def _part(kind: Any, name: str) -> Any:
    """Return the model of an object that has a value of a type in a field."""
    return create_model("Part", value=(kind, Field(alias=name)))


class _GraphProblem(BaseModel):
    type: str = ""


class _GraphProblems(BaseModel):
    errors: tuple[_GraphProblem, ...] = ()


def _misfit(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    if first["type"] == "json_invalid":
        return "a body that is no JSON"
    place = ".".join(map(str, first["loc"]))
    return f"other JSON than expected ({f'at {place}: ' if place else ''}{first['msg']})"
