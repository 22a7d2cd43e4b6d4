"""Loops go on whatever a round raises, and one that makes no progress is reported."""

from collections.abc import Iterator
from queue import SimpleQueue
from threading import Event

from scmhost.infra.loops import MOST_PAUSE, SOON, Loop, Loops


class Ticks:
    """A monotonic clock that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def fails(_woken: bool) -> bool:
    raise RuntimeError("secret detail")


def test_round_that_raises_is_followed_by_growing_pauses() -> None:
    """Each failure in a row doubles the pause, up to a bound."""
    loop = Loop("jobs", fails, seconds=1.0)
    pauses = [loop.round(woken=False) for _ in range(9)]
    assert pauses == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, MOST_PAUSE, MOST_PAUSE, MOST_PAUSE]


def test_success_ends_the_back_off() -> None:
    """After a good round the loop has its ordinary pace again."""
    rounds: Iterator[bool] = iter([False])

    def work(_woken: bool) -> bool:
        return next(rounds)

    loop = Loop("jobs", work, seconds=5.0)
    assert loop.round(woken=False) == 5.0
    # The iterator is empty now: StopIteration is an error like any other.
    assert [loop.round(woken=False), loop.round(woken=False)] == [5.0, 10.0]


def test_round_can_ask_for_the_next_one_soon() -> None:
    """A round that found half of a change comes back soon."""
    assert Loop("file", lambda _woken: True, seconds=5.0).round(woken=False) == SOON


def test_loop_without_progress_is_stuck_and_names_the_error() -> None:
    """The sentence names the loop and the kind of error, but not its text, which may hold secrets."""
    clock = Ticks()
    loop = Loop("jobs", fails, seconds=1.0, stuck_after=60.0, monotonic=clock)
    loop.round(woken=False)
    assert loop.stuck is None
    clock.now = 61.0
    assert loop.stuck is not None
    assert "jobs failed 1 times" in loop.stuck
    assert "RuntimeError" in loop.stuck
    assert "secret" not in loop.stuck


def test_beat_shows_progress_of_a_long_round() -> None:
    """A round that takes long, but reports progress, is not stuck."""
    clock = Ticks()
    loop = Loop("jobs", lambda _woken: False, seconds=1.0, stuck_after=60.0, monotonic=clock)
    clock.now = 100.0
    assert loop.stuck == "jobs has made no progress for 100 s"
    loop.beat()
    assert loop.stuck is None


def test_loop_repeats_its_work_until_it_is_stopped() -> None:
    """A round that asks for the next one soon gets it; after the end there is none."""
    rounds: SimpleQueue[bool] = SimpleQueue()

    def work(woken: bool) -> bool:
        rounds.put(woken)
        return True

    loop = Loop("file", work, seconds=60.0).start()
    assert [rounds.get(timeout=5) for _ in range(3)] == [False] * 3
    loop.stop()
    seen = rounds.qsize()
    loop.wake()
    assert rounds.qsize() == seen


def test_woken_loop_runs_at_once() -> None:
    """A loop that is woken does not wait for its pause, and the round gets to know why it came."""
    rounds: SimpleQueue[bool] = SimpleQueue()

    def work(woken: bool) -> bool:
        rounds.put(woken)
        return False

    loop = Loop("file", work, seconds=60.0).start()
    assert rounds.get(timeout=5) is False
    loop.wake()
    assert rounds.get(timeout=5) is True
    loop.stop()


def test_thread_survives_a_failing_round() -> None:
    """The thread runs the work again when it is woken, although every round raises."""
    rounds = 0
    enough = Event()

    def work(_woken: bool) -> bool:
        nonlocal rounds
        rounds += 1
        if rounds == 3:
            enough.set()
        raise RuntimeError

    loops = Loops()
    loop = Loop("jobs", work, seconds=60.0)
    loops.add(loop.start())
    while not enough.wait(0.01):
        loop.wake()
    loops.stop()
    assert rounds >= 3
    assert loops.stuck == []
