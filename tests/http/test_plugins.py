"""The plugins of the host over HTTP: who may see them, and what is shown."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api import PLUGINS_TOML, ApiClient, open_api
from hosting import candidate
from installed import NOT_CONFIGURED
from scmhost.admin.bootstrap import bootstrap

MORE = """\
[plugins.faulty]
enabled = true
default = true
breaker = { faults = 1 }
[plugins.broken]
enabled = true
settings = { region = "Europe", token = "hunter2-hunter2" }
[plugins.leaky]
enabled = true
settings = { api_token = "hunter2-hunter2", pass_phrase = "hunter2-hunter2", region = "Europe" }
"""
CANDIDATES = [
    candidate("faulty", "plugins.faulty"),
    candidate("broken", "plugins.fails_at_import"),
    candidate("leaky", "plugins.leaky"),
]


@pytest.fixture
def api(tmp_path: Path) -> Iterator[ApiClient]:
    """An API with plugins in several states."""
    with open_api(tmp_path, PLUGINS_TOML + MORE, more=CANDIDATES) as opened:
        yield opened


def plugins(api: ApiClient) -> dict[str, dict[str, Any]]:
    answer = api.get("/api/0/plugins/")
    assert answer.status_code == 200, answer.text
    return {plugin["name"]: plugin for plugin in answer.json()}


def test_plugin_list_shows_state_reason_and_calls(api: ApiClient) -> None:
    """A plugin has its state, its reason, its calls and its suspensions."""
    api.post("integrations/", {"provider": "faulty"})
    found = plugins(api)
    assert {name: plugin["state"] for name, plugin in found.items()} == {
        "custom_scm": "ready",
        "faulty": "suspended",
        "broken": "broken",
        "leaky": "ready",
        **dict.fromkeys(NOT_CONFIGURED, "off"),
    }
    (hook,) = [hook for hook in found["faulty"]["hooks"] if hook["name"] == "scm_install"]
    assert (hook["calls"], hook["faults"], hook["refusals"], hook["slowestMs"] > 0) == (1, 1, 0, True)
    (suspension,) = found["faulty"]["suspensions"]
    assert (suspension["hook"], suspension["faults"], suspension["nextTry"][-1]) == ("scm_install", 1, "Z")
    assert "nothing_of_this_name" in found["broken"]["reason"]
    assert (found["broken"]["hooks"][0]["name"], found["broken"]["providers"]) == ("import", [])
    assert api.get("/api/0/plugins/faulty/").json() == plugins(api)["faulty"]


def test_plugin_list_hides_secrets(api: ApiClient) -> None:
    """Secrets are hidden for loaded and for other plugins, and in the text of faults."""
    refused = api.post("integrations/", {"provider": "leaky"})
    assert (refused.status_code, "Europe refused (hidden)" in refused.json()["detail"]) == (502, True)
    text = api.get("/api/0/plugins/").text
    assert ("hunter2" in text, "Europe" in text) == (False, True)
    assert plugins(api)["leaky"]["settings"]["api_token"] == "(hidden)"
    assert "not shown" in plugins(api)["broken"]["settings"]["region"]


def test_only_operators_see_plugins(api: ApiClient, tmp_path: Path) -> None:
    """Other organizations get 403 with the key that allows them; the file may name ids or slugs."""
    rival = bootstrap(api.services, "rival", "web")
    for path in ("/api/0/plugins/", "/api/0/plugins/custom_scm/", "/api/0/plugins/none/"):
        answer = api.get(path, token=rival.token)
        assert (answer.status_code, "operators under [host]" in answer.json()["detail"]) == (403, True)
    by_id = PLUGINS_TOML.replace('["acme"]', f"[{rival.organization.id}]", 1)
    with open_api(tmp_path, by_id, f"sqlite:///{tmp_path}/test.db") as other:
        assert other.get("/api/0/plugins/", token=rival.token).status_code == 200
        assert other.get("/api/0/plugins/", token=api.there.token).status_code == 403


def test_only_organization_sees_plugins_when_no_operator_is_set(tmp_path: Path) -> None:
    """A single organization is the operator; of several, none is by default."""
    silent = PLUGINS_TOML.replace('operators = ["acme"]\n', "")
    with open_api(tmp_path, silent) as api:
        assert api.get("/api/0/plugins/").status_code == 200
        bootstrap(api.services, "rival", "web")
        assert api.get("/api/0/plugins/").status_code == 403


def test_unknown_name_suggests_nearest_name(api: ApiClient) -> None:
    """A typo is 404 with a hint."""
    answer = api.get("/api/0/plugins/custom_scn/")
    assert (answer.status_code, "did you mean 'custom_scm'?" in answer.json()["detail"]) == (404, True)
