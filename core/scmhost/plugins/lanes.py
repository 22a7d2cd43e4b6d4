"""Threads for foreign code: a few per plugin, so that one that hangs keeps no other from running.

They are daemons of our own: the executor of the standard library joins its threads at exit, and a plugin that never
returns would keep the process from ending.
"""

from collections.abc import Callable
from queue import SimpleQueue
from threading import Condition, Lock, Thread
from time import monotonic
from typing import Final, Protocol

LANES_PER_PLUGIN: Final = 8

WAITING_PER_PLUGIN: Final = 8
"""How many callers may wait for a lane. With those whose calls run they are less than half of the threads that answer
requests, so that two plugins that hang leave some to the others."""

PATIENCE: Final = 0.25
"""How long any more of them wait, in seconds, after a lane was last taken or given back: a burst of quick calls is
served in that time, and a plugin whose calls stand still takes no more threads."""


class Job(Protocol):
    """Work that never raises. ``done`` is held until it is over."""

    done: Lock

    def run(self) -> None: ...


class Lane:
    """A thread that runs one job at a time."""

    def __init__(self, name: str, returned: Callable[["Lane"], bool]) -> None:
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._returned = returned
        self._thread = Thread(target=self._loop, name=name, daemon=True)
        self._thread.start()

    @property
    def thread(self) -> Thread:
        """The thread, to see where it stands."""
        return self._thread

    def begin(self, job: Job | None) -> None:
        """Run a job, or end when there is none."""
        self._jobs.put(job)

    def _loop(self) -> None:
        while self._serve(self._jobs.get()):
            pass

    def _serve(self, job: Job | None) -> bool:
        """Run one job. In a function of its own, so that an idle lane holds on to nothing of the last job."""
        if job is None:
            return False
        job.run()
        # The lane is free before its caller knows: a caller in a loop needs one lane only.
        stays = self._returned(self)
        job.done.release()
        return stays


class Lanes:
    """The lanes of one plugin. They are made when needed and used again.

    A few callers wait for a lane as long as the others may still come back. More of them, and all once every lane is
    overdue, are told at once: waiting would only take their threads too.
    """

    def __init__(self, plugin: str, limit: int = LANES_PER_PLUGIN) -> None:
        self._name = f"scmhost plugin {plugin}"
        self._limit = limit
        self._change = Condition()
        self._idle: list[Lane] = []
        self._running: dict[Lane, Job] = {}
        self._overdue: set[Lane] = set()
        self._made = 0
        self._waiting = 0
        self._moved = monotonic()
        self._closed = False

    def begin(self, job: Job, patience: float) -> Lane | None:
        """Run a job in a free lane; None when none became free within the patience, in seconds."""
        with self._change:
            self._wait(monotonic() + patience)
            lane = self._take()
            if lane is None:
                return None
            self._running[lane] = job
        lane.begin(job)
        return lane

    def give_up(self, lane: Lane, job: Job) -> None:
        """Nobody waits for this job any more; its lane comes back when it does."""
        with self._change:
            if self._running.get(lane) is job:
                self._overdue.add(lane)
                self._change.notify_all()

    def close(self) -> None:
        """End the idle lanes now, and the others after their job."""
        with self._change:
            self._closed = True
            idle, self._idle = self._idle, []
            self._change.notify_all()
        for lane in idle:
            lane.begin(None)

    def _wait(self, deadline: float) -> None:
        """Wait until it is known if there is a lane, or it makes no sense to wait any longer."""
        if self._tells():
            return
        excess = self._waiting >= WAITING_PER_PLUGIN
        self._waiting += 1
        try:
            while not self._tells():
                last = min(deadline, self._moved + PATIENCE) if excess else deadline
                left = last - monotonic()
                if left <= 0:
                    return
                self._change.wait(left)
        finally:
            self._waiting -= 1

    def _tells(self) -> bool:
        """Whether it is known now if there is a lane."""
        return bool(self._idle) or self._made < self._limit or self._closed or len(self._overdue) == self._limit

    def _take(self) -> Lane | None:
        if not self._idle and (self._closed or self._made == self._limit):
            return None
        self._moved = monotonic()
        if self._idle:
            return self._idle.pop()
        self._made += 1
        return Lane(self._name, self._give_back)

    def _give_back(self, lane: Lane) -> bool:
        with self._change:
            del self._running[lane]
            self._overdue.discard(lane)
            self._moved = monotonic()
            if not self._closed:
                self._idle.append(lane)
                self._change.notify()
            return not self._closed
