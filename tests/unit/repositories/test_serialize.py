"""Serialize repositories: a plugin shapes its own ones, and cannot spoil an answer."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from api import PLUGINS_TOML, open_api
from scmhost.repositories.claim import add_repository, create_repository, serialize_repositories, serialize_repository
from scmhost.sdk import AddRequest, ProviderUnavailable, Repository
from scripted_host import CONFIG, SCRIPTED, ScriptedHost, open_scripted


def claimed(scripted: ScriptedHost, name: str = "team/app") -> Repository:
    request = AddRequest(identifier=name, fields={})
    return add_repository(scripted.services, scripted.organization, "scripted", scripted.installation.id, request).saved


def shown(scripted: ScriptedHost, repository: Repository) -> dict[str, Any]:
    """The payload as an answer contains it."""
    payload = serialize_repository(scripted.services, scripted.organization, repository)
    answer: dict[str, Any] = json.loads(payload.model_dump_json())
    return answer


def test_unclaimed_repository_has_the_payload_of_the_host(scripted: ScriptedHost) -> None:
    """Its provider is the one that Sentry shows for repositories without a provider."""
    repository = create_repository(scripted.services, scripted.organization, "team/app")[0]
    answer = shown(scripted, repository)
    assert answer["provider"] == {"id": "unknown", "name": "Unknown Provider"}
    assert (answer["id"], answer["name"], answer["integrationId"], answer["idle"]) == (
        str(repository.id),
        "team/app",
        None,
        None,
    )


def test_plugin_shapes_its_repository(scripted: ScriptedHost) -> None:
    """The plugin may replace values and add fields, but not the id."""
    repository = claimed(scripted)
    scripted.script.serialize = lambda _repository: {"name": "App", "stars": [1, None], "id": "999"}
    answer = shown(scripted, repository)
    assert (answer["id"], answer["name"], answer["stars"]) == (str(repository.id), "App", [1, None])
    assert answer["idle"] is None


DEEP: dict[str, Any] = {}
for _ in range(2_000):
    DEEP = {"deep": DEEP}

BAD_PAYLOADS = {
    "half of a surrogate pair in a new field": {"more": "\ud800"},
    "half of a surrogate pair in a known field": {"name": "\udfff"},
    "half of a surrogate pair in a key": {"\ud800": 1},
    "half of a surrogate pair inside": {"externalSlug": {"a": ["\ud800"]}},
    "null for a required field": {"name": None},
    "another type": {"provider": "forge"},
    "very deep": DEEP,
    "no object": ["name"],
    "no JSON": {"more": object()},
    "nothing": None,
}


@pytest.mark.parametrize("payload", BAD_PAYLOADS.values(), ids=BAD_PAYLOADS)
def test_bad_payload_affects_its_repository_only(
    scripted: ScriptedHost, payload: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """The repository has the payload of the host, with the plugin's name in ``idle``; the others are as always."""
    bad, good = claimed(scripted, "bad"), claimed(scripted, "good")
    scripted.script.serialize = lambda repository: payload if repository.name == "bad" else {"shaped": True}
    first, second = serialize_repositories(scripted.services, scripted.organization, [bad, good])
    answer = json.loads(first.model_dump_json())
    assert answer["name"] == "bad"
    assert answer["idle"].startswith("The provider's plugin failed (scripted): ")
    assert set(answer) == {*type(first).model_fields}
    assert json.loads(second.model_dump_json())["shaped"] is True


@pytest.mark.parametrize("error", [RuntimeError("broken"), ProviderUnavailable("later"), ProviderUnavailable("")])
def test_failing_plugin_affects_its_repository_only(scripted: ScriptedHost, error: Exception) -> None:
    """An exception of the plugin is shown in ``idle``, whether or not it is one that hooks may raise."""

    def fail(_repository: Repository) -> None:
        raise error

    repository = claimed(scripted)
    scripted.script.serialize = fail
    assert shown(scripted, repository)["idle"].startswith("The provider's plugin failed (scripted): ")


@pytest.mark.parametrize("number", [math.nan, math.inf, 10**400])
def test_odd_numbers_can_be_sent(scripted: ScriptedHost, number: float) -> None:
    """A number that JSON does not have becomes null, and a long one stays."""
    repository = claimed(scripted)
    scripted.script.serialize = lambda _repository: {"number": number}
    payload = serialize_repository(scripted.services, scripted.organization, repository)
    assert payload.model_dump_json()


def test_provider_that_needs_a_url_is_hidden_without_one(scripted: ScriptedHost) -> None:
    """sentry-cli fails for the whole organization otherwise."""
    repository = claimed(scripted)
    provider = {"id": "integrations:github", "name": "GitHub"}
    scripted.script.serialize = lambda _repository: {"provider": provider, "url": None}
    assert shown(scripted, repository)["provider"] == {"id": "integrations:scripted", "name": "Scripted"}
    scripted.script.serialize = lambda _repository: {"provider": provider, "url": "https://forge.example/app"}
    assert shown(scripted, repository)["provider"] == provider


def test_idle_gives_the_reason_while_the_provider_is_off(tmp_path: Path) -> None:
    """The plugin is not called; the provider keeps its name."""
    with open_scripted(tmp_path) as on:
        repository = claimed(on)
    for config in (f"{CONFIG}deny = {{ organizations = ['acme'] }}\n", PLUGINS_TOML):
        with open_api(tmp_path, config, f"sqlite:///{tmp_path}/test.db", more=[SCRIPTED], background=False) as api:
            payload = serialize_repository(api.services, api.there.organization, repository)
        assert payload.idle
        assert payload.provider.id == "integrations:scripted"
