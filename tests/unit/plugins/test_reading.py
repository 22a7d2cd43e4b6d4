"""Reading plugins.toml and the environment."""

import os
from contextlib import nullcontext
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from loading import case_id, load_cases
from scmhost.plugins import ConfigError, Settings, read_settings
from scmhost.plugins.config.files import check_ownership
from scmhost.plugins.config.reading import read_configuration

ROOT = Path(__file__).parents[3]


def settings_of(folder: Path, text: str, **environ: str) -> Settings:
    """The settings of a file with this text."""
    path = folder / "plugins.toml"
    path.write_text(text, encoding="utf-8")
    return read_settings(path, environ)


@pytest.mark.parametrize("case", load_cases("config_errors"), ids=case_id)
def test_error_names_line_key_and_remedy(case: dict[str, Any], tmp_path: Path) -> None:
    """An invalid file is reported with file, line, key and problem, all problems at once."""
    with pytest.raises(ConfigError) as caught:
        settings_of(tmp_path, case["text"])
    assert [part for part in case["contains"] if part not in str(caught.value)] == []


def test_secrets_are_not_repeated(tmp_path: Path) -> None:
    """An error never shows the value that is wrong: it may be a password."""
    with pytest.raises(ConfigError) as caught:
        settings_of(tmp_path, '[host]\ndatabase_url = ["hunter2"]\n')
    assert "hunter2" not in str(caught.value)
    assert (caught.value.line, caught.value.key) == (2, "host.database_url")


def test_without_a_file_no_plugin_is_enabled() -> None:
    """The defaults keep rows in one SQLite file and load no plugin."""
    settings = read_settings(None, {})
    assert (settings.host.database_url, settings.plugins) == ("sqlite:///scmhost.db", {})
    assert not settings.enables("custom_scm")


def test_missing_file_is_an_error(tmp_path: Path) -> None:
    """A file that was named must exist."""
    with pytest.raises(ConfigError, match=r"nowhere\.toml: the file cannot be read .*check the path"):
        read_settings(tmp_path / "nowhere.toml", {})


def test_file_must_be_utf8(tmp_path: Path) -> None:
    """The error has the line of the first byte that is not UTF-8."""
    path = tmp_path / "plugins.toml"
    path.write_bytes(b"schema = 1\n# caf\xe9\n")
    with pytest.raises(ConfigError, match=r"plugins\.toml:2: this is not UTF-8"):
        read_settings(path, {})


def test_everything_that_can_be_written(tmp_path: Path) -> None:
    """Every key of a plugin is read as it is written; a percentage is exact."""
    text = """
        [limits]
        page_size = 50
        [plugins.forge]
        enabled = true
        distribution = "acme-forge"
        default = true
        allow = { organizations = ["acme", 42] }
        deny = { organizations = [] }
        rollout = { percent = 0.1, salt = "s" }
        order = 20
        settings = { region = "eu", depth = 2.5 }
    """
    settings = settings_of(tmp_path, text)
    plugin = settings.plugins["forge"]
    assert (settings.limits.page_size, plugin.order, plugin.settings) == (50, 20, {"region": "eu", "depth": 2.5})
    assert plugin.rollout is not None
    assert plugin.rollout.percent == Decimal("0.1")
    assert plugin.allow.name("other", 42)
    assert not plugin.deny.name("acme", 42)


def test_environment_chooses_the_database(tmp_path: Path) -> None:
    """The environment overrides the file; an empty variable is ignored."""
    text = '[host]\ndatabase_url = "sqlite:///file.db"\n'
    chosen = settings_of(tmp_path, text, SCMHOST_DATABASE_URL="postgresql://db/scm")
    unset = settings_of(tmp_path, text, SCMHOST_DATABASE_URL="")
    assert (chosen.host.database_url, unset.host.database_url) == ("postgresql://db/scm", "sqlite:///file.db")


def test_environment_switches_plugins_off(tmp_path: Path) -> None:
    """A plugin that is enabled in the file is not loaded when the environment turns it off, or all plugins."""
    text = "[plugins.forge]\nenabled = true\n[plugins.other]\nenabled = true\n"
    one = settings_of(tmp_path, text, SCMHOST_PLUGINS_OFF=" forge , ")
    every = settings_of(tmp_path, text, SCMHOST_PLUGINS_OFF="*")
    assert (one.enables("forge"), one.enables("other"), every.enables("other")) == (False, True, False)


def test_unknown_plugin_in_the_environment_is_an_error(tmp_path: Path) -> None:
    """The error has the nearest name: otherwise a typo would leave a plugin on."""
    with pytest.raises(
        ConfigError, match=r"environment: SCMHOST_PLUGINS_OFF: unknown plugin 'forgee'; did you mean 'forge'"
    ):
        settings_of(tmp_path, "[plugins.forge]\n", SCMHOST_PLUGINS_OFF="forgee")


