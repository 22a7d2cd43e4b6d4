"""Run a program and read its output while it runs: in a pseudo-terminal, or through pipes. Not for Windows.

Each stream that leads to a terminal leads to a pseudo-terminal instead, so that the program keeps colours, width and
prompts. Each other output is a pipe.
"""

import fcntl
import os
import select
import signal
import subprocess
import termios
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from types import FrameType
from typing import Final, Self

from scmhost.infra.errors import ScmhostError

from .linked_text import Chunk, LineSplitter
from .user_terminal import UserTerminal, suspend_key

_STDIN: Final = 0
_STDOUT: Final = 1
_STDERR: Final = 2
# Shorter than for a pipe, because people wait for the echo of their keys.
_IDLE_SECONDS: Final = 0.02
# A process that the program has left may hold its output open; what the program itself wrote has arrived by then.
_DRAIN_SECONDS: Final = 0.05
_MOST_KEYS: Final = 1024
_BLOCK: Final = 1 << 16
_FORWARDED: Final = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
_FROM_KEYS: Final = (signal.SIGINT, signal.SIGQUIT)
_OF_TERMINAL: Final = (signal.SIGWINCH, signal.SIGTSTP, signal.SIGCONT)

Take = Callable[[int, Chunk], object]
"""Takes a chunk of output, and the descriptor, 1 or 2, that it is for."""


