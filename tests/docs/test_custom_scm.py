"""The page of the Custom SCM plugin."""

import re
from pathlib import Path

from house import open_house
from manual import page
from scmhost.sdk import preset_kinds
from scmhost.sdk.templates import NUMBER_TOKENS, TEXT_TOKENS

PAGE = page("plugins/custom_scm/README.md")


def test_every_preset_and_token_is_named() -> None:
    """What a person may write in the form stands on the page."""
    named = set(re.findall(r"`(\w+)`", PAGE))
    assert {*preset_kinds(), *TEXT_TOKENS, *NUMBER_TOKENS} - named == set()


def test_every_field_of_the_form_is_named(tmp_path: Path) -> None:
    """The page tells of each field that the install form has."""
    with open_house(tmp_path) as house:
        form = house.get("config/integrations/").json()["providers"][0]["formSchema"]["properties"]
    assert [field for field in form if f"`{field}`" not in PAGE] == []


def test_the_template_of_the_page_makes_links(tmp_path: Path) -> None:
    """Who installs with the page's own template gets links of its form."""
    template = next(text for text in re.findall(r"`(.+?)`", PAGE) if text.startswith("{repo_url}"))
    with open_house(tmp_path) as house:
        house.mapping(*house.claimed(template=template))
        link = house.link(lineNo=7)["sourceUrl"]
    assert link == "https://git.example.com/team/app/view/src/a.py?rev=main#7"
