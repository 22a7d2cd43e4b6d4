"""Where several workers count together."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scmhost.infra.telemetry.metrics import FOLDER, common_folder

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
    """The gauges on the page of a worker that has a plugin in a state, and then is killed or ends."""
    words = [sys.executable, "-c", WORKER, state, str(generation), end]
    done = subprocess.run(words, env={**os.environ, FOLDER: str(folder)}, capture_output=True, text=True, check=True)
    return sorted(line for line in done.stdout.splitlines() if line.startswith(("scmhost_plugin", "scmhost_config_g")))


def test_a_killed_worker_is_forgotten_by_the_next(tmp_path: Path) -> None:
    """What a worker said of its plugins holds no longer than the worker."""
    first = worker(tmp_path, "suspended", 7, "is killed")
    assert first == ["scmhost_config_generation 7.0", 'scmhost_plugin_state{plugin="forge",state="suspended"} 1.0']
    second = worker(tmp_path, "ready", 8, "is killed")
    assert second == ["scmhost_config_generation 8.0", 'scmhost_plugin_state{plugin="forge",state="ready"} 1.0']


def test_a_worker_that_ends_takes_its_states_with_it(tmp_path: Path) -> None:
    """A restart leaves no plugin behind in a state that it has no more."""
    assert worker(tmp_path, "ready", 1, "ends") == []


def test_the_folder_comes_and_goes_with_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is empty at first, its workers find it in their environment, and nothing of it stays."""
    monkeypatch.delenv(FOLDER, raising=False)
    with common_folder(wanted=True):
        folder = Path(os.environ[FOLDER])
        assert list(folder.iterdir()) == []
    assert (FOLDER in os.environ, folder.exists()) == (False, False)


@pytest.mark.parametrize("wanted", [True, False])
def test_a_folder_of_the_operators_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, wanted: bool
) -> None:
    """Whoever names one has prepared it, and may read it afterwards."""
    monkeypatch.setenv(FOLDER, str(tmp_path))
    with common_folder(wanted=wanted):
        assert os.environ[FOLDER] == str(tmp_path)
    assert tmp_path.exists()
