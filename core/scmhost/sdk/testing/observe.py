"""Run foreign code and observe it: duration, connections, processes, written files, and what an import does."""

import asyncio
import json
import os
import subprocess
import sys
import traceback
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Lock, Thread, current_thread
from time import perf_counter
from types import CoroutineType
from typing import Any, Final

from pydantic import ValidationError

MAX_IMPORT_MS: Final = 100.0

# An empty host and None mean any address of this machine.
_LOCAL: Final = frozenset({"localhost", "127.0.0.1", "::1", "", None})
_WRITES: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND
# The first import also compiles the module, so that one slow run shows nothing.
_IMPORT_RUNS: Final = 5
_IMPORT_SECONDS: Final = 60.0
# Separates the effects from what the module prints.
_MARK: Final = "scmhost import: "

# An audit hook cannot be removed: this one is added once, and does nothing while the list is empty.
_observers: list[list["SideEffect"]] = []
_hook_added: list[bool] = []


@dataclass(frozen=True, slots=True)
class SideEffect:
    """A connection, a process or a written file. A ``refused`` one was prevented."""

    text: str
    refused: bool = False


class NetworkRefused(ConnectionRefusedError):
    """The suite refuses connections beyond this machine."""


@dataclass(slots=True)
class Execution:
    """The outcome of a piece of foreign work. ``hangs_at`` is its position when the time was over."""

    value: Any = None
    error: BaseException | None = None
    seconds: float = 0.0
    effects: tuple[SideEffect, ...] = ()
    hangs_at: str | None = None


# A lock that is released when the work is done; an Event takes four times as long.
_Work = tuple[Callable[[], Any], Execution, Lock]


class SuiteWorker:
    """A thread for foreign code, with one event loop for its coroutines. One that hangs is abandoned and replaced."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[_Work | None] | None = None
        self._thread: Thread | None = None

    def run(self, work: Callable[[], Any], seconds: float) -> Execution:
        """Run the work and wait for it, at most for ``seconds`` without those in which the thread got no processor."""
        done, execution = Lock(), Execution()
        done.acquire()
        if self._queue is None:
            self._queue = SimpleQueue()
            self._thread = Thread(target=_serve, args=(self._queue,), name="scmhost conformance", daemon=True)
            self._thread.start()
            # The thread ends with its owner; at the end of the process it is a daemon and needs no signal.
            weakref.finalize(self, self._queue.put, None).atexit = False
        with observed() as effects:
            begun = perf_counter() - _queued_seconds(self._thread)
            self._queue.put((work, execution, done))
            returned = done.acquire(timeout=seconds)
            while not returned and (left := begun + seconds + _queued_seconds(self._thread) - perf_counter()) > 0:
                returned = done.acquire(timeout=left)
            execution.effects = tuple(effects)
        return execution if returned else self._abandon(seconds, tuple(effects))

    def _abandon(self, seconds: float, effects: tuple[SideEffect, ...]) -> Execution:
        frame = sys._current_frames().get(self._thread.ident or 0) if self._thread else None  # noqa: SLF001
        stack = traceback.extract_stack(frame) if frame else []
        if self._queue is not None:
            # A thread cannot be killed; this one ends as soon as its work returns.
            self._queue.put(None)
            self._queue = None
        position = f"{stack[-1].filename}:{stack[-1].lineno}" if stack else ""
        return Execution(seconds=seconds, effects=effects, hangs_at=position)


def _serve(queue: "SimpleQueue[_Work | None]") -> None:
    # One loop for all calls, as in the host: a client with pooled connections stays usable.
    with asyncio.Runner() as runner:
        while (item := queue.get()) is not None:
            work, execution, done = item
            begun = perf_counter() - _queued_seconds(current_thread())
            try:
                value = work()
                # With the context of this thread, which has the deadline of the call.
                is_async = isinstance(value, CoroutineType)
                execution.value = runner.run(value, context=copy_context()) if is_async else value
            except BaseException as error:  # noqa: BLE001 - foreign code may raise anything
                execution.error = error
            execution.seconds = perf_counter() - _queued_seconds(current_thread()) - begun
            done.release()
            del item, work, execution, done


def _queued_seconds(thread: Thread | None) -> float:
    """Return how long a thread has waited for a processor: on a busy machine, that is not the plugin's fault.

    Linux counts that time; elsewhere it is taken for zero.
    """
    try:
        # Read three times for each call, and without a file object in a third of the time.
        file = os.open(f"/proc/self/task/{thread.native_id if thread else 0}/schedstat", os.O_RDONLY)
        try:
            return int(os.read(file, 100).split()[1]) / 1_000_000_000
        finally:
            os.close(file)
    except (OSError, IndexError, ValueError):
        return 0.0


def text_of(error: BaseException) -> str:
    """Return an exception's text in one line."""
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        return ": ".join(filter(None, [error.title, ".".join(map(str, first["loc"])), first["msg"]]))
    try:
        return " ".join(str(error).split()) or "no text"
    except Exception:  # noqa: BLE001 - a plugin's exception may raise when it is printed
        return "a text that cannot be printed"


