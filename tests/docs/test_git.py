"""The page of the Git plugin."""

import re
import tomllib
from pathlib import Path

from house import House, open_house
from manual import blocks, page
from scmhost_git.forms import GitInstallForm as InstallForm
from scmhost_git.forms import GitSettings as Settings

PAGE = page("plugins/git/README.md")
TOML = [block.text for block in blocks(PAGE) if block.language == "toml"]


def rows(first: str) -> set[str]:
    """The names in the first column of the table that begins so."""
    table = PAGE.partition(f"| {first} |")[2].partition("\n\n")[0]
    return set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))


def test_every_setting_and_field_is_named() -> None:
    """What the operator and a person may write stands on the page, and nothing else does."""
    assert rows("setting") == set(Settings.model_fields)
    assert rows("field") == set(InstallForm.model_fields)


def test_the_settings_of_the_page_are_taken(tmp_path: Path) -> None:
    """Who copies the page's switchboard gets the plugin, ready and on for the organization."""
    root = tmp_path / "srv"
    for folder in tomllib.loads(TOML[1])["plugins"]["git"]["settings"]["organizations"].values():
        (root / folder).mkdir(parents=True)
    switchboard = "\n".join(TOML).replace("/srv/git", str(root))
    with open_house(tmp_path, switchboard) as house:
        assert providers(house) == ["git"]


def providers(house: House) -> list[str]:
    return [provider["key"] for provider in house.get("config/integrations/").json()["providers"]]
