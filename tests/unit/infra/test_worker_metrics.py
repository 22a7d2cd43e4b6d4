"""Metrics of several workers in one folder."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scmhost.infra.telemetry.metrics import FOLDER, multiprocess_folder

WORKER = """
import os, sys
from scmhost.infra.telemetry.metrics import Metrics
metrics = Metrics()
metrics.show({"forge": sys.argv[1]}, int(sys.argv[2]), stale=False)
if sys.argv[3] == "ends":
    metrics.close()
print(metrics.page("", lambda: {})[0].decode())
"""


def worker(folder: Path, state: str, generation: int, end: str) -> list[str]:
    """Return the gauges of a worker that has a plugin in a state, and then is killed or ends."""
    words = [sys.executable, "-c", WORKER, state, str(generation), end]
    done = subprocess.run(words, env={**os.environ, FOLDER: str(folder)}, capture_output=True, text=True, check=True)
    return sorted(line for line in done.stdout.splitlines() if line.startswith(("scmhost_plugin", "scmhost_config_g")))


def test_gauges_of_a_killed_worker_are_removed(tmp_path: Path) -> None:
    """The next worker removes the gauges of a worker that was killed."""
    first = worker(tmp_path, "suspended", 7, "is killed")
    assert first == ["scmhost_config_generation 7.0", 'scmhost_plugin_state{plugin="forge",state="suspended"} 1.0']
    second = worker(tmp_path, "ready", 8, "is killed")
    assert second == ["scmhost_config_generation 8.0", 'scmhost_plugin_state{plugin="forge",state="ready"} 1.0']


def test_worker_that_ends_removes_its_gauges(tmp_path: Path) -> None:
    """After a restart, no plugin is shown in a former state."""
    assert worker(tmp_path, "ready", 1, "ends") == []


def test_folder_is_temporary(monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder is empty at first, its path is in the environment, and it is deleted at the end."""
    monkeypatch.delenv(FOLDER, raising=False)
    with multiprocess_folder(wanted=True):
        folder = Path(os.environ[FOLDER])
        assert list(folder.iterdir()) == []
    assert (FOLDER in os.environ, folder.exists()) == (False, False)


@pytest.mark.parametrize("enabled", [True, False])
def test_folder_of_the_operator_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, enabled: bool) -> None:
    """A folder that the operator has set is used and not deleted."""
    monkeypatch.setenv(FOLDER, str(tmp_path))
    with multiprocess_folder(wanted=enabled):
        assert os.environ[FOLDER] == str(tmp_path)
    assert tmp_path.exists()
