"""The state of files, and SIGHUP."""

import os
import subprocess
import sys
from pathlib import Path

from scmhost.plugins.config.files import FileState


def test_changed_file_has_another_state(tmp_path: Path) -> None:
    """A replaced file has another state, even with the same size and time."""
    path, other = tmp_path / "a", tmp_path / "b"
    assert FileState.of(path) is None
    for file in (path, other):
        file.write_bytes(b"x")
        os.utime(file, ns=(1, 1))
    before = FileState.of(path)
    other.replace(path)
    assert before != FileState.of(path)
    assert before is not None
    assert not before.settled


def test_hangup_is_received_and_forwarded() -> None:
    """SIGHUP does not end a process that blocks it; handlers are called, also in child processes."""
    done = subprocess.run([sys.executable, "-c", HANGUPS], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout.split()) == (0, ["child", "parent"]), done.stderr


HANGUPS = """
import os, signal, subprocess, sys
from threading import Event
from scmhost.plugins.config.files import block_hangups, on_hangup, forward_hangups

if sys.argv[1:] == ["child"]:
    received = Event()
    on_hangup(received.set)
    print("ready", flush=True)
    assert received.wait(20)
    sys.exit(0)

block_hangups()
child = subprocess.Popen([sys.executable, "-c", SOURCE, "child"], stdout=subprocess.PIPE)
gone = subprocess.Popen([sys.executable, "-c", ""])
gone.wait()
child.stdout.readline()
forward_hangups(lambda: [gone.pid, child.pid])
os.kill(os.getpid(), signal.SIGHUP)
assert child.wait(20) == 0
print("child parent")
"""
HANGUPS = HANGUPS.replace("SOURCE", repr(HANGUPS))
