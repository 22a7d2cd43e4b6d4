"""The README of the GitLab plugin."""

import re
import tomllib
from pathlib import Path

import pytest

from api import open_api
from pages import blocks, page
from scmhost.infra.secret_box import new_key
from scmhost_gitlab.forms import GitLabInstallForm, GitLabInstance, GitLabSettings

PAGE = page("plugins/gitlab/README.md")
TOML = [block.text for block in blocks(PAGE) if block.language == "toml"]


def rows(after: str, first: str) -> set[str]:
    """Return the names in the first column of the table with this header, in the part of the page after a text."""
    table = PAGE.partition(after)[2].partition(f"| {first} |")[2].partition("\n\n")[0]
    return set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))


def test_every_setting_and_field_is_named() -> None:
    """The page names exactly the settings, those of an instance, and the fields of the install form."""
    assert rows("## For operators", "setting") == set(GitLabSettings.model_fields)
    assert rows("Each instance has these settings", "setting") == set(GitLabInstance.model_fields)
    assert rows("## Set it up", "field") == set(GitLabInstallForm.model_fields)


@pytest.mark.parametrize("application", [False, True], ids=["tokens", "application"])
def test_settings_on_the_page_are_valid(tmp_path: Path, *, application: bool) -> None:
    """With the configuration on the page, the plugin is ready and on for the organization."""
    plain, with_application = TOML
    name = "[plugins.gitlab.settings.instances.work]"
    text = plain
    if application:
        text = plain.replace(f'{name}\nurl = "https://gitlab.example.com"\n', with_application)
        assert "client_secret" in text
    tomllib.loads(text)
    with open_api(tmp_path, f'{text}\n[host]\nsecret_keys = ["{new_key()}"]\n') as api:
        providers = api.get("config/integrations/").json()["providers"]
        assert [provider["key"] for provider in providers] == ["gitlab"]
