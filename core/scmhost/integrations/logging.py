"""For Python's logging and for structlog: the page of the place where an exception was raised."""

import logging
import sys
from collections.abc import Mapping, MutableMapping
from types import TracebackType
from typing import Any

from .source_links import SourceLinks, answer_or, source_links

# Now, because it takes a hundred times as long as the rest.
answer_or(None, source_links)

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class SourceFormatter(logging.Formatter):
    """A formatter that adds a line ``Source: URL`` to each exception in your own code.

    Args:
        format: the format of the records, as for ``logging.Formatter``, and so are the other arguments.
        links: the links; by default those of this program.
    """

    def __init__(self, format: str | None = None, *args: Any, links: SourceLinks | None = None, **options: Any) -> None:  # noqa: A002 - the name in configuration files
        super().__init__(format, *args, **options)
        self._links = links

    def formatException(self, ei: Any) -> str:  # noqa: N802 - the name in the standard library
        """Return the traceback, with the page of the place where the exception was raised."""
        text = super().formatException(ei)
        url = _url_of(ei[1], self._links)
        return f"{text}\nSource: {url}" if url else text


def add_source(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Add ``source``, a URL, to the event of an exception: a processor of structlog, before ``format_exc_info``."""
    url = _url_of(_exception_in(event), None)
    if url:
        event.setdefault("source", url)
    return event


def _exception_in(event: Mapping[str, Any]) -> object:
    """Return the exception of an event, in one of the forms that structlog accepts."""
    given = event.get("exc_info")
    if isinstance(given, tuple):
        return given[1] if len(given) > 1 else None
    return sys.exc_info()[1] if given is True else given


def _url_of(error: object, links: SourceLinks | None) -> str | None:
    if not isinstance(error, BaseException):
        return None
    place = answer_or(None, lambda: (links or source_links()).place_of(error))
    return place.url if place else None
