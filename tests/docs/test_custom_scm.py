"""The README of the Custom SCM plugin."""

import re
import subprocess
from pathlib import Path

from api import open_api
from pages import blocks, page, write_files
from scmhost.sdk import preset_kinds
from scmhost.sdk.urls.templates import NUMBER_TOKENS, TEXT_TOKENS
from scmhost_custom_scm import plugin

PAGE = page("plugins/custom_scm/README.md")
# Prints the arguments of a request instead of sending it.
CURL = 'curl() { printf "%s\\n" "$@"; }\n'


def test_every_preset_and_token_is_named() -> None:
    """The page names every preset and every token."""
    named = set(re.findall(r"`(\w+)`", PAGE))
    assert {*preset_kinds(), *TEXT_TOKENS, *NUMBER_TOKENS} - named == set()


def test_every_field_of_the_form_is_named(tmp_path: Path) -> None:
    """The page names every field of the install form."""
    with open_api(tmp_path) as api:
        form = api.get("config/integrations/").json()["providers"][0]["formSchema"]["properties"]
    assert [field for field in form if f"`{field}`" not in PAGE] == []


def test_the_template_of_the_page_makes_links(tmp_path: Path) -> None:
    """The template on the page makes links of its form."""
    template = next(text for text in re.findall(r"`(.+?)`", PAGE) if text.startswith("{repo_url}"))
    with open_api(tmp_path) as api:
        api.mapping(*api.claimed(template=template))
        link = api.link(lineNo=7)["sourceUrl"]
    assert link == "https://git.example.com/team/app/view/src/a.py?rev=main#7"


def test_push_in_plain_format_is_accepted(tmp_path: Path) -> None:
    """The push on the page, signed with the command on the page, is accepted with its commit."""
    write_files(PAGE, tmp_path)
    command = next(block.text for block in blocks(PAGE) if "openssl" in block.text)
    environ = {"PATH": "/usr/local/bin:/usr/bin:/bin", "SECRET": "s3cret", "HOOK": "https://scmhost.example.com/hook"}
    done = subprocess.run(["sh", "-c", CURL + command], cwd=tmp_path, env=environ, capture_output=True, check=True)
    headers = dict(re.findall(r"^([\w-]+): (.+)$", done.stdout.decode().lower(), re.MULTILINE))
    body = (tmp_path / "push.json").read_bytes()
    (push,) = plugin.scm_read_push(headers=headers, body=body, secret="s3cret")
    assert (push.repository, push.ref, len(push.commits[0].changes)) == ("team/app", "refs/heads/main", 2)
