"""Reading plugins.toml and the environment."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from loading import case_id, load_cases
from scmhost.plugins import ConfigError, Settings, read_settings

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
        ConfigError, match=r"environment: SCMHOST_PLUGINS_OFF: unknown plugin 'forgo'; did you mean 'forge'"
    ):
        settings_of(tmp_path, "[plugins.forge]\n", SCMHOST_PLUGINS_OFF="forgo")


def test_installed_plugin_may_be_named_in_the_environment() -> None:
    """A plugin that is installed may be switched off without a file."""
    assert read_settings(None, {"SCMHOST_PLUGINS_OFF": "custom_scm"}).off_by_environment("custom_scm")


def test_shipped_file_is_valid() -> None:
    """The plugins.toml of this repository loads Custom SCM, for the organization acme."""
    settings = read_settings(ROOT / "plugins.toml", {})
    plugin = settings.plugins["custom_scm"]
    assert (plugin.enabled, plugin.distribution, plugin.default) == (True, "scmhost-custom-scm", False)
    assert plugin.allow.name("acme", 1)
