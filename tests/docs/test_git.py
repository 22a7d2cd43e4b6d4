"""The README of the Git plugin."""

import re
import tomllib
from pathlib import Path

from api import ApiClient, open_api
from pages import blocks, page
from scmhost_git.forms import GitInstallForm as InstallForm
from scmhost_git.forms import GitSettings as Settings

PAGE = page("plugins/git/README.md")
TOML = [block.text for block in blocks(PAGE) if block.language == "toml"]


def rows(first: str) -> set[str]:
    """Return the names in the first column of the table with this header."""
    table = PAGE.partition(f"| {first} |")[2].partition("\n\n")[0]
    return set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))


def test_every_setting_and_field_is_named() -> None:
    """The page names exactly the settings and the fields of the install form."""
    assert rows("setting") == set(Settings.model_fields)
    assert rows("field") == set(InstallForm.model_fields)


def test_settings_on_the_page_are_valid(tmp_path: Path) -> None:
    """With the configuration on the page, the plugin is ready and on for the organization."""
    root = tmp_path / "srv"
    for folder in tomllib.loads(TOML[1])["plugins"]["git"]["settings"]["organizations"].values():
        (root / folder).mkdir(parents=True)
    plugins_toml = "\n".join(TOML).replace("/srv/git", str(root))
    with open_api(tmp_path, plugins_toml) as api:
        assert providers(api) == ["git"]


def providers(api: ApiClient) -> list[str]:
    return [provider["key"] for provider in api.get("config/integrations/").json()["providers"]]
