"""Prometheus metrics: the sink that counts operations, and the page that shows the counts of all workers."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from signal import Signals
from tempfile import TemporaryDirectory
from typing import Final, Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, disable_created_metrics
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector
from prometheus_client.values import MultiProcessValue

from . import Kind, Operation

FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable from which the Prometheus client library reads the folder of several processes."""


@contextmanager
def multiprocess_folder(*, wanted: bool) -> Iterator[None]:
    """Set a temporary folder for the counts of workers that start inside the ``with`` block.

    If the operator has set a folder, it is used and kept.
    """
    # A new folder for each run: the library would add the counts that an earlier run left in it.
    if not wanted or os.environ.get(FOLDER):
        yield
        return
    with TemporaryDirectory(prefix="scmhost-metrics-") as folder:
        os.environ[FOLDER] = folder
        try:
            yield
        finally:
            del os.environ[FOLDER]


ENDED_WORKERS: Final = "Workers that were killed or have crashed."


class EndedWorkers:
    """Counts the workers that were killed or have crashed, by reason, for the process that starts them.

    That process answers no requests: any worker shows the count, which is in the folder of ``multiprocess_folder``.
    """

    def __init__(self) -> None:
        self._value = MultiProcessValue() if os.environ.get(FOLDER) else None

    def count(self, exit_code: int | None) -> None:
        """Count a worker with this exit code; that of a signal is negative."""
        reason = Signals(-exit_code).name if exit_code and -exit_code in set(Signals) else "exit"
        if self._value:
            name = "scmhost_workers_ended"
            self._value("counter", name, f"{name}_total", ("reason",), (reason,), ENDED_WORKERS).inc(1)


