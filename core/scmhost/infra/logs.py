"""Structured logs on standard error: one JSON object per line, or colored text on a terminal."""

import logging
import sys
from collections.abc import Collection
from functools import partial
from typing import Any

import structlog
from structlog.types import EventDict, Processor


def configure_logs(*, quiet: bool = False, without: Collection[str] = ()) -> None:
    """Send the log lines of scmhost and of libraries through one formatter. This changes the logging of the process.

    Args:
        quiet: log warnings and errors only.
        without: events that are not logged.
    """
    level = logging.WARNING if quiet else logging.INFO
    dropped = frozenset(without)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last = _terminal_renderer() if sys.stderr.isatty() else _json_renderer()
    structlog.configure(
        processors=[partial(_drop, dropped), *shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        # One write per line: several worker processes share the stream, and their lines must not mix.
        logger_factory=lambda *_: structlog.WriteLogger(sys.stderr),
    )
    handler = logging.StreamHandler(sys.stderr)
    formatter = structlog.stdlib.ProcessorFormatter
    foreign = [*shared, _with_fields]
    handler.setFormatter(formatter(processors=[formatter.remove_processors_meta, *last], foreign_pre_chain=foreign))
    handler.addFilter(lambda record: record.getMessage() not in dropped)
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


def _drop(events: Collection[str], _logger: Any, _method: str, entry: EventDict) -> EventDict:
    if entry["event"] in events:
        raise structlog.DropEvent
    return entry


def _with_fields(_logger: Any, _method: str, entry: EventDict) -> EventDict:
    """Add the ``extra`` fields of scmhost's own records. Those of libraries may contain anything."""
    record: logging.LogRecord = entry["_record"]
    if record.name.startswith("scmhost."):
        entry.update({name: value for name, value in vars(record).items() if name not in _STANDARD_FIELDS})
    return entry


_STANDARD_FIELDS = frozenset({*vars(logging.makeLogRecord({})), "message", "asctime"})


# Tracebacks are logged without local variables, which contain tokens and request bodies.


def _terminal_renderer() -> list[Processor]:
    return [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]


def _json_renderer() -> list[Processor]:
    frames = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    return [structlog.processors.ExceptionRenderer(frames), structlog.processors.JSONRenderer()]
