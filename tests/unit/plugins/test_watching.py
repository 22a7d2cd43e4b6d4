"""Looking at a file again and again."""

import os
import subprocess
import sys
from pathlib import Path
from queue import SimpleQueue

import pytest

from scmhost.plugins.config.watching import FileState, Watch


def test_watch_looks_until_it_is_stopped() -> None:
    """It looks by itself, again soon when there is something new, and no more once it is stopped."""
    looks: SimpleQueue[bool] = SimpleQueue()

    def look(asked: bool) -> bool:
        looks.put(asked)
        return True

    watch = Watch(look, seconds=60)
    assert [looks.get(timeout=5) for _ in range(3)] == [False] * 3
    watch.stop()
    seen = looks.qsize()
    watch.ask()
    assert looks.qsize() == seen


def test_asked_for_look_comes_at_once() -> None:
    """Whoever asks need not wait for the next look."""
    looks: SimpleQueue[bool] = SimpleQueue()

    def look(asked: bool) -> bool:
        looks.put(asked)
        return False

    watch = Watch(look, seconds=60)
    assert looks.get(timeout=5) is False
    watch.ask()
    assert looks.get(timeout=5) is True
    watch.stop()


def test_changed_file_has_another_state(tmp_path: Path) -> None:
    """A file that was replaced is told from the one before, even with the same size and time."""
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


def test_hangup_is_heard_and_passed_on() -> None:
    """SIGHUP ends no process that holds it; whoever waits for it is called, in processes begun from there too."""
    done = subprocess.run([sys.executable, "-c", HANGUPS], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout.split()) == (0, ["child", "parent"]), done.stderr


HANGUPS = """
import os, signal, subprocess, sys
from threading import Event
from scmhost.plugins.config.watching import hold_hangups, on_hangup, pass_on_hangups

if sys.argv[1:] == ["child"]:
    heard = Event()
    on_hangup(heard.set)
    print("ready", flush=True)
    assert heard.wait(20)
    sys.exit(0)

hold_hangups()
child = subprocess.Popen([sys.executable, "-c", SOURCE, "child"], stdout=subprocess.PIPE)
gone = subprocess.Popen([sys.executable, "-c", ""])
gone.wait()
child.stdout.readline()
pass_on_hangups(lambda: [gone.pid, child.pid])
os.kill(os.getpid(), signal.SIGHUP)
assert child.wait(20) == 0
print("child parent")
"""
HANGUPS = HANGUPS.replace("SOURCE", repr(HANGUPS))


def test_watch_goes_on_after_a_look_that_raises(caplog: pytest.LogCaptureFixture) -> None:
    """A database that is away for a moment must not end the thread: no plugin could be switched off any more."""
    looks: SimpleQueue[int] = SimpleQueue()
    errors = iter([RuntimeError("no such table"), ValueError("odd"), None, None])

    def look(_requested: bool) -> bool:
        looks.put(1)
        error = next(errors, None)
        if error is not None:
            raise error
        return False

    watch = Watch(look, seconds=0.001)
    for _ in range(4):
        looks.get(timeout=30)
        watch.ask()
    watch.stop()
    assert watch.failures == 0
    assert [record.getMessage() for record in caplog.records] == ["configuration watch failed"] * 2