# In seconds. Rendering a template falls into the first buckets, a request to a code host into the last ones.
_CALL_BUCKETS: Final = (0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0)
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Metrics:
    """A sink that counts operations, and the page that shows the counts."""

    def __init__(self) -> None:
        # A second series for each one, with the time of its creation, would double the page for no use.
        disable_created_metrics()
        self._folder = os.environ.get(FOLDER)
        self._registry = CollectorRegistry()
        self._calls = Histogram(
            "scmhost_plugin_call_seconds",
            "Calls of plugins by hook, failed calls included.",
            ("plugin", "hook"),
            buckets=_CALL_BUCKETS,
            registry=self._registry,
        )
        self._faults = self._counter(
            "plugin_faults", "Calls that failed because of the plugin.", "plugin", "hook", "kind"
        )
        self._requests = self._counter("http_requests", "Answered requests.", "method", "route", "status")
        self._request_seconds = Histogram(
            "scmhost_http_request_seconds",
            "Duration of requests, from the first byte that scmhost received to the end of its answer.",
            ("method", "route"),
            registry=self._registry,
        )
        self._jobs = self._counter("jobs", "Attempts at jobs.", "job", "outcome")
        self._counted = {
            "commits": self._counter("commits", "Commits in requests: new and known ones.", "outcome"),
            "refused_requests": self._counter("refused_requests", "Requests over a limit, by kind.", "kind"),
            "loop_failures": self._counter("loop_failures", "Rounds of background loops that failed.", "loop"),
            "frames": self._counter("frames", "Frames by outcome: linked, or the reason why not.", "outcome"),
        }
        # Counted by the process that starts the workers; here for its description.
        self._counter("workers_ended", ENDED_WORKERS, "reason")
        self._states = self._gauge("plugin_state", "1 where a worker has the plugin in this state.", "plugin", "state")
        self._generation = self._gauge(
            "config_generation", "How often a worker has read new settings; the lowest of all workers.", mode="livemin"
        )
        self._stale = self._gauge("config_stale", "1 while plugins.toml is invalid, so that older settings are in use.")
        self._recorders: Mapping[Kind, Callable[[Operation], None]] = {
            "request": self._request,
            "hook": self._hook,
            "job": self._job,
        }
        # Looking a series up by its labels costs more than observing a value, and hooks are called most often.
        self._hook_timers: dict[tuple[str, str], Histogram] = {}
        self._shown_states: set[tuple[str, str]] = set()
        if self._folder:
            _forget_dead_workers(Path(self._folder))
        else:
            ProcessCollector(registry=self._registry)

    def begin(self, operation: Operation) -> Callable[[], None]:
        """Return the function that counts the operation at its end."""
        return partial(self._recorders.get(operation.kind, _ignore), operation)

    def count(self, counter: str, numbers: Mapping[str, int]) -> None:
        """Add to a counter."""
        for outcome, number in numbers.items():
            self._counted[counter].labels(outcome).inc(number)

    def show(self, states: Mapping[str, str], generation: int, *, stale: bool) -> None:
        """Set the gauges of this process: the state of each plugin, and of the settings. Former states become 0."""
        self._generation.set(generation)
        self._stale.set(stale)
        now = set(states.items())
        for plugin, state in self._shown_states - now:
            self._states.labels(plugin, state).set(0)
        for plugin, state in now:
            self._states.labels(plugin, state).set(1)
        self._shown_states |= now

    def page(self, accept: str, stored_jobs: Callable[[], Mapping[str, int]]) -> tuple[bytes, str]:
        """Return all metrics in the format of an Accept header, and its media type.

        ``stored_jobs`` reads the number of jobs in the database by state.
        """
        registry: Collector = self._registry
        if self._folder:
            registry = MultiProcessCollector(None)
        encode, media_type = choose_encoder(accept)
        # The library chooses OpenMetrics or the text format, as the scraper accepts.
        return encode(_Page(registry, stored_jobs)), media_type

    def close(self) -> None:
        """Remove this worker's gauges from the page of the other workers. Its counts stay."""
        if self._folder:
            mark_process_dead(os.getpid())

    def _request(self, operation: Operation) -> None:
        method, route = operation.labels["method"], operation.labels["route"]
        # A client may send any word as a method, and each one would become a series.
        method = method if method in _METHODS else "other"
        self._requests.labels(method, route, operation.labels["status"]).inc()
        self._request_seconds.labels(method, route).observe(operation.seconds)

    def _hook(self, operation: Operation) -> None:
        plugin, hook = operation.labels["plugin"], operation.labels["hook"]
        # The circuit breaker refused a suspended call, so the hook did not run.
        if operation.outcome != "suspended":
            timer = self._hook_timers.get((plugin, hook))
            if timer is None:
                timer = self._hook_timers.setdefault((plugin, hook), self._calls.labels(plugin, hook))
            timer.observe(operation.seconds)
        if operation.fault:
            self._faults.labels(plugin, hook, operation.outcome).inc()

    def _job(self, operation: Operation) -> None:
        self._jobs.labels(operation.labels["job"], operation.outcome).inc()

    def _counter(self, name: str, description: str, *labels: str) -> Counter:
        return Counter(f"scmhost_{name}", description, labels, registry=self._registry)

    def _gauge(
        self, name: str, description: str, *labels: str, mode: Literal["livemax", "livemin"] = "livemax"
    ) -> Gauge:
        return Gauge(f"scmhost_{name}", description, labels, registry=self._registry, multiprocess_mode=mode)


class _Page(Collector):
    """The counts, and the numbers that are read for each page."""

    def __init__(self, counted: Collector, stored_jobs: Callable[[], Mapping[str, int]]) -> None:
        self._counted = counted
        self._stored_jobs = stored_jobs

    def collect(self) -> Iterable[Metric]:
        yield from self._counted.collect()
        jobs = GaugeMetricFamily("scmhost_jobs_stored", "Jobs in the database.", labels=("state",))
        for state, number in self._stored_jobs().items():
            jobs.add_metric([state], number)
        yield jobs


def _ignore(_operation: Operation) -> None:
    pass


def _forget_dead_workers(folder: Path) -> None:
    """Remove the gauges of workers that were killed before they could do it themselves."""
    for pid in {int(file.stem.rpartition("_")[2]) for file in folder.glob("gauge_live*_*.db")}:
        if not _runs(pid):
            mark_process_dead(pid, str(folder))


def _runs(pid: int) -> bool:
    try:
        # Signal 0 only checks whether there is such a process.
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        # It belongs to another user.
        return True
    return True