def test_installed_plugin_may_be_named_in_the_environment() -> None:
    """A plugin that is installed may be switched off without a file."""
    assert read_settings(None, {"SCMHOST_PLUGINS_OFF": "custom_scm"}).off_by_environment("custom_scm")


def test_shipped_file_is_valid() -> None:
    """The plugins.toml of this repository loads Custom SCM, for the organization acme."""
    settings = read_settings(ROOT / "plugins.toml", {})
    plugin = settings.plugins["custom_scm"]
    assert (plugin.enabled, plugin.distribution, plugin.default) == (True, "scmhost-custom-scm", False)
    assert plugin.allow.name("acme", 1)


MINIMAL = "schema = 1\n"


def in_folder(folder: Path, monkeypatch: pytest.MonkeyPatch, config: str | None = None, **environ: str) -> Settings:
    """The settings of a command that runs in this folder."""
    monkeypatch.chdir(folder)
    return read_configuration(config, environ=environ)


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o444])
def test_own_file_of_the_working_directory_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int) -> None:
    """Without an option, the operator's own file is read, and a missing one is fine."""
    assert in_folder(tmp_path, monkeypatch).source.absent
    path = tmp_path / "plugins.toml"
    path.write_text(MINIMAL, encoding="utf-8")
    path.chmod(mode)
    assert in_folder(tmp_path, monkeypatch).source.file == "plugins.toml"


@pytest.mark.parametrize("below", ["", "deploy/scmhost"])
@pytest.mark.parametrize("mark", [".git", ".hg", ".jj", ".svn"])
def test_file_of_a_checkout_is_read_only_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mark: str, below: str
) -> None:
    """A checkout contains what others wrote. The error says how to name the file."""
    folder = tmp_path / below
    folder.mkdir(parents=True, exist_ok=True)
    (tmp_path / mark).mkdir()
    (folder / "plugins.toml").write_text(MINIMAL, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"in the checkout .*; if it is yours, name it: --config plugins\.toml"):
        in_folder(folder, monkeypatch)
    assert in_folder(folder, monkeypatch, "plugins.toml").source.file == "plugins.toml"
    assert in_folder(folder, monkeypatch, SCMHOST_CONFIG="plugins.toml").source.file == "plugins.toml"


def test_file_of_a_checkout_is_left_out_if_the_database_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A command for another database works in any checkout; a warning names the file."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "plugins.toml").write_text("enable = everything", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    settings = read_configuration(None, "sqlite:///other.db", {})
    assert (settings.plugins, settings.host.database_url) == ({}, "sqlite:///other.db")
    assert [record.getMessage() for record in caplog.records] == ["configuration not read"]


def test_link_into_a_checkout_is_in_the_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So is the file of a linked worktree or a submodule, where ``.git`` is a file."""
    checkout, folder = tmp_path / "checkout", tmp_path / "folder"
    checkout.mkdir()
    folder.mkdir()
    (checkout / ".git").write_text("gitdir: elsewhere", encoding="utf-8")
    (checkout / "plugins.toml").write_text(MINIMAL, encoding="utf-8")
    (folder / "plugins.toml").symlink_to(checkout / "plugins.toml")
    with pytest.raises(ConfigError, match="in the checkout"):
        in_folder(folder, monkeypatch)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"st_uid": 4321}, "belongs to another user, with the id 4321"),
        ({"st_uid": 0}, None),
        ({"st_mode": 0o100666}, "others may write to it"),
        ({"st_mode": 0o100602}, "others may write to it"),
        ({"st_mode": 0o100664}, None),
        ({"st_mode": 0o100664, "st_gid": 4321}, "others may write to it"),
        ({"st_mode": 0o100644, "st_gid": 4321}, None),
    ],
)
def test_file_that_others_may_change_is_read_only_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fields: dict[str, int], problem: str | None
) -> None:
    """It belongs to this user or root, and no other user may write to it."""
    path = tmp_path / "plugins.toml"
    path.write_text(MINIMAL, encoding="utf-8")
    real = path.stat()
    given = {"st_mode": 0o100644, "st_uid": os.geteuid(), "st_gid": os.getegid(), **fields}
    changed = os.stat_result((given["st_mode"], *real[1:4], given["st_uid"], given["st_gid"], *real[6:10]))
    original = Path.stat
    monkeypatch.setattr(Path, "stat", lambda self, **more: changed if self == path else original(self, **more))
    expected = pytest.raises(ConfigError, match=problem) if problem else nullcontext()
    with expected:
        check_ownership(path)
