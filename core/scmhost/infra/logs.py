"""Structured logs: one JSON object a line on standard error, or colours on a terminal."""

import logging
import sys
from collections.abc import Collection
from functools import partial
from typing import Any

import structlog
from structlog.types import EventDict, Processor


def configure_logs(*, quiet: bool = False, besides: Collection[str] = ()) -> None:
    """Send scmhost's and the server's log lines through one formatter.

    Args:
        quiet: only warnings and errors.
        besides: events that are not logged, because the output of a command shows them.
    """
    level = logging.WARNING if quiet else logging.INFO
    omitted = frozenset(besides)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderers = _for_terminals() if sys.stderr.isatty() else _as_json()
    structlog.configure(
        processors=[partial(_omit, omitted), *shared, *renderers],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        # One write for each line: lines of several workers share the stream and must not mix.
        logger_factory=lambda *_: structlog.WriteLogger(sys.stderr),
    )
    handler = logging.StreamHandler(sys.stderr)
    formatter = structlog.stdlib.ProcessorFormatter
    foreign = [*shared, _with_fields]
    handler.setFormatter(
        formatter(processors=[formatter.remove_processors_meta, *renderers], foreign_pre_chain=foreign)
    )
    handler.addFilter(lambda record: record.getMessage() not in omitted)
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


def _omit(events: Collection[str], _logger: Any, _method: str, entry: EventDict) -> EventDict:
    if entry["event"] in events:
        raise structlog.DropEvent
    return entry


def _with_fields(_logger: Any, _method: str, entry: EventDict) -> EventDict:
    """Add the ``extra`` fields of records that scmhost's own modules log with the standard library."""
    record: logging.LogRecord = entry["_record"]
    if record.name.startswith("scmhost."):
        entry.update({name: value for name, value in vars(record).items() if name not in _STANDARD_FIELDS})
    return entry


_STANDARD_FIELDS = frozenset({*vars(logging.makeLogRecord({})), "message", "asctime"})


# Tracebacks never show local variables: their values may be tokens or what users sent.


def _for_terminals() -> list[Processor]:
    return [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]


def _as_json() -> list[Processor]:
    frames = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    return [structlog.processors.ExceptionRenderer(frames), structlog.processors.JSONRenderer()]
