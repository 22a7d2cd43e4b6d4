"""Finding plugins without importing them."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from installed import install
from loading import case_id, load_cases
from scmhost.plugins.discovery import discover, installed_state
from scmhost.sdk.validation import stated_range

TESTS = Path(__file__).parents[2]

INSTALL = """
import sys
from scmhost.plugins import PluginHost, read_settings
from pathlib import Path
host = PluginHost.open(read_settings(Path(sys.argv[1]), {}))
for report in host.plugins:
    print(report.name, report.distribution, report.state, sep="|")
print("plugins.good_forge" in sys.modules, "plugins.exits_at_import" in sys.modules)
host.close()
"""


def run_host(folder: Path, plugins_toml: str) -> list[str]:
    """Return the output of a new process with the distributions of a folder installed."""
    path = folder / "plugins.toml"
    path.write_text(plugins_toml, encoding="utf-8")
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join((str(folder), str(TESTS)))}
    command = [sys.executable, "-c", INSTALL, str(path)]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True, cwd=folder)
    return [line for line in done.stdout.splitlines() if "|scmhost-" not in line]


@pytest.mark.parametrize("case", load_cases("api_ranges"), ids=case_id)
def test_range_is_read_from_keywords(case: dict[str, Any]) -> None:
    """The supported contract versions are read from the keywords, however metadata joins them."""
    assert case["range"] == stated_range(case["keywords"])


def test_installed_plugin_is_found() -> None:
    """Custom SCM is found with its distribution, its version and the range that it states."""
    found = next(candidate for candidate in discover() if candidate.name == "custom_scm")
    assert (found.value, found.distribution) == ("scmhost_custom_scm.plugin", "scmhost-custom-scm")
    assert found.api_range is not None
    assert found.where == f"scmhost-custom-scm {found.version}, entry point custom_scm = scmhost_custom_scm.plugin"


def test_installation_changes_the_state_of_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the state of the folders is the same, nothing was installed."""
    monkeypatch.syspath_prepend(str(tmp_path))
    before = installed_state()
    assert installed_state() == before
    install(tmp_path, "acme-forge", "forge", "plugins.good_forge")
    assert installed_state() != before


def test_disabled_plugin_is_never_imported(tmp_path: Path) -> None:
    """A plugin that is not enabled is listed and not imported, even if its import would end the process."""
    install(tmp_path, "acme-forge", "forge", "plugins.good_forge")
    install(tmp_path, "acme-bomb", "bomb", "plugins.exits_at_import")
    lines = run_host(tmp_path, "[plugins.forge]\nenabled = false\n")
    assert lines == ["bomb|acme-bomb|off", "forge|acme-forge|off", "False False"]


def test_enabled_plugins_are_imported(tmp_path: Path) -> None:
    """Of the same plugins, enabled, one is ready, the other is broken, and the process continues."""
    install(tmp_path, "acme-forge", "forge", "plugins.good_forge")
    install(tmp_path, "acme-bomb", "bomb", "plugins.exits_at_import")
    lines = run_host(tmp_path, "[plugins.forge]\nenabled = true\n[plugins.bomb]\nenabled = true\n")
    assert [line for line in lines if "|" in line] == ["bomb|acme-bomb|broken", "forge|acme-forge|ready"]
    assert lines[-1] == "True False"


def test_discovery_is_sorted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Plugins are sorted by name and distribution, not by the order of their folders on the path."""
    for place, distribution, name in [("1", "zz-forge", "forge"), ("2", "aa-forge", "forge"), ("3", "mm", "apple")]:
        folder = tmp_path / place
        folder.mkdir()
        install(folder, distribution, name, "plugins.good_forge")
    for place in ("3", "2", "1"):
        monkeypatch.syspath_prepend(str(tmp_path / place))
    found = [(one.name, one.distribution) for one in discover() if one.value == "plugins.good_forge"]
    assert found == [("apple", "mm"), ("forge", "aa-forge"), ("forge", "zz-forge")]
