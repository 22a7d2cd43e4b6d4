"""What a form of push is: its headers, its signature and its body."""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from scmhost.sdk import Push, check_signature

Signed = Callable[[Mapping[str, str], bytes, str], bool]
"""Whether headers and raw body show that the sender knows the secret."""


class Payload(BaseModel):
    """A part of a body. Fields that nobody reads may be anything."""

    model_config = ConfigDict(frozen=True, strict=True)


class PushBody(Payload):
    """A whole body."""

    @abstractmethod
    def pushes(self) -> Iterable[Push]:
        """What it tells."""


@dataclass(frozen=True, slots=True)
class Form:
    """How one kind of host sends pushes. All header names are lower case.

    Attributes:
        marks: a request with one of these headers comes from this kind of host.
        events: headers that may name the event, the host's own first; none where every request is a push.
        push_events: the events that are pushes.
        signature: what the signature is called in messages.
        signed: checks it.
        body: the form of the body.
    """

    marks: tuple[str, ...]
    events: tuple[str, ...]
    push_events: frozenset[str]
    signature: str
    signed: Signed
    body: type[PushBody]

    def claims(self, headers: Mapping[str, str]) -> bool:
        """Whether a request has this form."""
        return any(mark in headers for mark in self.marks)

    def is_push(self, headers: Mapping[str, str]) -> bool:
        """Whether the event of a request is a push."""
        return not self.events or first_header(headers, self.events) in self.push_events


def first_header(headers: Mapping[str, str], names: Iterable[str]) -> str:
    """The value of the first of the headers that is there; empty without one."""
    return next((headers[name] for name in names if name in headers), "")


def signed_in(*names: str) -> Signed:
    """A check of the HMAC-SHA256 of the raw body, in the first of the headers that is there."""

    def signed(headers: Mapping[str, str], body: bytes, secret: str) -> bool:
        return check_signature(secret, body, first_header(headers, names))

    return signed
