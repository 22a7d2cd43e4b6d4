"""Threads for foreign code: a few per plugin, so that one that hangs keeps no other from running.

They are daemons of our own: the executor of the standard library joins its threads at exit, and a plugin that never
returns would keep the process from ending.
"""

from collections.abc import Callable
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Final, Protocol

LANES_PER_PLUGIN: Final = 8


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
    """The lanes of one plugin. They are made when needed and used again."""

    def __init__(self, plugin: str, limit: int = LANES_PER_PLUGIN) -> None:
        self._name = f"scmhost plugin {plugin}"
        self._limit = limit
        self._lock = Lock()
        self._idle: list[Lane] = []
        self._made = 0
        self._closed = False

    def begin(self, job: Job) -> Lane | None:
        """Run a job in a free lane, or give None when all are taken."""
        lane = self._take()
        if lane is not None:
            lane.begin(job)
        return lane

    def close(self) -> None:
        """End the idle lanes now, and the others after their job."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for lane in idle:
            lane.begin(None)

    def _take(self) -> Lane | None:
        with self._lock:
            if self._idle:
                return self._idle.pop()
            if self._closed or self._made == self._limit:
                return None
            self._made += 1
            return Lane(self._name, self._give_back)

    def _give_back(self, lane: Lane) -> bool:
        with self._lock:
            if not self._closed:
                self._idle.append(lane)
            return not self._closed
