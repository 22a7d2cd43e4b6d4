"""The user's terminal while a program runs in a pseudo-terminal: raw mode, size and suspension. Not for Windows."""

import fcntl
import os
import signal
import termios
import tty
from contextlib import suppress
from typing import Any, Final

_STDIN: Final = 0
_SIZE_BYTES: Final = 8
# Positions in the list of ``termios.tcgetattr``.
_LOCAL_FLAGS: Final = 3
_CHARACTERS: Final = 6


class UserTerminal:
    """The terminal that ``descriptor`` leads to. Keys are passed on only if standard input is a terminal, too."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._saved: list[Any] | None = None
        self.has_keys = os.isatty(_STDIN)

    @property
    def is_raw(self) -> bool:
        """True while keys belong to the program."""
        return self._saved is not None

    def copy_to(self, program_terminal: int) -> None:
        """Give a pseudo-terminal the size and the settings of this one."""
        source = _STDIN if self.has_keys else self._descriptor
        termios.tcsetattr(program_terminal, termios.TCSANOW, termios.tcgetattr(source))
        self.copy_size(program_terminal)

    def copy_size(self, program_terminal: int) -> None:
        """Give a pseudo-terminal the size of this one; its programs get SIGWINCH if that is new."""
        size = fcntl.ioctl(self._descriptor, termios.TIOCGWINSZ, b"\0" * _SIZE_BYTES)
        fcntl.ioctl(program_terminal, termios.TIOCSWINSZ, size)

    def enter(self) -> None:
        """Pass on every key as it is. In the background the keys belong to another job."""
        if self.has_keys and _is_foreground():
            # After a pause the shell may have changed the settings: raw mode is set again.
            self._saved = self._saved or termios.tcgetattr(_STDIN)
            # Keys that were pressed early must not be discarded.
            tty.setraw(_STDIN, termios.TCSANOW)

    def leave(self) -> None:
        """Restore the settings."""
        if self._saved is not None:
            saved, self._saved = self._saved, None
            # A terminal that was closed has no settings.
            with suppress(termios.error):
                termios.tcsetattr(_STDIN, termios.TCSADRAIN, saved)

    def suspend(self) -> None:
        """Stop this job as Ctrl-Z does, and return when it continues."""
        self.leave()
        handler = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        # The whole job: it may be a pipeline.
        os.kill(0, signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, handler)
        self.enter()


def _is_foreground() -> bool:
    try:
        return os.tcgetpgrp(_STDIN) == os.getpgrp()
    except OSError:
        # Jobs exist only on the controlling terminal.
        return True


def suspend_key(program_terminal: int, program: int) -> bytes | None:
    """Return the key that would stop a program, or None if the key belongs to the program.

    The kernel does not stop a session's first program, because no shell in its session could continue it.
    """
    try:
        attributes = termios.tcgetattr(program_terminal)
        in_foreground = os.tcgetpgrp(program_terminal) == program
    except (OSError, termios.error):
        return None
    key = attributes[_CHARACTERS][termios.VSUSP]
    stops = in_foreground and attributes[_LOCAL_FLAGS] & termios.ISIG
    return key if stops and isinstance(key, bytes) and key != b"\0" else None
