"""Where several workers of one service count together."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Literal, Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, disable_created_metrics
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from . import Act, Kind

FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
"""The variable of the environment by which the Prometheus client library is told of the folder."""


@contextmanager
def common_folder(*, wanted: bool) -> Iterator[None]:
    """A folder for the counts of workers that are started inside the ``with`` block; one that is named is kept.

    It is empty at first: counts of an earlier run would be taken for those of this one.
    """
    if not wanted or os.environ.get(FOLDER):
        yield
        return
    with TemporaryDirectory(prefix="scmhost-metrics-") as folder:
        os.environ[FOLDER] = folder
        try:
            yield
        finally:
            del os.environ[FOLDER]


# In seconds: a template is rendered in the first, a code host is asked in the last ones.
_CALL_BUCKETS: Final = (0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0)
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Counts(Protocol):
    """Numbers that are looked up when somebody asks for them, such as rows of the database."""

    def __call__(self) -> Mapping[str, int]: ...


class Metrics:
    """A sink that counts, and the page that tells the counts."""

    def __init__(self) -> None:
        # When a series began is told by the series itself; a second one for that is noise.
        disable_created_metrics()
        self._folder = os.environ.get(FOLDER)
        self._registry = CollectorRegistry()
        self._calls = Histogram(
            "scmhost_plugin_call_seconds",
            "Calls of plugins, by hook. The count is that of calls, failed ones too.",
            ("plugin", "hook"),
            buckets=_CALL_BUCKETS,
            registry=self._registry,
        )
        self._faults = self._counter("plugin_faults", "Calls that failed by the plugin.", "plugin", "hook", "kind")
        self._requests = self._counter("http_requests", "Answered requests.", "method", "route", "status")
        self._request_seconds = Histogram(
            "scmhost_http_request_seconds",
            "How long requests took, from the first byte that scmhost saw to the end of its answer.",
            ("method", "route"),
            registry=self._registry,
        )
        self._jobs = self._counter("jobs", "Attempts at background work.", "job", "outcome")
        self._counted = {
            "commits": self._counter("commits", "Commits that were sent: new ones, and known ones.", "outcome"),
            "loop_failures": self._counter("loop_failures", "Rounds of background loops that failed.", "loop"),
            "frames": self._counter("frames", "Frames that were to be linked: linked, or why not.", "outcome"),
        }
        self._states = self._gauge("plugin_state", "1 where a worker has the plugin in this state.", "plugin", "state")
        self._generation = self._gauge(
            "config_generation", "How often a worker has taken settings; the fewest of all.", mode="livemin"
        )
        self._stale = self._gauge("config_stale", "1 while plugins.toml is invalid, so that older settings are in use.")
        self._recorders: Mapping[Kind, Callable[[Act], None]] = {
            "request": self._request,
            "hook": self._hook,
            "job": self._job,
        }
        # Of the hot one each series is looked up once.
        self._timers: dict[tuple[str, str], Histogram] = {}
        self._told: set[tuple[str, str]] = set()
        if self._folder:
            _forget_dead_workers(Path(self._folder))
        else:
            ProcessCollector(registry=self._registry)

    def begin(self, act: Act) -> Callable[[], None]:
        """Counted at the end."""
        return partial(self._recorders.get(act.kind, _nothing), act)

    def count(self, what: str, numbers: Mapping[str, int]) -> None:
        """Add to a counter."""
        for outcome, number in numbers.items():
            self._counted[what].labels(outcome).inc(number)

    def show(self, states: Mapping[str, str], generation: int, *, stale: bool) -> None:
        """Tell the state of each plugin in this process, and of its settings. What a plugin was before becomes 0."""
        self._generation.set(generation)
        self._stale.set(stale)
        now = set(states.items())
        for plugin, state in self._told - now:
            self._states.labels(plugin, state).set(0)
        for plugin, state in now:
            self._states.labels(plugin, state).set(1)
        self._told |= now

    def page(self, accept: str, waiting: Counts) -> tuple[bytes, str]:
        """All metrics in the format that is asked for, and its media type. ``waiting`` counts jobs by state."""
        registry: Collector = self._registry
        if self._folder:
            registry = MultiProcessCollector(None)
        encode, media_type = choose_encoder(accept)
        return encode(_Page(registry, waiting)), media_type

    def close(self) -> None:
        """Let this worker's states go with it; what it counted stays."""
        if self._folder:
            mark_process_dead(os.getpid())

    def _request(self, act: Act) -> None:
        method = act.labels["method"] if act.labels["method"] in _METHODS else "other"
        self._requests.labels(method, act.labels["route"], act.labels["status"]).inc()
        self._request_seconds.labels(method, act.labels["route"]).observe(act.seconds)

    def _hook(self, act: Act) -> None:
        plugin, hook = act.labels["plugin"], act.labels["hook"]
        # What the host did not let through was no call.
        if act.outcome != "suspended":
            timer = self._timers.get((plugin, hook))
            if timer is None:
                timer = self._timers.setdefault((plugin, hook), self._calls.labels(plugin, hook))
            timer.observe(act.seconds)
        if act.fault:
            self._faults.labels(plugin, hook, act.outcome).inc()

    def _job(self, act: Act) -> None:
        self._jobs.labels(act.labels["job"], act.outcome).inc()

    def _counter(self, name: str, told: str, *labels: str) -> Counter:
        return Counter(f"scmhost_{name}", told, labels, registry=self._registry)

    def _gauge(self, name: str, told: str, *labels: str, mode: Literal["livemax", "livemin"] = "livemax") -> Gauge:
        return Gauge(f"scmhost_{name}", told, labels, registry=self._registry, multiprocess_mode=mode)


class _Page(Collector):
    """What is counted, and what is looked up now."""

    def __init__(self, counted: Collector, waiting: Counts) -> None:
        self._counted = counted
        self._waiting = waiting

    def collect(self) -> Iterable[Metric]:
        yield from self._counted.collect()
        jobs = GaugeMetricFamily("scmhost_jobs_stored", "Jobs in the database.", labels=("state",))
        for state, number in self._waiting().items():
            jobs.add_metric([state], number)
        yield jobs


def _nothing(_act: Act) -> None:
    pass


def _forget_dead_workers(folder: Path) -> None:
    """A worker that was killed could not take its states with it."""
    for pid in set(_live_pids(folder)):
        if not _runs(pid):
            mark_process_dead(pid, str(folder))


def _live_pids(folder: Path) -> Iterator[int]:
    for file in folder.glob("gauge_live*_*.db"):
        yield int(file.stem.rpartition("_")[2])


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
