"""What an operator sees of the plugins, in words and as JSON."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from command import scmhost, scmhost_process
from serving import serve

SWITCHBOARD = """\
schema = 1
[host]
operators = ["acme"]
[plugins.custom_scm]
enabled = true
default = true
[plugins.custom_scn]
enabled = true
settings = { token = "hunter2-hunter2" }
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A switchboard in the working directory, with one plugin that is there and one that is not."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    path = tmp_path / "plugins.toml"
    path.write_text(SWITCHBOARD, encoding="utf-8")
    return path


def listed(*words: object) -> dict[str, dict[str, Any]]:
    return {item["name"]: item for item in json.loads(scmhost("plugins", "list", "--json", *words).out)}


@pytest.mark.usefixtures("config")
def test_the_list_tells_states_and_reasons_within_eighty_columns() -> None:
    """A table for people: a line for each plugin, and why it is not well below it."""
    done = scmhost("plugins", "list")
    assert (done.code, done.err) == (0, "")
    assert re.search(r"^ready +custom_scm +0\.1\.0 +custom_scm$", done.out, re.MULTILINE)
    assert "did you mean 'custom_scm'?" in done.out
    assert max(map(len, done.out.splitlines())) <= 80
    assert "\x1b" not in done.out


@pytest.mark.usefixtures("config")
def test_a_plugin_is_shown_whole_and_without_secrets() -> None:
    """What is not loaded is shown from the switchboard and its metadata; of its settings the names."""
    shown = scmhost("plugins", "show", "custom_scm").out
    for word in ("scmhost-custom-scm 0.1.0", "stacktrace-link", "scm_source_url", ">=1.1"):
        assert word in shown
    missing = scmhost("plugins", "show", "custom_scn")
    assert (missing.code, "token" in missing.out, "hunter2" in missing.out) == (0, True, False)
    assert json.loads(scmhost("plugins", "show", "custom_scn", "--json").out) == listed()["custom_scn"]
    unknown = scmhost("plugins", "show", "custom_sc")
    assert (unknown.code, "did you mean 'custom_sc" in unknown.err) == (1, True)


@pytest.mark.usefixtures("config")
def test_a_look_leaves_nothing_behind(tmp_path: Path) -> None:
    """To see plugins no database is needed, and none is made."""
    for command in (["list"], ["show", "custom_scm"], ["doctor"]):
        scmhost("plugins", *command)
    assert [path.name for path in tmp_path.iterdir()] == ["plugins.toml"]


def test_without_a_file_the_list_says_which_to_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file that would be read is named, and what to write into it."""
    monkeypatch.chdir(tmp_path)
    reason = listed()["custom_scm"]["reason"]
    assert reason == "there is no plugins.toml; to load it write one with enabled = true under [plugins.custom_scm]"


IN_ENVIRONMENT = """\
schema = 1
[plugins.git]
enabled = true
settings = { root = { env = "CLONES_OF_ACME" } }
"""


def test_a_setting_may_stand_in_the_environment(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is used and never shown; a variable that is missing breaks the plugin alone, with the line that names it."""
    config.write_text(IN_ENVIRONMENT, encoding="utf-8")
    monkeypatch.setenv("CLONES_OF_ACME", str(config.parent))
    shown = listed()["git"]
    assert (shown["state"], shown["settings"]["root"]) == ("ready", "(from the environment CLONES_OF_ACME)")
    monkeypatch.delenv("CLONES_OF_ACME")
    missing = listed()["git"]
    assert (missing["state"], missing["settings"]) == ("broken", {"root": "(from the environment CLONES_OF_ACME)"})
    assert missing["reason"].startswith(
        "plugins.toml:4: plugins.git.settings.root: the environment has no CLONES_OF_ACME; set"
    )


def test_a_plugin_that_is_off_is_shown_without_an_import(config: Path) -> None:
    """Its metadata says what it is; none of its code runs."""
    config.write_text("schema = 1\n[plugins.custom_scm]\nenabled = false\n", encoding="utf-8")
    done = scmhost_process("plugins", "show", "custom_scm", "--json", environ={"PYTHONPROFILEIMPORTTIME": "1"})
    plugin = json.loads(done.out)
    assert (plugin["state"], plugin["apiRange"], plugin["version"]) == ("off", "<2,>=1.1", "0.1.0")
    assert ("scmhost.plugins" in done.err, "scmhost_custom_scm" in done.err) == (True, False)


def test_a_service_tells_what_its_plugins_did(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The calls live in the process that serves; the commands ask it, with an operator's token."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plugins.toml").write_text(SWITCHBOARD, encoding="utf-8")
    tokens = {}
    for org in ("acme", "rival"):
        there = ["--project", "web", "--database-url", f"sqlite:///{tmp_path}/served.db", "--json"]
        tokens[org] = json.loads(scmhost("bootstrap", "--org", org, *there).out)["token"]
    with serve(tmp_path) as served:
        form = {"provider": "custom_scm", "name": "team", "url": "https://git.example.com/"}
        with served.client(tokens["acme"]) as client:
            assert client.post("/api/0/organizations/acme/integrations/", json=form).status_code == 201
        asked = ["--url", served.url, "--token", tokens["acme"]]
        hooks = {hook["name"]: hook for hook in listed(*asked)["custom_scm"]["hooks"]}
        told = scmhost("plugins", "list", *asked).out
        refused = scmhost("plugins", "list", "--url", served.url, "--token", tokens["rival"])
        doctor = scmhost("plugins", "doctor", "--database-url", f"sqlite:///{tmp_path}/served.db", *asked)
    assert (hooks["scm_install"]["calls"], hooks["scm_install"]["faults"]) == (1, 0)
    assert re.search(r"^STATE .* CALLS  FAULTS  REFUSALS  SLOWEST$", told, re.MULTILINE)
    assert (refused.code, "operators under [host]" in refused.err) == (1, True)
    # What is wrong here and there is told once.
    assert (doctor.code, doctor.out.count("no such plugin is installed")) == (1, 1)
    gone = scmhost("plugins", "doctor", *asked)
    assert f"the service at {served.url}" in gone.out
