"""What a plugin prints does not spoil what a command prints."""

import json
from pathlib import Path

import pytest

from command import scmhost_process
from installed import install

SWITCHBOARD = "schema = 1\n[plugins.loud]\nenabled = true\n"


def test_json_stays_json_whatever_a_plugin_prints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin prints when it is imported; the answer of a command is whole, and the log has the plugin's words."""
    install(tmp_path, "acme-loud", "loud", "plugins.loud")
    (tmp_path / "plugins.toml").write_text(SWITCHBOARD, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    tests = Path(__file__).parents[1]
    done = scmhost_process("plugins", "list", "--json", environ={"PYTHONPATH": f"{tmp_path}:{tests}"})
    states = {report["name"]: report["state"] for report in json.loads(done.out)}
    assert states["loud"] == "ready"
    (entry,) = [json.loads(line) for line in done.err.splitlines() if "Welcome" in line]
    assert (entry["event"], entry["plugin"], entry["text"]) == ("plugin output", "loud", "Welcome to the loud plugin!")
