"""Telling the sinks, if there are any."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from time import perf_counter
from typing import TYPE_CHECKING, Final

from .acts import Act, Kind, RawHeaders, Sink

if TYPE_CHECKING:
    from .metrics import Metrics


class Telemetry:
    """The sinks of one process. Without any, telling costs next to nothing."""

    def __init__(self, *sinks: Sink, metrics: "Metrics | None" = None) -> None:
        self.metrics = metrics
        self._sinks = sinks if metrics is None else (*sinks, metrics)
        self.on = bool(self._sinks)

    @contextmanager
    def act(self, kind: Kind, headers: RawHeaders = (), /, **labels: str) -> Iterator[Act]:
        """Tell of the work that is done inside the ``with`` block, which may say what became of it."""
        act = Act(kind, labels, headers)
        if not self.on:
            yield act
            return
        ends = [sink.begin(act) for sink in self._sinks]
        begun = perf_counter()
        came_through = False
        try:
            yield act
            came_through = True
        finally:
            if not came_through and act.outcome == "ok":
                act.end(type(sys.exception()).__name__, fault=True)
            act.seconds = perf_counter() - begun
            for end in reversed(ends):
                end()

    def count(self, what: str, numbers: Mapping[str, int]) -> None:
        """Tell that there were so many things more, by what became of them: words of a closed list."""
        for sink in self._sinks:
            sink.count(what, numbers)


SILENT: Final = Telemetry()
"""Tells nobody."""
