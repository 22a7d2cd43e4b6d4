"""What foreign code prints, and the threads that it leaves behind."""

import contextlib
import io
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from structlog.testing import capture_logs

from hosting import INSTALLATION, REPOSITORY, candidate, enabled, host_of, report_of
from plugins import turncoat
from scmhost.plugins import PluginHost, Settings
from scmhost.plugins.errors import Origin
from scmhost.plugins.guard import Guard
from scmhost.plugins.speakers import MOST_CHARACTERS, MOST_THREADS

ORIGIN = Origin("forge", "acme-forge", "scm_commit_url")


@contextmanager
def guarding() -> Iterator[Guard]:
    guard = Guard()
    try:
        yield guard
    finally:
        guard.close()


def printed(work: Callable[[], object], capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """What the log has of the prints of foreign work, of which nothing may come out elsewhere."""
    with guarding() as guard, capture_logs() as logs:
        print("the host's")  # noqa: T201 - the host's own words stay
        guard.watch(ORIGIN, work, 5.0)
    assert capsys.readouterr().out == "the host's\n"
    return [dict(entry) for entry in logs]


def write_everywhere() -> None:
    print("one", 2)  # noqa: T201 - its fault
    print("three", file=sys.stderr)  # noqa: T201
    sys.stdout.writelines(["four\n", "five\n"])
    sys.stdout.buffer.write(b"six\n")
    sys.stdout.buffer.flush()


def test_what_a_plugin_prints_is_logged_under_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing that a plugin prints ends up in an answer of the host; the log says whose it is."""
    (entry,) = printed(write_everywhere, capsys)
    text = "one 2\nthree\nfour\nfive\nsix"
    assert (entry["event"], entry["plugin"], entry["hook"]) == ("plugin output", "forge", "scm_commit_url")
    assert (entry["text"], entry["characters"]) == (text, len(text) + 1)


def test_a_plugin_that_prints_much_is_cut_short(capsys: pytest.CaptureFixture[str]) -> None:
    """The log has the beginning and how much there was; memory stays bounded."""
    (entry,) = printed(lambda: [print("x" * 99) for _ in range(1_000)], capsys)  # noqa: T201
    assert (len(entry["text"] + "\n"), entry["characters"]) == (MOST_CHARACTERS, 100_000)


def test_prints_of_two_plugins_do_not_mix(capsys: pytest.CaptureFixture[str]) -> None:
    """Calls that print at the same time are each logged whole, and the host's own prints in between come out."""
    gate = threading.Barrier(3)

    def say(guard: Guard, name: str) -> None:
        def work() -> None:
            gate.wait()
            print(name)  # noqa: T201
            gate.wait()

        guard.watch(Origin(name, name, "hook"), work, 5.0)

    with guarding() as guard, capture_logs() as logs:
        callers = [threading.Thread(target=say, args=(guard, name)) for name in ("a", "b")]
        for caller in callers:
            caller.start()
        gate.wait()
        print("host")  # noqa: T201
        gate.wait()
        for caller in callers:
            caller.join()
    assert sorted((entry["plugin"], entry["text"]) for entry in logs) == [("a", "a"), ("b", "b")]
    assert capsys.readouterr().out == "host\n"


def test_a_stream_that_was_put_in_place_stays_in_place() -> None:
    """Whoever redirects standard output gets the host's words, and not the plugin's."""
    with guarding() as guard, contextlib.redirect_stdout(io.StringIO()) as mine, capture_logs():
        guard.watch(ORIGIN, write_everywhere, 5.0)
        print("after")  # noqa: T201
    assert mine.getvalue() == "after\n"


def test_standard_streams_stay_themselves() -> None:
    """What programs ask a standard stream for is still there."""
    with guarding() as guard:
        guard.watch(ORIGIN, int, 5.0)
        assert sys.stderr.isatty() in (True, False)
        assert sys.stdout.encoding
        assert sys.stdout.buffer is not None


def test_a_trusted_hook_may_print(capsys: pytest.CaptureFixture[str]) -> None:
    """In its caller's own thread too, what it prints is the log's."""
    turncoat.behaviour.now = str
    with host_of({"turncoat": "plugins.turncoat"}) as host:
        done = threading.Thread(target=many_calls, args=(host,))
        with capture_logs() as logs:
            done.start()
            done.join()
    assert capsys.readouterr().out == ""
    assert {(entry["event"], entry["hook"], entry["text"]) for entry in logs} == {
        ("plugin output", "scm_commit_url", "hello")
    }


def many_calls(host: PluginHost) -> None:
    calls = host.calls("turncoat")
    assert calls is not None
    for number in range(200):
        turncoat.behaviour.now = (lambda: print("hello")) if number > 150 else str  # noqa: T201
        calls.commit_url(INSTALLATION, REPOSITORY, "abc")


def test_a_plugin_that_leaks_threads_is_told_of_once() -> None:
    """Threads that a plugin starts and keeps are counted as its; beyond a pool's worth the list and the log say so."""
    released = threading.Event()

    def leak() -> None:
        threading.Thread(target=released.wait, daemon=True).start()

    settings = Settings(plugins={"turncoat": enabled()})
    with host_of({"turncoat": "plugins.turncoat"}, settings) as host, capture_logs() as logs:
        calls = host.calls("turncoat")
        assert calls is not None
        turncoat.behaviour.now = leak
        for _ in range(MOST_THREADS + 2):
            calls.commit_url(INSTALLATION, REPOSITORY, "abc")
        threading.Thread(target=released.wait, daemon=True).start()
        assert host.threads == {"turncoat": MOST_THREADS + 2}
        (note,) = report_of(host, "turncoat").notes
        released.set()
    assert note.startswith(f"it keeps {MOST_THREADS + 2} threads that it started")
    assert [(entry["event"], entry["plugin"], entry["threads"]) for entry in logs] == [
        ("plugin threads", "turncoat", MOST_THREADS + 1)
    ]


def test_threads_that_end_are_no_leak() -> None:
    """A plugin may use threads, as long as they come to an end."""

    def use() -> None:
        threads = [threading.Thread(target=int) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    with guarding() as guard, capture_logs() as logs:
        for _ in range(MOST_THREADS):
            guard.watch(ORIGIN, use, 5.0)
        assert (guard.threads.alive(), logs) == ({"forge": 0}, [])


def test_a_leaked_thread_prints_to_the_log_too(capsys: pytest.CaptureFixture[str]) -> None:
    """What a plugin's thread prints after the call is over is logged once, and never comes out."""
    threads: list[threading.Thread] = []
    released = threading.Event()

    def chatter() -> None:
        released.wait()
        for _ in range(3):
            print("still here")  # noqa: T201

    def leak() -> None:
        threads.append(threading.Thread(target=chatter))
        threads[0].start()

    with guarding() as guard, capture_logs() as logs:
        guard.watch(ORIGIN, leak, 5.0)
        released.set()
        threads[0].join()
    assert [(entry["event"], entry["text"]) for entry in logs] == [("plugin output", "still here")]
    assert capsys.readouterr().out == ""


def test_a_plugin_that_prints_at_import_is_loaded(capsys: pytest.CaptureFixture[str]) -> None:
    """Printing is no fault, at import as little as in a call."""
    settings = Settings(plugins={"loud": enabled()})
    with capture_logs() as logs:
        host = PluginHost.open(settings, candidates=[candidate("loud", "plugins.loud")])
        host.close()
    assert (report_of(host, "loud").state, logs[0]["text"]) == ("ready", "Welcome to the loud plugin!")
    assert capsys.readouterr().out == ""
