"""Structured logs: one JSON object a line on standard error, or colours on a terminal."""

import logging
import sys
from collections.abc import Collection
from functools import partial
from typing import Any

import structlog
from structlog.types import EventDict, Processor


def configure_logs(*, quiet: bool = False, besides: Collection[str] = ()) -> None:
    """Send scmhost's and the server's log lines through one formatter; quiet ones tell only what goes wrong.

    ``besides`` are events that a command's answer tells itself.
    """
    level = logging.WARNING if quiet else logging.INFO
    told = frozenset(besides)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last = _for_terminals() if sys.stderr.isatty() else _as_json()
    structlog.configure(
        processors=[partial(_pass_over, told), *shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        # One write for each line: lines of several workers share the stream and must not mix.
        logger_factory=lambda *_: structlog.WriteLogger(sys.stderr),
    )
    handler = logging.StreamHandler(sys.stderr)
    formatter = structlog.stdlib.ProcessorFormatter
    foreign = [*shared, _with_fields]
    handler.setFormatter(formatter(processors=[formatter.remove_processors_meta, *last], foreign_pre_chain=foreign))
    handler.addFilter(lambda record: record.getMessage() not in told)
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


def _pass_over(told: Collection[str], _logger: Any, _method: str, entry: EventDict) -> EventDict:
    if entry["event"] in told:
        raise structlog.DropEvent
    return entry


def _with_fields(_logger: Any, _method: str, entry: EventDict) -> EventDict:
    """Add the fields that scmhost's own modules give to a record of the standard library with ``extra``."""
    record: logging.LogRecord = entry["_record"]
    if record.name.startswith("scmhost."):
        entry.update({name: value for name, value in vars(record).items() if name not in _STANDARD_FIELDS})
    return entry


_STANDARD_FIELDS = frozenset({*vars(logging.makeLogRecord({})), "message", "asctime"})


# A traceback shows where, never with which values: among them are tokens, and what people sent.


def _for_terminals() -> list[Processor]:
    return [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]


def _as_json() -> list[Processor]:
    frames = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    return [structlog.processors.ExceptionRenderer(frames), structlog.processors.JSONRenderer()]
