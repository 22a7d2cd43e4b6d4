"""``scmhost plugins list``, ``show`` and ``why``, as text and as JSON."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from command import scmhost, scmhost_process
from serving import serve

CONFIGURATION = """\
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
    """A configuration in the working directory, with one plugin that is installed and one that is not."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    path = tmp_path / "plugins.toml"
    path.write_text(CONFIGURATION, encoding="utf-8")
    return path


def listed(*words: object) -> dict[str, dict[str, Any]]:
    return {item["name"]: item for item in json.loads(scmhost("plugins", "list", "--json", *words).out)}


@pytest.mark.usefixtures("config")
def test_list_fits_eighty_columns() -> None:
    """The table has one line for each plugin, and below it the reason why it is not ready."""
    done = scmhost("plugins", "list")
    assert (done.code, done.err) == (0, "")
    assert re.search(r"^ready +custom_scm +0\.1\.0 +custom_scm$", done.out, re.MULTILINE)
    assert max(map(len, done.out.splitlines())) <= 80
    reason = listed()["custom_scn"]["reason"]
    assert "did you mean 'custom_scm'?" in reason
    assert reason in " ".join(done.out.split())
    assert "\x1b" not in done.out


@pytest.mark.usefixtures("config")
def test_show_prints_no_secrets() -> None:
    """A plugin that is not loaded is shown from the configuration and its metadata, without values of settings."""
    shown = scmhost("plugins", "show", "custom_scm").out
    for text in ("scmhost-custom-scm 0.1.0", "stacktrace-link", "scm_source_url", ">=1.1"):
        assert text in shown
    missing = scmhost("plugins", "show", "custom_scn")
    assert (missing.code, "token" in missing.out, "hunter2" in missing.out) == (0, True, False)
    assert json.loads(scmhost("plugins", "show", "custom_scn", "--json").out) == listed()["custom_scn"]
    unknown = scmhost("plugins", "show", "custom_sc")
    assert (unknown.code, "did you mean 'custom_sc" in unknown.err) == (1, True)


@pytest.mark.usefixtures("config")
def test_inspecting_plugins_creates_no_file(tmp_path: Path) -> None:
    """The commands that inspect plugins need no database and create none."""
    for command in (["list"], ["show", "custom_scm"], ["doctor"]):
        scmhost("plugins", *command)
    assert [path.name for path in tmp_path.iterdir()] == ["plugins.toml"]


def test_list_without_a_file_names_the_file_to_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason has the file, and the lines to write into it."""
    monkeypatch.chdir(tmp_path)
    reason = listed()["custom_scm"]["reason"]
    assert reason == "there is no plugins.toml; to load it write one with enabled = true under [plugins.custom_scm]"


IN_ENVIRONMENT = """\
schema = 1
[plugins.git]
enabled = true
settings = { root = { env = "CLONES_OF_ACME" } }
"""


def test_setting_from_the_environment_is_hidden(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its value is used but not printed; a missing variable breaks only this plugin, with the line of the reference."""
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


def test_disabled_plugin_is_not_imported(config: Path) -> None:
    """A plugin that is off is shown from its metadata; none of its code runs."""
    config.write_text("schema = 1\n[plugins.custom_scm]\nenabled = false\n", encoding="utf-8")
    done = scmhost_process("plugins", "show", "custom_scm", "--json", environ={"PYTHONPROFILEIMPORTTIME": "1"})
    plugin = json.loads(done.out)
    assert (plugin["state"], plugin["apiRange"], plugin["version"]) == ("off", "<2,>=1.1", "0.1.0")
    assert ("scmhost.plugins" in done.err, "scmhost_custom_scm" in done.err) == (True, False)


def test_service_counts_the_calls_of_its_plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With --url the commands read a service, which needs an operator's token."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plugins.toml").write_text(CONFIGURATION, encoding="utf-8")
    tokens = {}
    for org in ("acme", "rival"):
        there = ["--project", "web", "--database-url", f"sqlite:///{tmp_path}/served.db", "--json"]
        tokens[org] = json.loads(scmhost("bootstrap", "--org", org, *there).out)["token"]
    with serve(tmp_path) as served:
        form = {"provider": "custom_scm", "name": "team", "url": "https://git.example.com/"}
        with served.client(tokens["acme"]) as client:
            assert client.post("/api/0/organizations/acme/integrations/", json=form).status_code == 201
        service = ["--url", served.url, "--token", tokens["acme"]]
        hooks = {hook["name"]: hook for hook in listed(*service)["custom_scm"]["hooks"]}
        table = scmhost("plugins", "list", *service).out
        refused = scmhost("plugins", "list", "--url", served.url, "--token", tokens["rival"])
        doctor = scmhost("plugins", "doctor", "--database-url", f"sqlite:///{tmp_path}/served.db", "--json", *service)
    assert (hooks["scm_install"]["calls"], hooks["scm_install"]["faults"]) == (1, 0)
    assert re.search(r"^STATE .* CALLS  FAULTS  REFUSALS  SLOWEST$", table, re.MULTILINE)
    assert (refused.code, "operators under [host]" in refused.err) == (1, True)
    # A problem of this machine and of the service is reported once.
    assert (doctor.code, doctor.out.count("no such plugin is installed")) == (1, 1)
    gone = scmhost("plugins", "doctor", "--json", *service)
    assert f"the service at {served.url}" in gone.out


@pytest.mark.parametrize(
    "command",
    [
        ("plugins", "list"),
        ("plugins", "why", "custom_scm", "--org", "acme"),
        ("plugins", "doctor"),
        ("plugins", "show", "custom_scm"),
        ("plugins", "enable", "custom_scm"),
        ("plugins", "enable", "custom_scm", "--database-url", "sqlite:///other.db"),
        ("migrate",),
        ("link", "--org", "acme", "--project", "web"),
    ],
    ids=" ".join,
)
def test_file_of_a_checkout_runs_no_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    """A command in a checkout of others does not read their file, and says how to name one."""
    text = '[flags_provider]\nprovider = "os:mkdir"\nsettings = { path = "made" }\n'
    (tmp_path / ".git").mkdir()
    (tmp_path / "plugins.toml").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    done = scmhost_process(*command) if command[0] == "link" else scmhost(*command)
    assert done.code != 0
    assert "if it is yours, name it: --config plugins.toml" in " ".join((done.out + done.err).split())
    assert (tmp_path / "plugins.toml").read_text(encoding="utf-8") == text
    assert sorted(path.name for path in tmp_path.iterdir()) == [".git", "plugins.toml"]