@contextmanager
def observed() -> Iterator[list[SideEffect]]:
    """Collect the side effects of the process in this block. Connections beyond this machine are refused."""
    if not _hook_added:
        sys.addaudithook(_audit)
        _hook_added.append(True)
    effects: list[SideEffect] = []
    _observers.append(effects)
    try:
        yield effects
    finally:
        _observers.pop()


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if not _observers or event not in _EVENTS:
        return
    effect = _EVENTS[event](*arguments)
    if effect is None:
        return
    _observers[-1].append(effect)
    if effect.refused:
        raise NetworkRefused(f"{effect.text}: the conformance suite works without a network")


def _connect(_socket: Any, address: Any) -> SideEffect | None:
    # The address of a Unix socket is a path on this machine.
    host = address[0] if isinstance(address, tuple) else ""
    return SideEffect(f"opened a connection to {address}", refused=host not in _LOCAL)


def _look_up(host: Any, *_more: Any) -> SideEffect | None:
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    return None if name in _LOCAL else SideEffect(f"looked up the address of {name}", refused=True)


def _process(program: Any, *_more: Any) -> SideEffect:
    return SideEffect(f"started the process {program!r}")


def _open(path: Any, _mode: Any, flags: Any) -> SideEffect | None:
    # Python itself writes compiled modules.
    if not isinstance(flags, int) or not flags & _WRITES or "__pycache__" in str(path):
        return None
    return SideEffect(f"wrote the file {path!r}")


_EVENTS: Final[dict[str, Callable[..., SideEffect | None]]] = {
    "socket.connect": _connect,
    "socket.getaddrinfo": _look_up,
    "subprocess.Popen": _process,
    "os.system": _process,
    "os.posix_spawn": _process,
    "open": _open,
}


# Runs in a process of its own. The SDK imports its names lazily; their cost must not count for the plugin, and neither
# must the time in which a busy machine runs other processes. Linux counts that time; elsewhere it is taken for zero.
_PROGRAM: Final = f"""\
import json, os, sys, threading
module, sys.path[:] = sys.argv[1], json.loads(sys.argv[2])
import scmhost.sdk
for name in scmhost.sdk.__all__:
    getattr(scmhost.sdk, name)
before, threads = set(sys.modules), threading.active_count()
connections = []
sys.addaudithook(
    lambda event, args: connections.append(repr(args[-1])) if event == "socket.connect" else None
)
from importlib import import_module
from time import perf_counter
def queued_ms():
    try:
        with open("/proc/self/schedstat") as file:
            return int(file.read().split()[1]) / 1_000_000
    except (OSError, IndexError, ValueError):
        return 0.0
def state():
    found = {{"the environment variable " + name: value for name, value in os.environ.items()}}
    found |= {{
        "sys.path": tuple(sys.path),
        "the working directory": os.getcwd(),
        "sys.excepthook": sys.excepthook,
        "sys.stdout": sys.stdout,
        "sys.stderr": sys.stderr,
        "the recursion limit": sys.getrecursionlimit(),
    }}
    # A module that was not imported yet has its defaults.
    socket, logging = sys.modules.get("socket"), sys.modules.get("logging")
    found["the default timeout of sockets"] = socket.getdefaulttimeout() if socket else None
    root = logging.root if logging else None
    found["the level at which logging is disabled"] = root.manager.disable if root else 0
    found["the level of the root logger"] = root.level if root else 30
    found["the handlers of the root logger"] = tuple(root.handlers) if root else ()
    return found
earlier = state()
begun = perf_counter() * 1000 - queued_ms()
import_module(module)
took = perf_counter() * 1000 - queued_ms() - begun
later = state()
effects = {{
    "changes": [name for name in {{**earlier, **later}} if earlier.get(name) != later.get(name)],
    "ms": took,
    "modules": sorted(set(sys.modules) - before),
    "threads": threading.active_count() - threads,
    "connections": connections,
}}
print({_MARK!r} + json.dumps(effects), flush=True)
"""


@dataclass(frozen=True, slots=True)
class ImportEffects:
    """What importing a module does in a fresh process.

    ``ms`` is the fastest of several runs, ``ended`` is the reason why the process did not survive the import.
    """

    ms: float
    modules: tuple[str, ...] = ()
    printed: str = ""
    threads: int = 0
    connections: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    ended: str = ""


def observe_import(module: str) -> ImportEffects:
    """Import a module in a fresh process, up to five times while it is slow."""
    effects = _import_once(module)
    for _ in range(_IMPORT_RUNS - 1):
        if effects.ended or effects.ms <= MAX_IMPORT_MS:
            break
        again = _import_once(module)
        effects = again if again.ms < effects.ms else effects
    return effects


def _import_once(module: str) -> ImportEffects:
    command = [sys.executable, "-c", _PROGRAM, module, json.dumps([entry for entry in sys.path if entry])]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_IMPORT_SECONDS)  # noqa: S603
    except subprocess.TimeoutExpired:
        return ImportEffects(0.0, ended=f"the import did not end within {_IMPORT_SECONDS:g} s")
    printed, mark, line = done.stdout.partition(_MARK)
    if not mark:
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        return ImportEffects(0.0, printed=printed.strip(), ended=f"the process ended: {last}")
    effects: dict[str, Any] = json.loads(line.splitlines()[0])
    return ImportEffects(
        ms=effects["ms"],
        modules=tuple(effects["modules"]),
        printed=(printed + done.stderr).strip(),
        threads=effects["threads"],
        connections=tuple(effects["connections"]),
        changes=tuple(f"changed {change}" for change in effects["changes"]),
    )
