"""Keys for the secrets of installations in plugins.toml and the environment."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from scmhost.infra.secret_box import new_key
from scmhost.plugins import ConfigError, Settings, read_settings

FIRST, SECOND, THIRD = new_key(), new_key(), new_key()


def settings_with(folder: Path, keys: str, environ: Mapping[str, str]) -> Settings:
    config = folder / "plugins.toml"
    config.write_text(f"schema = 1\n[host]\nsecret_keys = {keys}\n", encoding="utf-8")
    return read_settings(config, environ)


def test_keys_are_read_from_where_they_are_written(tmp_path: Path) -> None:
    """A key is a text, or in a file or an environment variable; the order is that of the list."""
    (tmp_path / "key").write_text(f"{SECOND}\n", encoding="utf-8")
    keys = f'["{FIRST}", {{ file = "{tmp_path}/key" }}, {{ env = "KEY" }}]'
    settings = settings_with(tmp_path, keys, {"KEY": THIRD})
    assert [key.get_secret_value() for key in settings.host.encryption_keys] == [FIRST, SECOND, THIRD]
    assert not any(key in repr(settings) for key in (FIRST, SECOND, THIRD))


def test_environment_overrides_the_file(tmp_path: Path) -> None:
    """SCMHOST_SECRET_KEYS has all keys, separated by commas; empty counts as not set."""
    written = settings_with(tmp_path, f'["{FIRST}"]', {"SCMHOST_SECRET_KEYS": ""})
    assert [key.get_secret_value() for key in written.host.encryption_keys] == [FIRST]
    given = settings_with(tmp_path, '[{ env = "UNSET" }]', {"SCMHOST_SECRET_KEYS": f"{SECOND}, {THIRD},"})
    assert [key.get_secret_value() for key in given.host.encryption_keys] == [SECOND, THIRD]


@pytest.mark.parametrize(
    ("keys", "environ", "problem"),
    [
        ('["swordfish"]', {}, "plugins.toml:3: host.secret_keys.0: this is no key; make one with"),
        ('"swordfish"', {}, "plugins.toml:3: host.secret_keys: input should be a valid tuple, not a string"),
        ("[5]", {}, "this is no key"),
        ('[{ env = "" }]', {}, "this is no key"),
        ('[{ env = "A", file = "B" }]', {}, "this is no key"),
        ('[{ env = "KEY" }]', {}, "plugins.toml:3: host.secret_keys: the environment variable KEY has no key; make"),
        ('[{ env = "KEY" }]', {"KEY": "swordfish"}, "the environment variable KEY has no key"),
        ('[{ file = "missing" }]', {}, "the file missing has no key; make a key with: scmhost secrets new-key"),
        ("[]", {"SCMHOST_SECRET_KEYS": "swordfish"}, "environment: SCMHOST_SECRET_KEYS: this is no key"),
    ],
)
def test_wrong_key_is_refused_without_repeating_it(
    tmp_path: Path, keys: str, environ: Mapping[str, str], problem: str
) -> None:
    """The message has the line and the command that makes a key."""
    with pytest.raises(ConfigError) as refusal:
        settings_with(tmp_path, keys, environ)
    assert problem in str(refusal.value)
    assert "swordfish" not in str(refusal.value)


def test_address_of_the_service(tmp_path: Path) -> None:
    """It may have a path, for a proxy, and loses its final slash; by default there is none."""
    config = tmp_path / "plugins.toml"
    config.write_text('schema = 1\n[host]\nurl = "https://example.com/scmhost/"\n', encoding="utf-8")
    assert read_settings(config, {}).host.url == "https://example.com/scmhost"
    assert read_settings(None, {}).host.url is None
