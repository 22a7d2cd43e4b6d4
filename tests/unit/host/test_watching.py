"""Looking at a file again and again."""

import os
import signal
from pathlib import Path
from queue import SimpleQueue

import pytest

from scmhost.host.watching import FileState, Watch, on_hangup


def test_watch_looks_until_it_is_stopped() -> None:
    """It looks by itself, again soon when there is something new, and no more once it is stopped."""
    looks: SimpleQueue[bool] = SimpleQueue()

    def look(asked: bool) -> bool:  # noqa: FBT001 - what a look is told
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

    def look(asked: bool) -> bool:  # noqa: FBT001 - what a look is told
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


@pytest.fixture
def _mask() -> object:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, set())
    yield
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


@pytest.mark.usefixtures("_mask")
def test_hangup_is_heard() -> None:
    """SIGHUP ends nothing; whoever waits for it is called."""
    heard: SimpleQueue[str] = SimpleQueue()
    on_hangup(lambda: heard.put("here"))
    os.kill(os.getpid(), signal.SIGHUP)
    assert heard.get(timeout=5) == "here"
