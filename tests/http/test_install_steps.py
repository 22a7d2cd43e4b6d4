"""Installations in steps over HTTP: begin, consent at the code host, callback, result."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest
from httpx2 import Response

from api import PLUGINS_TOML, ApiClient, open_api
from authorization_server import AuthorizationServer, authorization_server
from hosting import candidate
from plugins.stepped_forge import CLIENT_SECRET, script
from scmhost.infra.secret_box import new_key

FORGE: Final = candidate("stepped_forge", "plugins.stepped_forge")
ENABLED: Final = "[plugins.stepped_forge]\nenabled = true\ndefault = true\n"
URL: Final = "https://scmhost.example"


def configuration(*keys: str, url: str = URL) -> str:
    """Return plugins.toml with keys and the address of the service."""
    host = f"[host]\nsecret_keys = {json.dumps(keys)}\n" + (f'url = "{url}"' if url else "")
    return PLUGINS_TOML.replace("[host]", host) + ENABLED


@pytest.fixture
def forge() -> Iterator[AuthorizationServer]:
    with authorization_server(CLIENT_SECRET) as opened:
        yield opened


@pytest.fixture
def api(tmp_path: Path) -> Iterator[ApiClient]:
    script.reset()
    with open_api(tmp_path, configuration(new_key()), more=[FORGE], background=False) as opened:
        yield opened
    script.reset()


def begin(api: ApiClient, forge: AuthorizationServer, **fields: Any) -> Response:
    return api.post("integrations/", {"provider": "stepped_forge", "server": forge.url, **fields})


def consent(redirect: str) -> str:
    """Return the path and query of the callback to which the code host sends the browser of a person who consents."""
    answer = httpx2.get(redirect, follow_redirects=False, trust_env=False)
    assert answer.status_code == 302
    back = answer.headers["Location"]
    assert back.startswith(f"{URL}/hooks/install/stepped_forge/?")
    return str(back.removeprefix(URL))


def test_install_with_consent(api: ApiClient, forge: AuthorizationServer) -> None:
    """The person who follows the address gets a page with the result; the installation has its token and works."""
    answer = begin(api, forge)
    assert answer.status_code == 202, answer.text
    begun = answer.json()
    assert sorted(begun) == ["expiresAt", "id", "provider", "redirect"]
    path = f"integrations/pending/{begun['id']}/"
    assert (api.get(path).json()["status"], api.get("integrations/").json()) == ("waiting", [])
    page = api.client.get(consent(begun["redirect"]))
    assert (page.status_code, "Stepped Forge is installed" in page.text) == (200, True)
    shown = api.get(path).json()
    assert (shown["status"], shown["detail"]) == ("installed", None)
    made = api.get(f"integrations/{shown['integrationId']}/").json()
    assert (made["name"], made["configData"]) == ("ada", {"server": forge.url})
    offers = api.get(f"integrations/{made['id']}/repos/").json()
    assert [each["name"] for each in offers["repos"]] == ["ada/shop", "ada/cart"]
