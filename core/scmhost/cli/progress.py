"""Progress bars on terminals, for work that takes longer than a second."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Protocol

PATIENCE: Final = 1.0
"""Seconds before a bar appears."""


class Progress(Protocol):
    """Counts what is done."""

    def __call__(self, _steps: int, /) -> None:
        """So many more steps are done."""


@contextmanager
def progress(what: str, total: int, patience: float = PATIENCE) -> Iterator[Progress]:
    """Count steps; on a terminal a bar appears once the work takes longer than the patience, in seconds."""
    if not sys.stderr.isatty():
        yield lambda _steps: None
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    bar = Bar(console=Console(stderr=True), transient=True)
    task = bar.add_task(what, total=total)
    started = time.monotonic()

    def advance(steps: int) -> None:
        bar.advance(task, steps)
        if time.monotonic() - started > patience:
            bar.start()

    try:
        yield advance
    finally:
        bar.stop()
