"""The workers of one plugin, with a clock that the test sets."""

import threading
from collections.abc import Callable

from scmhost.plugins.errors import Origin
from scmhost.plugins.isolation.worker_pool import PATIENCE, WAITING_PER_PLUGIN, Job, Worker, WorkerPool


class Seconds:
    """A clock of seconds that a test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def job(work: Callable[[], object] = int) -> Job:
    return Job(Origin("forge", "acme-forge", "scm_install"), work, 5.0, ())


def begun(pool: WorkerPool, one: Job, patience: float = 0.0) -> Worker:
    worker = pool.begin(one, patience)
    assert worker is not None
    return worker


def test_worker_is_reused() -> None:
    """A job after another runs in the same thread."""
    pool = WorkerPool("forge")
    first, second = job(), job()
    one = begun(pool, first)
    assert first.done.acquire(timeout=30)
    two = begun(pool, second)
    assert second.done.acquire(timeout=30)
    pool.close()
    assert one is two


def test_caller_without_a_worker_is_refused_at_its_deadline() -> None:
    """After its patience a caller gets no worker."""
    released, pool = threading.Event(), WorkerPool("forge", limit=1, clock=Seconds())
    begun(pool, job(released.wait))
    assert pool.begin(job(), patience=0.0) is None
    released.set()
    pool.close()


def test_no_caller_waits_for_overdue_workers() -> None:
    """When the callers of all workers have given up, the next one is refused at once, with any patience."""
    released, pool = threading.Event(), WorkerPool("forge", limit=1, clock=Seconds())
    one = job(released.wait)
    pool.give_up(begun(pool, one), one)
    assert pool.begin(job(), patience=600.0) is None
    released.set()
    assert one.done.acquire(timeout=30)
    assert pool.begin(job(), patience=600.0) is not None
    pool.close()


def test_giving_up_a_job_that_has_ended_changes_nothing() -> None:
    """A worker that ends in the last moment is not overdue."""
    pool = WorkerPool("forge", limit=1)
    one, two = job(), job()
    worker = begun(pool, one)
    assert one.done.acquire(timeout=30)
    pool.give_up(worker, one)
    assert begun(pool, two, patience=600.0) is worker
    pool.close()


def test_excess_callers_wait_for_a_moment_only() -> None:
    """Behind those that wait, a caller is refused once no worker was taken or returned for a while."""
    clock, released = Seconds(), threading.Event()
    pool = WorkerPool("forge", limit=1, clock=clock)
    begun(pool, job(released.wait))
    waiting = [threading.Thread(target=pool.begin, args=(job(), 600.0)) for _ in range(WAITING_PER_PLUGIN)]
    for thread in waiting:
        thread.start()
    while pool._waiting < WAITING_PER_PLUGIN:
        pass
    clock.now += PATIENCE
    assert pool.begin(job(), patience=600.0) is None
    released.set()
    for thread in waiting:
        thread.join(30)
    pool.close()


def test_closed_pool_begins_nothing() -> None:
    """After closing, no thread is made."""
    pool = WorkerPool("forge")
    pool.close()
    assert pool.begin(job(), patience=600.0) is None


def test_running_worker_ends_after_its_job() -> None:
    """A worker that is busy while the pool closes ends with its job."""
    released, pool = threading.Event(), WorkerPool("forge")
    one = job(released.wait)
    worker = begun(pool, one)
    pool.close()
    released.set()
    worker.thread.join(30)
    assert not worker.thread.is_alive()
