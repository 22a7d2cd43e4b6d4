"""Sees what a plugin's call does to the machine: connections, processes, files. Nothing leaves the machine."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

_LOCAL: Final = frozenset({"localhost", "127.0.0.1", "::1", "", None})
_WRITES: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND
# Audit hooks stay for the life of a process: this one is put in once, and idle while nobody watches.
_watchers: list[list["Seen"]] = []
_installed: list[bool] = []


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen, in words. A refused one was stopped: the suite works offline."""

    text: str
    refused: bool = False


class Offline(ConnectionRefusedError):
    """There is no network while laws are asked about."""


@contextmanager
def watching() -> Iterator[list[Seen]]:
    """What the process does while this lasts. Connections beyond this machine are refused."""
    if not _installed:
        sys.addaudithook(_hear)
        _installed.append(True)
    seen: list[Seen] = []
    _watchers.append(seen)
    try:
        yield seen
    finally:
        _watchers.pop()


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watchers or event not in _TELLS:
        return
    seen = _TELLS[event](*arguments)
    if seen is None:
        return
    _watchers[-1].append(seen)
    if seen.refused:
        raise Offline(f"{seen.text}: laws are asked about without a network")


def _connect(_socket: Any, address: Any) -> Seen | None:
    host = address[0] if isinstance(address, tuple) else ""
    return Seen(f"opened a connection to {address}", refused=host not in _LOCAL)


def _look_up(host: Any, *_more: Any) -> Seen | None:
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    return None if name in _LOCAL else Seen(f"looked up the address of {name}", refused=True)


def _process(program: Any, *_more: Any) -> Seen:
    return Seen(f"started the process {program!r}")


def _open(path: Any, _mode: Any, flags: Any) -> Seen | None:
    # Python keeps what it compiled; that is not the plugin's doing.
    if not isinstance(flags, int) or not flags & _WRITES or "__pycache__" in str(path):
        return None
    return Seen(f"wrote the file {path!r}")


_TELLS: Final[dict[str, Callable[..., Seen | None]]] = {
    "socket.connect": _connect,
    "socket.getaddrinfo": _look_up,
    "subprocess.Popen": _process,
    "os.system": _process,
    "os.posix_spawn": _process,
    "open": _open,
}
