"""Webhooks that the service registers at code hosts, and deliveries to the common address of a provider."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from httpx2 import Response

import factories
from api import PLUGINS_TOML, ApiClient, open_api
from hosting import candidate
from plugins.webhook_forge import APP_SECRET, delivery, forge
from scmhost.admin.background import run_due_jobs
from scmhost.plugins import ConfigError
from scmhost.sdk import ProviderError, Push

URL = "https://scmhost.example.com/base"
FORGE = candidate("webhook_forge", "plugins.webhook_forge")
TABLE = "[plugins.webhook_forge]\nenabled = true\n"
CONFIG = PLUGINS_TOML.replace("[host]\n", f'[host]\nurl = "{URL}/"\n') + TABLE


@pytest.fixture
def hooked(tmp_path: Path) -> Iterator[ApiClient]:
    """A service with a public address, and a provider whose plugin registers webhooks. No background work runs."""
    with open_api(tmp_path, CONFIG, more=[FORGE], background=False) as opened:
        forge.reset()
        yield opened


def install(api: ApiClient) -> dict[str, Any]:
    answer = api.post("integrations/", {"provider": "webhook_forge"})
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


def claim(api: ApiClient, installation: dict[str, Any], name: str = "team/app") -> dict[str, Any]:
    body = {"provider": "integrations:webhook_forge", "installation": installation["id"], "identifier": name}
    answer = api.post("repos/", body)
    assert answer.status_code == 201, answer.text
    claimed: dict[str, Any] = answer.json()
    return claimed


def deliver(api: ApiClient, *pushes: Push, secret: str = APP_SECRET, **fields: str) -> Response:
    headers, body = delivery(secret, *pushes, **fields)
    return api.client.post("/hooks/provider/webhook_forge/", content=body, headers=headers)


def test_state_of_the_webhook_is_part_of_a_repository(hooked: ApiClient) -> None:
    """In the answer to the claim, in lists and alone; a repository of another provider has none."""
    repository = claim(hooked, install(hooked))
    assert repository["webhook"] == {"state": "pending", "reason": None}
    run_due_jobs(hooked.services)
    free = hooked.repository("team/free", None)
    shown = {each["name"]: each.get("webhook") for each in hooked.get("repos/").json()}
    assert shown == {"team/app": {"state": "registered", "reason": None}, "team/free": None}
    assert "webhook" not in hooked.get(f"repos/{free['id']}/").json()
    hidden = hooked.put(f"repos/{repository['id']}/", {"status": "hidden"}).json()
    assert "webhook" not in hidden


def test_failure_is_shown_with_its_reason(hooked: ApiClient) -> None:
    """The claim succeeds; the reason is the plugin's text."""
    repository = claim(hooked, install(hooked))
    forge.error = ProviderError("The token may not change webhooks.")
    run_due_jobs(hooked.services)
    shown = hooked.get(f"repos/{repository['id']}/").json()["webhook"]
    assert shown == {"state": "failed", "reason": "The token may not change webhooks"}


def test_address_is_the_public_one(hooked: ApiClient) -> None:
    """With ``host.url``, it does not depend on the request, which a proxy may have changed."""
    installation = install(hooked)
    claim(hooked, installation)
    run_due_jobs(hooked.services)
    address = f"{URL}/hooks/{installation['id']}/"
    assert [each for each, _ in forge.webhooks.values()] == [address]
    assert hooked.get(f"integrations/{installation['id']}/webhook/").json()["url"] == address


def test_webhooks_are_listed_and_registered_again_on_demand(hooked: ApiClient) -> None:
    """The list has those that are to be removed, too."""
    installation = install(hooked)
    path = f"integrations/{installation['id']}/webhook/repositories/"
    repositories = [claim(hooked, installation, name) for name in ("a", "b")]
    run_due_jobs(hooked.services)
    hooked.put(f"repos/{repositories[1]['id']}/", {"integrationId": None})
    asked = hooked.post(path, None)
    expected = [
        {
            "state": "pending",
            "reason": None,
            "repositoryId": each["id"],
            "repositoryName": each["name"],
            "wanted": wanted,
        }
        for each, wanted in zip(repositories, (True, False), strict=True)
    ]
    assert (asked.status_code, asked.json(), hooked.get(path).json()) == (202, expected, expected)
    run_due_jobs(hooked.services)
    assert [(each["repositoryName"], each["state"]) for each in hooked.get(path).json()] == [("a", "registered")]


