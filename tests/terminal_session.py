"""A program in a pseudo-terminal, as a person uses it: read what it shows, press keys, change the size."""

import fcntl
import os
import select
import signal
import struct
import subprocess
import termios
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Self

# Only reached if a test fails.
LONGEST_WAIT_SECONDS = 60


class TerminalSession:
    """Starts a command in a terminal of its own; ends it at the end of the ``with`` block."""

    def __init__(
        self,
        command: Sequence[str | Path],
        environ: Mapping[str, str],
        *,
        columns: int = 100,
        rows: int = 30,
        controlling: bool = True,
    ) -> None:
        self.shown = b""
        self._read = 0
        self._master, self._slave = os.openpty()
        self.resize(columns, rows)
        self.settings = self.terminal_settings()
        self._process = subprocess.Popen(
            command,
            stdin=self._slave,
            stdout=self._slave,
            stderr=self._slave,
            env=dict(environ),
            start_new_session=True,
            # Only the first process of a session can take its terminal.
            preexec_fn=partial(fcntl.ioctl, self._slave, termios.TIOCSCTTY, 0) if controlling else None,  # noqa: PLW1509
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        os.close(self._slave)
        os.close(self._master)

    def terminal_settings(self) -> list[Any]:
        """Return the settings of the terminal."""
        return termios.tcgetattr(self._slave)

    def resize(self, columns: int, rows: int) -> None:
        """Change the size of the terminal."""
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def press(self, keys: str) -> None:
        """Press keys."""
        os.write(self._master, keys.encode())

    def hang_up(self) -> int:
        """Close the terminal, as a person closes its window. Return the exit code of the command."""
        os.close(self._slave)
        os.close(self._master)
        code = self._process.wait(LONGEST_WAIT_SECONDS)
        self._master, self._slave = os.openpty()
        return code

    def wait_for(self, text: str) -> str:
        """Read until a text appears after all that was waited for before; return what was read up to its end."""
        wanted = text.encode()
        while (at := self.shown.find(wanted, self._read)) < 0:
            assert self._receive(LONGEST_WAIT_SECONDS), f"{text!r} is not in {self.shown[self._read :]!r}"
        before, self._read = self.shown[self._read : at], at + len(wanted)
        return before.decode() + text

    def wait(self) -> int:
        """Wait for the end of the command. Return its exit code, negative for a signal."""
        # The output may be longer than the terminal's buffer.
        watched = os.pidfd_open(self._process.pid)
        while watched not in select.select([watched, self._master], [], [], LONGEST_WAIT_SECONDS)[0]:
            assert self._receive(0), f"the command did not end: {self.shown!r}"
        os.close(watched)
        while self._receive(0):
            pass
        return self._process.wait()

    def _receive(self, seconds: float) -> bool:
        if not select.select([self._master], [], [], seconds)[0]:
            return False
        self.shown += os.read(self._master, 1 << 16)
        return True
