"""Standard output and error while foreign code runs: what it prints must not end up in an answer of the host."""

import sys
from collections.abc import Iterable
from typing import Any, Final

from .speakers import speaker

_NAMES: Final = ("stdout", "stderr")


class Stream:
    """Stands in for a standard stream. Foreign code writes to the log, all others to the stream itself."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write a text."""
        foreign = speaker()
        if foreign is None:
            return int(self._stream.write(text))
        foreign.say(text)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write texts."""
        for line in lines:
            self.write(line)

    @property
    def buffer(self) -> Any:
        """The stream of bytes below."""
        return self._stream.buffer if speaker() is None else _Bytes()


class _Bytes:
    """What foreign code finds below a standard stream."""

    def write(self, content: bytes) -> int:
        foreign = speaker()
        if foreign is not None:
            foreign.say(bytes(content).decode(errors="replace"))
        return len(content)

    def flush(self) -> None:
        """Nothing is held back."""


def beneath(stream: Any) -> Any:
    """The standard stream itself, for what is to reach it whoever's code runs: the lines of the log."""
    return stream._stream if isinstance(stream, Stream) else stream  # noqa: SLF001 - the same module's


def stand_in() -> None:
    """See to it that the standard streams know foreign code, whoever has put another in place since the last time."""
    for name in _NAMES:
        stream = getattr(sys, name)
        # Without a console there is none.
        if stream is not None and not isinstance(stream, Stream):
            setattr(sys, name, Stream(stream))