def test_registration_is_refused_where_it_cannot_work(hooked: ApiClient) -> None:
    """An unknown installation is 404, and one whose plugin registers no webhooks is 409; reading needs a scope."""
    custom = hooked.install()
    assert hooked.get(f"integrations/{custom['id']}/webhook/repositories/").json() == []
    refused = hooked.post(f"integrations/{custom['id']}/webhook/repositories/", None)
    assert (refused.status_code, "does not register webhooks" in refused.json()["detail"]) == (409, True)
    for method in ("GET", "POST"):
        assert hooked.call(method, "integrations/999/webhook/repositories/").status_code == 404
        token = hooked.token("org:ci")
        path = f"integrations/{custom['id']}/webhook/repositories/"
        assert hooked.call(method, path, token=token).status_code == 403


def test_demand_without_a_public_address(tmp_path: Path) -> None:
    """The error names the setting; a claimed repository has no webhook."""
    with open_api(tmp_path, PLUGINS_TOML + TABLE, more=[FORGE], background=False) as api:
        installation = install(api)
        assert "webhook" not in claim(api, installation)
        refused = api.post(f"integrations/{installation['id']}/webhook/repositories/", None)
        assert (refused.status_code, "host.url" in refused.json()["detail"]) == (409, True)


def test_delivery_to_the_common_address(hooked: ApiClient) -> None:
    """Its commits are saved as those of a delivery to the address of the installation."""
    claim(hooked, install(hooked))
    push = Push(repository="team/app", commits=(factories.draft(1),))
    answer = deliver(hooked, push)
    assert (answer.status_code, answer.json()["repositories"][0]["new"]) == (200, 1)
    assert deliver(hooked, push).json()["repositories"][0]["new"] == 0


def test_answers_of_the_common_address(hooked: ApiClient) -> None:
    """Only a signed delivery shows whether an installation is here, and it shows that to the code host alone."""
    claim(hooked, install(hooked))
    push = Push(repository="team/app", commits=(factories.draft(1),))
    known, unknown = (deliver(hooked, push, secret="a guess", group=group) for group in ("team", "nobody"))
    assert (known.status_code, known.json()) == (unknown.status_code, unknown.json())
    assert known.status_code == 401
    ignored, ping = deliver(hooked, push, group="nobody"), deliver(hooked, event="ping", secret="")
    assert (ignored.status_code, ignored.json()) == (ping.status_code, ping.json())
    assert (ping.status_code, ping.json()["repositories"]) == (202, [])
    assert "ignored" in ping.json()["notes"][0]


@pytest.mark.parametrize("provider", ["custom_scm", "nobody", "%00", "%ED%A0%80", "a" * 2000])
def test_provider_without_a_common_address(hooked: ApiClient, provider: str) -> None:
    """The answer is 404, for a provider that is on, too."""
    assert hooked.client.post(f"/hooks/provider/{provider}/", content=b"{}").status_code == 404


def test_bad_deliveries_to_the_common_address(hooked: ApiClient) -> None:
    """Malformed bodies are 400 with ``detail``."""
    claim(hooked, install(hooked))
    for body in (b"", b"[]", b"\xff\xfe", b'{"group": {}}', b'{"group": "' + b"x" * 100 + b'"}'):
        answer = hooked.client.post("/hooks/provider/webhook_forge/", content=body, headers={"X-Event": "push"})
        assert (answer.status_code, list(answer.json())) == (400, ["detail"]), body


def test_large_delivery_to_the_common_address(tmp_path: Path) -> None:
    """The limit of bodies is that of all routes."""
    limited = CONFIG.replace("[plugins.custom_scm]", "[limits]\nbody_bytes = 1024\n[plugins.custom_scm]")
    with open_api(tmp_path, limited, more=[FORGE], background=False) as api:
        assert api.client.post("/hooks/provider/webhook_forge/", content=b"x" * 2000).status_code == 413


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("ftp://scmhost.example.com", "http"),
        ("https://", "host"),
        ("https://user:secret@scmhost.example.com", "user"),
        ("https://scmhost.example.com/?a=1", "query"),
        ("https://scmhost.example.com/#a", "fragment"),
    ],
)
def test_public_address_is_checked(tmp_path: Path, url: str, problem: str) -> None:
    """A wrong one is an error of the configuration, which names the key."""
    config = PLUGINS_TOML.replace("[host]\n", f'[host]\nurl = "{url}"\n')
    with pytest.raises(ConfigError, match=problem) as error, open_api(tmp_path, config):
        pass
    assert error.value.problems[0].key == "host.url"
