"""What importing a plugin does to a fresh process: time, output, connections, other rooms of the host."""

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import Any, Final

MOST_MS: Final = 100.0
_TIMES: Final = 5
_PATIENCE: Final = 60.0
_ANSWER: Final = "scmhost probe: "

# Run in a process of its own. The SDK loads its names when they are asked for; here all of them come before.
_PROGRAM: Final = f"""\
import json, sys, threading
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
begun = perf_counter()
import_module(module)
took = (perf_counter() - begun) * 1000
answer = {{
    "ms": took,
    "modules": sorted(set(sys.modules) - before),
    "threads": threading.active_count() - threads,
    "connections": connections,
}}
print({_ANSWER!r} + json.dumps(answer), flush=True)
"""


@dataclass(frozen=True, slots=True)
class Probed:
    """What an import did. ``ms`` is the quickest of several; ``ended`` tells that the process did not live on."""

    ms: float
    modules: tuple[str, ...]
    printed: str
    threads: int
    connections: tuple[str, ...]
    ended: str


def probe(module: str) -> Probed:
    """Import a module in a fresh process; several times, if the first one was slow."""
    found = _once(module)
    for _ in range(_TIMES - 1):
        if found.ended or found.ms <= MOST_MS:
            break
        again = _once(module)
        found = again if again.ms < found.ms else found
    return found


def _once(module: str) -> Probed:
    command = [sys.executable, "-c", _PROGRAM, module, json.dumps([entry for entry in sys.path if entry])]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_PATIENCE)  # noqa: S603
    except subprocess.TimeoutExpired:
        return _ended("", f"the import did not end within {_PATIENCE:g} s")
    printed, mark, answer = done.stdout.partition(_ANSWER)
    if not mark:
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        return _ended(printed, f"the process ended: {last}")
    told: dict[str, Any] = json.loads(answer.splitlines()[0])
    return Probed(
        ms=told["ms"],
        modules=tuple(told["modules"]),
        printed=(printed + done.stderr).strip(),
        threads=told["threads"],
        connections=tuple(told["connections"]),
        ended="",
    )


def _ended(printed: str, why: str) -> Probed:
    return Probed(ms=0.0, modules=(), printed=printed.strip(), threads=0, connections=(), ended=why)
