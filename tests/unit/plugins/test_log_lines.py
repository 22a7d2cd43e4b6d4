"""Log lines of the plugin host, which uses the standard library, in the log of the service."""

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr

from hosting import GOOD, host_of
from scmhost.infra.logs import configure_logs


@contextmanager
def service_log(*besides: str) -> Iterator[io.StringIO]:
    """The standard error of a service."""
    stream = io.StringIO()
    with redirect_stderr(stream):
        configure_logs(quiet=True, without=besides)
        yield stream
    configure_logs(quiet=True)


def test_line_has_event_level_time_and_fields() -> None:
    """A fault is one JSON object with the plugin and the text, as every line of the service."""
    entries = {"good_forge": GOOD, "bomb": "plugins.exits_at_import"}
    with service_log() as stream, host_of(entries):
        pass
    (line,) = [json.loads(text) for text in stream.getvalue().splitlines()]
    assert (line["event"], line["level"], line["plugin"]) == ("plugin refused", "error", "bomb")
    assert line["fault"].startswith("plugin 'bomb' (acme-bomb), import: tried to end the process")
    assert set(line) == {"event", "level", "timestamp", "plugin", "distribution", "fault"}


def test_events_that_the_answer_has_are_left_out() -> None:
    """A command that prints a refused plugin itself does not log it too."""
    with service_log("plugin refused") as stream, host_of({"bomb": "plugins.exits_at_import"}):
        pass
    assert stream.getvalue() == ""


def test_fields_of_other_libraries_are_left_out() -> None:
    """Only scmhost's own records add their fields: those of others may be anything."""
    with service_log() as stream:
        logging.getLogger("some.library").warning("hello", extra={"token": "hunter2"})
    assert set(json.loads(stream.getvalue())) == {"event", "level", "timestamp"}
