"""Structured logs on standard error: one JSON object per line, or colored text on a terminal."""

import io
import logging
import re
import sys
from collections.abc import Collection
from contextvars import ContextVar
from functools import partial
from typing import Any, Final, TextIO

import structlog
from structlog.types import EventDict, Processor

CALLER_OF_REQUEST: Final = ContextVar[dict[str, object]]("caller of the request")
"""Who sends the request of this context, for its log line. The threads of the request share the one object."""


def note_person(person_id: int) -> None:
    """Note who is signed in, for the log of the request."""
    CALLER_OF_REQUEST.get({})["person"] = person_id


MAX_EXCEPTION_TEXT: Final = 2_000
"""How many characters of an exception's text are logged."""


def configure_logs(*, quiet: bool = False, without: Collection[str] = (), level: str = "info") -> None:
    """Send the log lines of scmhost and of libraries through one formatter. This changes the logging of the process.

    Args:
        quiet: log warnings and errors only.
        without: events that are not logged.
        level: the lowest level that is logged, if it is not quiet: ``debug``, ``info``, ``warning`` or ``error``.
    """
    lowest = logging.WARNING if quiet else logging.getLevelNamesMapping()[level.upper()]
    dropped = frozenset(without)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last = _terminal_renderer() if sys.stderr.isatty() else _json_renderer()
    structlog.configure(
        processors=[partial(_drop, dropped), *shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(lowest),
        # One write per line: several worker processes share the stream, and their lines must not mix.
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
    )
    handler = logging.StreamHandler(sys.stderr)
    formatter = structlog.stdlib.ProcessorFormatter
    foreign = [*shared, _with_fields]
    handler.setFormatter(formatter(processors=[formatter.remove_processors_meta, *last], foreign_pre_chain=foreign))
    if dropped:
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


def _terminal_renderer() -> list[Processor]:
    return [_without_escapes, structlog.dev.ConsoleRenderer(exception_formatter=_plain_traceback)]


# Control characters, those of 8 bits too, which some terminals obey; and what ends or reorders a line.
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def visible(text: str, kept: str = "") -> str:
    r"""Return a text with control characters as ``\x1b``: a request's path must not control a terminal.

    Args:
        text: the text; with a line end, a path could look like another line of the log.
        kept: control characters that stay.
    """
    # As Python writes them: ASCII with two digits, others with four.
    return _CONTROL.sub(lambda found: found[0] if found[0] in kept else ascii(found[0])[1:-1], text)


def _without_escapes(_logger: Any, _method: str, entry: EventDict) -> EventDict:
    return {name: visible(value) if isinstance(value, str) else value for name, value in entry.items()}


def _plain_traceback(stream: TextIO, exc_info: Any) -> None:
    # As for JSON, without local variables, which contain tokens and request bodies.
    text = io.StringIO()
    structlog.dev.plain_traceback(text, exc_info)
    stream.write(visible(text.getvalue(), "\n\t"))


def _json_renderer() -> list[Processor]:
    return [structlog.processors.ExceptionRenderer(_exception_records), structlog.processors.JSONRenderer()]


def _exception_records(exc_info: Any) -> list[dict[str, Any]]:
    """Return an exception and its causes as dictionaries. The text of a plugin's exception may have megabytes."""
    records = _EXCEPTIONS(exc_info)
    for record in records:
        record["exc_value"] = record["exc_value"][:MAX_EXCEPTION_TEXT]
    return records


# Without local variables, which contain tokens and request bodies.
_EXCEPTIONS: Final = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