class NoProgram(ScmhostError):
    """The program cannot be started.

    Attributes:
        code: the exit code of shells: 127 for a missing program, 126 for a file that cannot be run.
    """

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class Program:
    """A program that starts with the ``with`` block. At the end of the block the terminal has its old settings.

    Attributes:
        code: the exit code, negative for a signal; None while the program runs.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self.code: int | None = None
        self._command = command
        # Descriptors to read, and the descriptor that the output is for.
        self._outputs: dict[int, int] = {}
        self._splitters: dict[int, LineSplitter] = {}
        self._terminal: UserTerminal | None = None
        self._master = -1
        self._keys = b""

    def __enter__(self) -> Self:
        """Start the program.

        Raises:
            NoProgram: it does not exist, or is not a program.
        """
        with ExitStack() as stack:
            stack.callback(self.close_outputs)
            ends = stack.enter_context(ExitStack())
            streams = self._open_streams(ends)
            numbers = (*_FORWARDED, *_FROM_KEYS, signal.SIGCHLD, *(_OF_TERMINAL if self._terminal else ()))
            self._signals = stack.enter_context(SignalPipe(numbers))
            self._process = self._started(streams)
            # The end of the output is noticed only if the program alone has the other ends.
            ends.close()
            if self._terminal:
                stack.callback(self._terminal.leave)
                self._terminal.enter()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stack.close()

    def relay(self, take: Take) -> None:
        """Pass on output, keys and signals until the program has ended and its output is read."""
        while self._outputs or self.code is None:
            readable = self._wait()
            for descriptor, target in list(self._outputs.items()):
                splitter = self._splitters[descriptor]
                if descriptor in readable:
                    self._read(descriptor, splitter, partial(take, target))
                elif splitter.seconds_left() == 0:
                    take(target, splitter.pause())
                elif not readable and self.code is not None and splitter.seconds_left() is None:
                    self._close(descriptor)

    def close_outputs(self) -> None:
        """Read no more output, as when a reader such as ``head`` ends: the next write ends the program."""
        for descriptor in list(self._outputs):
            self._close(descriptor)

    def _open_streams(self, ends: ExitStack) -> Mapping[int, int]:
        """Open a pseudo-terminal and pipes. Return the program's ends by the descriptors that they replace."""
        terminals = [descriptor for descriptor in (_STDOUT, _STDERR) if os.isatty(descriptor)]
        slave = self._open_terminal(terminals[0], ends) if terminals else None
        streams: dict[int, int] = {}
        if slave is not None:
            streams = dict.fromkeys(terminals, slave)
            if self._terminal and self._terminal.has_keys:
                streams[_STDIN] = slave
        for descriptor in (_STDOUT, _STDERR):
            if descriptor == _STDERR and _STDERR not in streams and os.path.sameopenfile(_STDOUT, _STDERR):
                # One pipe keeps the order of what is written to both.
                streams[_STDERR] = streams[_STDOUT]
            elif descriptor not in streams:
                reading, streams[descriptor] = os.pipe()
                ends.callback(os.close, streams[descriptor])
                self._add_output(reading, descriptor)
        return streams

    def _open_terminal(self, target: int, ends: ExitStack) -> int | None:
        try:
            self._master, slave = os.openpty()
        except OSError:
            # A container may have no pseudo-terminals.
            return None
        ends.callback(os.close, slave)
        # A program that does not read must not block the reading of its output.
        os.set_blocking(self._master, False)
        self._add_output(self._master, target)
        self._terminal = UserTerminal(target)
        self._terminal.copy_to(slave)
        return slave

    def _add_output(self, descriptor: int, target: int) -> None:
        self._outputs[descriptor] = target
        self._splitters[descriptor] = LineSplitter(_IDLE_SECONDS)

    def _started(self, streams: Mapping[int, int]) -> "subprocess.Popen[bytes]":
        slave = next((end for end in streams.values() if os.isatty(end)), None)
        try:
            return subprocess.Popen(  # noqa: S603 - the command that the user wants to run
                self._command,
                stdin=streams.get(_STDIN),
                stdout=streams[_STDOUT],
                stderr=streams[_STDERR],
                start_new_session=slave is not None,
                # Only the first program of a session can take its terminal. No other thread runs here.
                preexec_fn=partial(fcntl.ioctl, slave, termios.TIOCSCTTY, 0) if slave is not None else None,  # noqa: PLW1509
            )
        except FileNotFoundError as error:
            raise NoProgram(f"{self._command[0]}: command not found", 127) from error
        except OSError as error:
            raise NoProgram(f"{self._command[0]}: {error.strerror}", 126) from error

    def _wait(self) -> list[int]:
        """Wait for output, keys, signals or the end of a pause; return the descriptors that can be read."""
        waits = [seconds for splitter in self._splitters.values() if (seconds := splitter.seconds_left()) is not None]
        if self.code is not None:
            waits.append(_DRAIN_SECONDS)
        watched = [*self._outputs, self._signals.descriptor]
        if self._terminal and self._terminal.is_raw and not self._keys and self._master in self._outputs:
            watched.append(_STDIN)
        writing = [self._master] if self._keys and self._master in self._outputs else []
        readable, writable, _ = select.select(watched, writing, [], min(waits, default=None))
        if self._signals.descriptor in readable:
            for number in self._signals.read():
                self._on_signal(number)
        if _STDIN in readable:
            self._read_keys()
        if writable:
            self._send_keys()
        return readable

    def _read(self, descriptor: int, splitter: LineSplitter, take: Callable[[Chunk], object]) -> None:
        try:
            block = os.read(descriptor, _BLOCK)
        except BlockingIOError:
            return
        except OSError:
            # On Linux the end of a pseudo-terminal is an error.
            block = b""
        if block:
            take(splitter.split(block))
            return
        take(splitter.end())
        if descriptor == self._master and self.code is None:
            # Many programs close their output before they end; closing this end now would kill them by SIGHUP.
            self._stack.callback(os.close, descriptor)
            self._forget(descriptor)
        else:
            self._close(descriptor)

    def _close(self, descriptor: int) -> None:
        self._forget(descriptor)
        os.close(descriptor)

    def _forget(self, descriptor: int) -> None:
        del self._outputs[descriptor], self._splitters[descriptor]

    def _read_keys(self) -> None:
        try:
            keys = os.read(_STDIN, _MOST_KEYS)
        except OSError:
            keys = b""
        if not keys and self._terminal:
            # The terminal was closed.
            self._terminal.leave()
        suspend = suspend_key(self._master, self._process.pid) if self.code is None else None
        if suspend and suspend in keys:
            keys = keys.replace(suspend, b"")
            self._send(signal.SIGSTOP)
        self._keys += keys

    def _send_keys(self) -> None:
        try:
            self._keys = self._keys[os.write(self._master, self._keys) :]
        except BlockingIOError:
            return
        except OSError:
            # The program has closed its terminal.
            self._keys = b""

    def _on_signal(self, number: int) -> None:
        match number:
            case signal.SIGCHLD:
                self._collect()
            case signal.SIGWINCH:
                self._resize()
            case signal.SIGCONT if self._terminal:
                self._terminal.enter()
            case signal.SIGTSTP:
                self._send(signal.SIGSTOP)
            case signal.SIGINT | signal.SIGQUIT if not self._terminal and _has_controlling_terminal():
                # Ctrl-C has reached the program, too: it is in the same job.
                return
            case _:
                self._send(number)

    def _collect(self) -> None:
        """Collect the exit code, or suspend this job if the program was stopped."""
        if self.code is not None:
            return
        pid, status = os.waitpid(self._process.pid, os.WNOHANG | os.WUNTRACED)
        if pid and os.WIFSTOPPED(status):
            if self._terminal:
                self._terminal.suspend()
                self._resize()
                self._send(signal.SIGCONT)
        elif pid:
            self.code = self._process.returncode = os.waitstatus_to_exitcode(status)

    def _resize(self) -> None:
        if self._terminal and self._master in self._outputs:
            self._terminal.copy_size(self._master)

    def _send(self, number: int) -> None:
        if self.code is None:
            # With a pseudo-terminal the program leads a group of its own.
            os.kill(-self._process.pid if self._terminal else self._process.pid, number)


class SignalPipe:
    """Receives signals as bytes in a pipe, so that ``select`` can wait for them. Ignored signals stay ignored."""

    def __init__(self, numbers: Iterable[int]) -> None:
        self._numbers = list(numbers)

    def __enter__(self) -> Self:
        self.descriptor, self._writing = os.pipe()
        os.set_blocking(self.descriptor, False)
        os.set_blocking(self._writing, False)
        self._earlier = signal.set_wakeup_fd(self._writing, warn_on_full_buffer=False)
        received = [number for number in self._numbers if signal.getsignal(number) is not signal.SIG_IGN]
        self._handlers = {number: signal.signal(number, _received) for number in received}
        return self

    def __exit__(self, *_error: object) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        signal.set_wakeup_fd(self._earlier)
        os.close(self.descriptor)
        os.close(self._writing)

    def read(self) -> list[int]:
        """Return the numbers of the signals since the last call, without repetitions."""
        return list(dict.fromkeys(os.read(self.descriptor, _BLOCK)))


def _received(_number: int, _frame: FrameType | None) -> None:
    """Do nothing: the interpreter has written the number to the pipe."""


def _has_controlling_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True
