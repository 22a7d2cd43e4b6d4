import io
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from api import open_api
from hosting import candidate
from scmhost.app import Host
from scmhost.cli.context import OpenedHost
from scmhost.cli.main import run


def call(folder: Path, *words: str) -> tuple[int, str]:
    """Run a command line on a host with the sample plugin."""

    @contextmanager
    def opened() -> Iterator[Host]:
        configuration = "schema = 1\n[plugins.commander]\nenabled = true\n"
        with open_api(folder, configuration, more=[candidate("commander", "plugins.commander")]) as api:
            yield api.host

    def open_host(config: str | None = None, database_url: str | None = None, **_options: bool) -> OpenedHost:
        return opened()  # type: ignore[return-value]  # a context manager that gives the host

    out = io.StringIO()
    with redirect_stdout(out), redirect_stderr(out), pytest.raises(SystemExit) as end:
        run(open_host, words)
    return int(end.value.code or 0), out.getvalue()


def test_plugin_command_gets_its_arguments(tmp_path: Path) -> None:
    """The arguments reach the plugin, and its exit code is that of the command."""
    assert call(tmp_path, "greet", "you", "--too") == (2, "hello you --too\n")


def test_unknown_command_is_wrong_usage(tmp_path: Path) -> None:
    """A name that no plugin offers is a typo."""
    code, out = call(tmp_path, "greed")
    assert (code, "No such command 'greed'" in out) == (2, True)
