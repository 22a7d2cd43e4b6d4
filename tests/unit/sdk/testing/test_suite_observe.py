"""Observation of foreign code: time, connections, processes and files."""

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from threading import Event

import pytest
from pydantic import BaseModel, ValidationError

from scmhost.sdk import Offer
from scmhost.sdk.testing.observe import NetworkRefused, SuiteWorker, observe_import, observed, text_of


def test_the_value_of_a_call_is_returned() -> None:
    """A call that succeeds has a value, a duration and no error."""
    execution = SuiteWorker().run(lambda: 7, 5.0)
    assert (execution.value, execution.error, execution.effects, execution.hangs_at) == (7, None, (), None)
    assert 0 <= execution.seconds < 1


@pytest.mark.parametrize("error", [ValueError("x"), SystemExit(3), KeyboardInterrupt()])
def test_any_error_is_caught(error: BaseException) -> None:
    """A plugin that ends the process ends only its call; the worker continues."""

    def fail() -> None:
        raise error

    worker = SuiteWorker()
    assert worker.run(fail, 5.0).error is error
    assert worker.run(lambda: 1, 5.0).value == 1


def test_coroutines_share_one_event_loop() -> None:
    """A client that was made in one call is usable in the next one."""

    async def loop() -> int:
        import asyncio  # noqa: PLC0415

        return id(asyncio.get_running_loop())

    worker = SuiteWorker()
    assert worker.run(loop, 5.0).value == worker.run(loop, 5.0).value


def test_calls_run_in_one_thread_that_is_not_the_callers() -> None:
    """The thread is kept between calls."""
    worker = SuiteWorker()
    threads = {worker.run(threading.get_ident, 5.0).value for _ in range(3)}
    assert len(threads) == 1
    assert threading.get_ident() not in threads


def test_a_call_that_hangs_is_abandoned() -> None:
    """The result has the position of the call, and the next call gets another thread."""
    release, worker = Event(), SuiteWorker()
    try:
        execution = worker.run(release.wait, 0.05)
        assert execution.hangs_at is not None
        assert "threading.py:" in execution.hangs_at
        assert execution.seconds == 0.05
        assert worker.run(lambda: 1, 5.0).value == 1
    finally:
        release.set()


def test_written_files_are_side_effects(tmp_path: Path) -> None:
    """Opening a file for reading is allowed; opening one for writing is noted."""
    file = tmp_path / "a.txt"
    with observed() as effects:
        file.write_text("x", encoding="utf-8")
        file.read_text(encoding="utf-8")
    assert [effect.text for effect in effects] == [f"wrote the file {str(file)!r}"]
    assert not any(effect.refused for effect in effects)


def test_compiled_modules_are_no_side_effects(tmp_path: Path) -> None:
    """Python itself writes the bytecode of an imported module."""
    folder = tmp_path / "__pycache__"
    folder.mkdir()
    with observed() as effects:
        (folder / "a.pyc").write_bytes(b"x")
    assert effects == []


def test_processes_are_side_effects() -> None:
    """A started process is noted with its program."""
    with observed() as effects:
        subprocess.run(["true"], check=False)
        os.system("true")  # noqa: S605
    assert len([effect for effect in effects if effect.text.startswith("started the process")]) >= 2


@pytest.mark.parametrize("address", [("192.0.2.1", 9), ("git.example", 80)])
def test_connections_to_other_machines_are_refused(address: tuple[str, int]) -> None:
    """Neither a connection nor a lookup of a name leaves this machine."""
    with observed() as effects, pytest.raises(NetworkRefused, match="works without a network"):
        socket.create_connection(address, timeout=0.1)
    assert [effect.refused for effect in effects] == [True]
    assert address[0] in effects[0].text


def test_connections_on_this_machine_are_noted() -> None:
    """A server in a test may be reached, but a pure hook must not do so."""
    with socket.create_server(("127.0.0.1", 0)) as server, observed() as effects:
        socket.create_connection(server.getsockname(), timeout=1).close()
    assert [(effect.text.startswith("opened a connection to"), effect.refused) for effect in effects] == [(True, False)]


def test_nothing_is_observed_outside_of_a_block(tmp_path: Path) -> None:
    """The audit hook stays, and does nothing: an effect goes to the innermost block only."""
    with observed() as outer:
        with observed() as inner:
            (tmp_path / "a").write_text("x", encoding="utf-8")
        (tmp_path / "b").write_text("x", encoding="utf-8")
    (tmp_path / "c").write_text("x", encoding="utf-8")
    assert (len(outer), len(inner)) == (1, 1)


class Unprintable(Exception):
    """An exception whose text cannot be made."""

    def __str__(self) -> str:
        raise ZeroDivisionError


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("a\n  b"), "a b"),
        (ValueError(), "no text"),
        (Unprintable(), "a text that cannot be printed"),
    ],
)
def test_an_error_has_one_line(error: Exception, text: str) -> None:
    """An exception's text is folded into one line."""
    assert text_of(error) == text


def test_the_text_of_an_invalid_value_repeats_no_value() -> None:
    """A value of a plugin may be secret."""

    class Form(BaseModel):
        token: int

    with pytest.raises(ValidationError) as caught:
        Form.model_validate({"token": "s3cret"})
    assert "s3cret" not in text_of(caught.value)
    assert text_of(caught.value).startswith("Form: token: ")
    with pytest.raises(ValidationError) as caught:
        Offer.model_validate("s3cret")
    assert "s3cret" not in text_of(caught.value)


@pytest.fixture
def importable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder from which modules are imported."""
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("code", "printed", "threads", "ended"),
    [
        ("print('hello')", "hello", 0, ""),
        ("import threading; threading.Thread(target=threading.Event().wait, daemon=True).start()", "", 1, ""),
        ("import os; os._exit(3)", "", 0, "the process ended: exit code 3"),
        ("raise ValueError('no')", "", 0, "the process ended: ValueError: no"),
    ],
)
def test_an_import_is_observed(importable: Path, code: str, printed: str, threads: int, ended: str) -> None:
    """What importing a module prints, starts, or ends is noted."""
    (importable / "observed_module.py").write_text(code, encoding="utf-8")
    effects = observe_import("observed_module")
    assert (effects.printed, effects.threads, effects.ended) == (printed, threads, ended)
    assert ended or "observed_module" in effects.modules
    assert "observed_module" not in sys.modules


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("import socket, logging, os", ()),
        ("import logging; logging.getLogger('mine').setLevel(10)", ()),
        ("import socket; socket.setdefaulttimeout(3)", ("changed the default timeout of sockets",)),
        ("import os; os.environ['FORGE'] = '1'", ("changed the environment variable FORGE",)),
        ("import os; os.environ.pop('HOME', None)", ("changed the environment variable HOME",)),
        ("import os; os.chdir('/')", ("changed the working directory",)),
        ("import sys; sys.path.append('/opt')", ("changed sys.path",)),
        ("import sys; sys.excepthook = print", ("changed sys.excepthook",)),
        ("import logging; logging.disable(50)", ("changed the level at which logging is disabled",)),
        (
            "import logging; logging.basicConfig(level=10)",
            ("changed the level of the root logger", "changed the handlers of the root logger"),
        ),
    ],
)
def test_changes_of_the_process_are_observed(
    importable: Path, monkeypatch: pytest.MonkeyPatch, code: str, changes: tuple[str, ...]
) -> None:
    """What an import changes in the process is named; importing modules and own loggers change nothing."""
    monkeypatch.setenv("HOME", "/home/ada")
    (importable / "observed_module.py").write_text(code, encoding="utf-8")
    assert observe_import("observed_module").changes == changes
