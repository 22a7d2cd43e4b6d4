"""Loops survive every error of a round, and one that makes no progress is reported."""

from collections.abc import Callable, Iterator, Mapping
from queue import SimpleQueue
from threading import Event, current_thread

from structlog.testing import capture_logs

from scmhost.infra.loops import MOST_PAUSE, SOON, Loop, Loops
from scmhost.infra.telemetry import Operation, Telemetry


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
    """After a successful round the pause is the ordinary one."""
    rounds: Iterator[bool] = iter([False])

    def work(_woken: bool) -> bool:
        return next(rounds)

    loop = Loop("jobs", work, seconds=5.0)
    assert loop.round(woken=False) == 5.0
    # The iterator is empty now: StopIteration is an error like any other.
    assert [loop.round(woken=False), loop.round(woken=False)] == [5.0, 10.0]


def test_round_can_ask_for_the_next_one_soon() -> None:
    """The pause is short after a round that returned True, such as one that read half of a change."""
    assert Loop("file", lambda _woken: True, seconds=5.0).round(woken=False) == SOON


def test_loop_without_progress_is_stuck_and_names_the_error() -> None:
    """The sentence has the loop and the type of the error, but not its text, which may contain secrets."""
    clock = Ticks()
    loop = Loop("jobs", fails, seconds=1.0, stuck_after=60.0, monotonic=clock)
    loop.round(woken=False)
    assert loop.stuck is None
    clock.now = 61.0
    assert loop.stuck == "jobs failed once with RuntimeError; the log has details"
    loop.round(woken=False)
    loop.round(woken=False)
    assert loop.stuck == "jobs failed 3 times in a row, last with RuntimeError; the log has details"


def test_success_clears_the_reason() -> None:
    """After a successful round a loop is not stuck, and a later standstill is not blamed on the old error."""
    clock = Ticks()
    errors = [RuntimeError()]

    def work(_woken: bool) -> bool:
        if errors:
            raise errors.pop()
        return False

    loop = Loop("jobs", work, seconds=1.0, stuck_after=60.0, monotonic=clock)
    loop.round(woken=False)
    clock.now = 61.0
    loop.round(woken=False)
    assert loop.stuck is None
    clock.now = 161.0
    assert loop.stuck == "jobs has made no progress for 100 s"


def test_loop_with_long_pauses_is_not_stuck_between_rounds() -> None:
    """The limit is at least three pauses."""
    clock = Ticks()
    loop = Loop("housekeeping", lambda _woken: False, seconds=60.0, stuck_after=10.0, monotonic=clock)
    clock.now = 180.0
    assert loop.stuck is None
    clock.now = 181.0
    assert loop.stuck == "housekeeping has made no progress for 181 s"


def test_loops_list_those_that_are_stuck() -> None:
    """There is one sentence for each stuck loop; removed loops are not reported."""
    clock = Ticks()
    loops = Loops()
    slow, idle = (
        Loop(name, lambda _woken: False, seconds=seconds, stuck_after=10.0, monotonic=clock)
        for name, seconds in (("slow", 60.0), ("idle", 1.0))
    )
    loops.add(slow, idle)
    clock.now = 20.0
    assert loops.stuck == ["idle has made no progress for 20 s"]
    loops.stop()
    assert loops.stuck == []


def test_failure_is_logged_and_counted() -> None:
    """The log line has the loop, the failures in a row, the pause and the exception."""
    counted: list[tuple[str, Mapping[str, int]]] = []

    class Counts:
        """Records the counters."""

        def begin(self, operation: Operation) -> Callable[[], None]:
            raise AssertionError(operation)

        def count(self, counter: str, numbers: Mapping[str, int]) -> None:
            counted.append((counter, numbers))

    loop = Loop("jobs", fails, seconds=2.0, telemetry=Telemetry(Counts()))
    with capture_logs() as logs:
        loop.round(woken=False)
        loop.round(woken=False)
    assert counted == [("loop_failures", {"jobs": 1})] * 2
    assert [(line["event"], line["loop"], line["failures"], line["next_in_seconds"]) for line in logs] == [
        ("loop failed", "jobs", 1, 2.0),
        ("loop failed", "jobs", 2, 4.0),
    ]
    assert [str(line["exc_info"]) for line in logs] == ["secret detail"] * 2


def test_pause_stays_bounded_after_very_many_failures() -> None:
    """A thousand failures in a row do not overflow."""
    loop = Loop("jobs", fails, seconds=1.0)
    with capture_logs():
        pauses = {loop.round(woken=False) for _ in range(1100)}
    assert max(pauses) == MOST_PAUSE


def test_beat_shows_progress_of_a_long_round() -> None:
    """A round that takes long, but reports progress, is not stuck."""
    clock = Ticks()
    loop = Loop("jobs", lambda _woken: False, seconds=1.0, stuck_after=60.0, monotonic=clock)
    clock.now = 100.0
    assert loop.stuck == "jobs has made no progress for 100 s"
    loop.beat()
    assert loop.stuck is None


def test_loop_repeats_its_work_until_it_is_stopped() -> None:
    """Rounds follow each other in a thread of the loop until it is stopped; after that there is none."""
    rounds: SimpleQueue[tuple[bool, str]] = SimpleQueue()

    def work(woken: bool) -> bool:
        rounds.put((woken, current_thread().name))
        return True

    loop = Loop("file", work, seconds=60.0).start()
    assert [rounds.get(timeout=5) for _ in range(3)] == [(False, "scmhost file")] * 3
    assert not loop.is_ending()
    loop.stop()
    assert loop.is_ending()
    seen = rounds.qsize()
    loop.wake()
    assert rounds.qsize() == seen


def test_woken_loop_runs_at_once() -> None:
    """A loop that is woken does not wait for its pause, and the round gets ``woken=True``."""
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


class SignalledLoop(Loop):
    """A loop that records the signal to end."""

    signalled = Event()

    def end(self) -> None:
        super().end()
        self.signalled.set()


def test_a_slow_round_does_not_delay_the_end_of_other_loops() -> None:
    """All loops are signalled before the first is waited for."""
    begun = Event()
    waited: list[bool] = []
    second = SignalledLoop("metrics", lambda _woken: False, seconds=60.0)

    def slow(_woken: bool) -> bool:
        begun.set()
        waited.append(second.signalled.wait(5))
        return False

    loops = Loops()
    loops.add(Loop("jobs", slow, seconds=60.0).start(), second.start())
    assert begun.wait(5)
    loops.stop()
    assert waited == [True]
