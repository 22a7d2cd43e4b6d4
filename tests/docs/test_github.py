"""The README of the GitHub plugin."""

import re
import tomllib
from pathlib import Path

import pytest

from api import open_api
from fake_hosts.github import app_pem
from pages import blocks, page
from scmhost.infra.secret_box import new_key
from scmhost_github.forms import GitHubApp, GitHubInstallForm, GitHubInstance, GitHubSettings

PAGE = page("plugins/github/README.md")
(TOML,) = [block.text for block in blocks(PAGE) if block.language == "toml"]


def rows(after: str, first: str) -> set[str]:
    """Return the names in the first column of the table with this header, in the part of the page after a text."""
    table = PAGE.partition(after)[2].partition(f"| {first} |")[2].partition("\n\n")[0]
    return set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))


def test_every_setting_and_field_is_named() -> None:
    """The page names exactly the settings, those of an instance and of an App, and the fields of the install form."""
    assert rows("## For operators", "setting") == set(GitHubSettings.model_fields)
    assert rows("Each instance has these settings", "setting") == set(GitHubInstance.model_fields)
    assert rows("The App has these settings", "setting") == set(GitHubApp.model_fields)
    assert rows("## Set it up", "field") == set(GitHubInstallForm.model_fields)


def test_settings_on_the_page_are_valid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the configuration on the page, the plugin is ready and on for the organization."""
    key = tmp_path / "github-app.pem"
    key.write_text(app_pem(), encoding="utf-8")
    text = TOML.replace("/etc/scmhost/github-app.pem", str(key))
    tomllib.loads(text)
    for name in ("GITHUB_WEBHOOK_SECRET", "GITHUB_CLIENT_SECRET"):
        # The test's service reads an environment of its own.
        text = text.replace(f'{{ env = "{name}" }}', f'"{name}"')
        monkeypatch.setenv(name, name)
    with open_api(tmp_path, f'{text}\n[host]\nsecret_keys = ["{new_key()}"]\n') as api:
        providers = api.get("config/integrations/").json()["providers"]
        assert [provider["key"] for provider in providers] == ["github"]
