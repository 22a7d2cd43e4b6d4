"""The README of the Forgejo plugin."""

import re
import tomllib
from pathlib import Path

import pytest

from api import open_api
from pages import blocks, page
from scmhost.infra.secret_box import new_key
from scmhost_forgejo.forms import ForgejoInstallForm, ForgejoSettings

PAGE = page("plugins/forgejo/README.md")
TOML = [block.text for block in blocks(PAGE) if block.language == "toml"]


def rows(first: str) -> set[str]:
    """Return the names in the first column of the table with this header."""
    table = PAGE.partition(f"| {first} |")[2].partition("\n\n")[0]
    return set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))


def test_every_setting_and_field_is_named() -> None:
    """The page names exactly the settings and the fields of the install form."""
    assert rows("setting") == set(ForgejoSettings.model_fields)
    assert rows("field") == set(ForgejoInstallForm.model_fields)


def test_settings_on_the_page_are_valid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the configuration on the page, the plugin is ready and on for the organization."""
    key = new_key()
    application = tomllib.loads(TOML[1])["plugins"]["forgejo"]["settings"]["instances"]["ours"]
    plugins_toml = "\n".join(TOML).replace('{ env = "SCMHOST_SECRET_KEY" }', f'"{key}"')
    plugins_toml = plugins_toml.replace('{ env = "FORGEJO_CLIENT_SECRET" }', '"a secret"')
    with open_api(tmp_path, plugins_toml) as api:
        providers = api.get("config/integrations/").json()["providers"]
        assert [provider["key"] for provider in providers] == ["forgejo"]
    assert set(application) == {"url", "client_id", "client_secret"}
