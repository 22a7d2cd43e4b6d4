"""The law of a host that takes the call and never answers."""

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, Self, TypeVar

from pydantic import BaseModel, ValidationError

from scmhost.sdk import PROMISES, AddRequest, Location, ProviderError
from scmhost.sdk.hooks import ARGUMENTS

from .breaches import Breach
from .calls import BUDGET_KEPT, ERRORS_TELL, Caller
from .draws import SHA
from .laws import law
from .subject import ADDRESS, ORGANIZATION, Subject

M = TypeVar("M", bound=BaseModel)

_SCHEMES: Final = ("http", "https")
_WAITING: Final = 64


class SilentHost:
    """A server on this machine: connections to it stand, and nothing ever comes back."""

    def __init__(self, listener: socket.socket) -> None:
        self.authority = "{}:{}".format(*listener.getsockname())
        self._listener = listener
        self._connections: list[socket.socket] = []

    @classmethod
    @contextmanager
    def open(cls) -> Iterator[Self]:
        """One for a while. At its end all who still wait are let go."""
        with socket.create_server(("127.0.0.1", 0), backlog=_WAITING) as listener:
            listener.settimeout(0)
            host = cls(listener)
            try:
                yield host
            finally:
                host.was_asked()
                for one in host._connections:
                    one.close()

    def was_asked(self) -> bool:
        """Whether somebody came since the last question."""
        before = len(self._connections)
        while True:
            try:
                self._connections.append(self._listener.accept()[0])
            except BlockingIOError:
                return len(self._connections) > before


@law(
    "silence-told",
    "An I/O hook whose host takes the connection and never answers gives up in time, with ProviderUnavailable or "
    "without it.",
    help="give your client a timeout below the hook's budget, and raise ProviderUnavailable(...) when it is over",
)
def silence_told(subject: Subject) -> None:
    waiting = [hook for hook in subject.functions if PROMISES[hook].colour == "io"]
    # What hangs here hangs for the sake of this law: the other laws go on with a caller that does not know of it.
    caller = Caller(subject.functions)
    with SilentHost.open() as host:
        for hook in sorted(waiting, key=lambda hook: PROMISES[hook].budget):
            seen = caller.see(hook, {name: _argument(subject, name, host) for name in ARGUMENTS[hook]})
            breach = seen.breaches.get(BUDGET_KEPT) or seen.breaches.get(ERRORS_TELL)
            if host.was_asked() and breach:
                raise Breach(f"{breach.found}; its host took the connection and did not answer", breach.call)


LAWS: Final = (silence_told,)


def _argument(subject: Subject, name: str, host: SilentHost) -> Any:
    """A sample for an argument, in which each URL leads to the silent host."""
    if name in ("settings", "form"):
        return _read_again(getattr(subject, name), _given(subject, name), host)
    if name in ("installation", "repository", "candidate"):
        sample: BaseModel = getattr(subject, name)
        return type(sample).model_validate(_moved(sample.model_dump(), f"http://{host.authority}"))
    if name == "repositories":
        return (_argument(subject, "candidate", host),)
    return AddRequest(identifier=subject.candidate.name) if name == "request" else _PLAIN[name]


_PLAIN: Final[Mapping[str, Any]] = {
    "organization": ORGANIZATION,
    "search": "",
    "location": Location(ref="main", ref_kind="branch", path="a.py", line=1),
    "ref": "main",
    "base": SHA,
    "head": "main",
    "shas": (SHA,),
}


def _given(subject: Subject, name: str) -> Mapping[str, Any]:
    """What a model was made of, with the URLs that it has by itself."""
    fields = subject.samples.settings if name == "settings" else subject.form_fields
    own = {field: str(value) for field, value in vars(getattr(subject, name)).items() if ADDRESS.match(str(value))}
    return {**own, **fields}


def _read_again(sample: M, fields: Mapping[str, Any], host: SilentHost) -> M:
    """A model with the URLs of the silent host, in a scheme that it takes; as it was, where it takes none."""
    for scheme in _SCHEMES:
        try:
            return type(sample).model_validate(_moved(fields, f"{scheme}://{host.authority}"))
        except (ValidationError, ProviderError):
            continue
    return sample


def _moved(value: Any, origin: str) -> Any:
    if isinstance(value, str):
        return ADDRESS.sub(origin, value)
    if isinstance(value, Mapping):
        return {name: _moved(one, origin) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_moved(one, origin) for one in value]
    return value
