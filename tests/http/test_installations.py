import json
from pathlib import Path

import pytest
from sqlalchemy import text

from api import PLUGINS_TOML, ApiClient, open_api
from hosting import candidate


def test_the_catalogue_lists_what_is_on(api: ApiClient) -> None:
    """The catalogue shows Custom SCM with its features and its form."""
    provider = api.get("config/integrations/").json()["providers"][0]
    assert provider["key"] == provider["slug"] == "custom_scm"
    assert provider["features"] == ["commits", "push-webhooks", "stacktrace-link"]
    assert {"name", "url", "preset"} <= set(provider["formSchema"]["properties"])
    assert provider["metadata"]["features"][0]["featureGate"] == "integrations-commits"


@pytest.mark.parametrize("query", [{"provider_key": "custom_scm"}, {"providerKey": "custom_scm"}])
def test_the_catalogue_can_be_asked_for_one(api: ApiClient, query: dict[str, str]) -> None:
    """Both spellings of the parameter select a provider."""
    assert len(api.get("config/integrations/", params=query).json()["providers"]) == 1


def test_an_unknown_provider_is_not_in_the_catalogue(api: ApiClient) -> None:
    """An unknown provider is 404, with Sentry's text."""
    answer = api.get("config/integrations/", params={"provider_key": "nobody"})
    assert (answer.status_code, answer.json()) == (404, {"detail": "Providers do not exist"})


@pytest.mark.parametrize("url", ["https://git.example.com", "https://git.example.com/", "https://git.example.com//"])
def test_base_url_and_name_are_joined_with_one_slash(api: ApiClient, url: str) -> None:
    """With or without a slash at the end of the base URL, there is one slash."""
    assert api.install(url=url)["domainName"] == "https://git.example.com/team"


def test_answer_contains_whole_installation(api: ApiClient) -> None:
    """Installing answers with the installation, which can be read again and listed."""
    made = api.install(preset="gitea")
    assert made["provider"]["key"] == "custom_scm"
    assert made["configData"] == {"preset": "gitea"}
    assert made["status"] == made["organizationIntegrationStatus"] == "active"
    assert made["organizationId"] == api.there.organization.id
    assert len(made["externalId"]) == 32
    assert api.get(f"integrations/{made['id']}/").json() == made
    assert api.get("integrations/").json() == [made]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": None}, "name"),
        ({"url": "javascript:alert(1)"}, "url"),
        ({"url": "https://user:pw@git.example.com/"}, "url"),
        ({"url": "git.example.com"}, "url"),
        ({"url": 5}, "url"),
        ({"preset": "githbu"}, "preset"),
        ({"template": "{repo_url}/{nonsense}/{path}"}, "template"),
        ({"template": "{path}/x"}, "template"),
        ({"template": "javascript:{path}"}, "template"),
        ({"template": "https://h.example/x"}, "template"),
        ({"unheard": "of"}, "unheard"),
    ],
)
def test_a_wrong_form_is_refused_by_field(api: ApiClient, fields: dict[str, object], field: str) -> None:
    """The plugin's form validates the fields, and nothing is installed."""
    body = {"provider": "custom_scm", "name": "team", "url": "https://git.example.com/", **fields}
    answer = api.post("integrations/", body)
    assert answer.status_code == 400, answer.text
    assert list(answer.json()) == [field]
    assert api.get("integrations/").json() == []


@pytest.mark.parametrize(("body", "status"), [({}, 400), ({"provider": 5}, 400), ({"provider": "nobody"}, 404)])
def test_a_provider_must_be_named(api: ApiClient, body: dict[str, object], status: int) -> None:
    """Without a provider, or with an unknown one, nothing is installed."""
    assert api.post("integrations/", body).status_code == status


def test_the_configuration_can_be_changed(api: ApiClient) -> None:
    """Another preset takes effect; an unknown one is rejected."""
    made = api.install(preset="gitea")
    path = f"integrations/{made['id']}/"
    assert api.post(path, {"preset": "nonsense"}).status_code == 400
    assert api.get(path).json() == made
    assert api.post(path, {"preset": "cgit"}).json()["configData"] == {"preset": "cgit"}


def test_deleting_an_installation_leaves_its_repositories_unclaimed(api: ApiClient) -> None:
    """The repositories are kept, and can be claimed again."""
    repository, installation = api.claimed()
    assert api.delete(f"integrations/{installation['id']}/").status_code == 204
    assert api.delete(f"integrations/{installation['id']}/").status_code == 404
    assert api.get(f"repos/{repository['id']}/").json()["integrationId"] is None
    assert api.claim(repository, api.install()).status_code == 201


def test_the_feature_filter_comes_before_paging(api: ApiClient) -> None:
    """Filtered pages are full."""
    for number in range(3):
        api.install(name=f"team{number}")
    listed = api.get("integrations/", params={"features": "STACKTRACE_LINK", "per_page": 2}).json()
    assert [item["name"] for item in listed] == ["team0", "team1"]
    assert api.get("integrations/", params={"features": "codeowners"}).json() == []


def test_configuration_may_be_left_out(api: ApiClient) -> None:
    """With ``includeConfig=0`` the answer has no configuration."""
    api.install()
    assert api.get("integrations/", params={"includeConfig": "0"}).json()[0]["configData"] is None


def test_row_with_text_that_cannot_be_encoded_is_listed(api: ApiClient) -> None:
    """An installation whose stored metadata contains a lone surrogate is shown with a replacement character."""
    made = api.install()
    stored = json.dumps({"domain_name": "forge\ud800.example"})
    with api.services.store.write() as tx:
        tx.execute(text("UPDATE installations SET metadata = :stored, configuration = :stored"), {"stored": stored})
    for answer in (api.get("integrations/"), api.get(f"integrations/{made['id']}/")):
        assert answer.status_code == 200
        assert "forge\ufffd.example" in answer.text


def test_installation_that_cannot_be_encoded_is_refused(tmp_path: Path) -> None:
    """An installation with a lone surrogate is the plugin's fault. A form with one is shown in the catalogue."""
    switches = PLUGINS_TOML + "[plugins.scripted_forge]\nenabled = true\n"
    more = [candidate("scripted_forge", "plugins.scripted_forge")]
    with open_api(tmp_path, switches, more=more, background=False) as api:
        fields = {"provider": "scripted_forge", "name": "team", "answer": "surrogate in metadata"}
        answer = api.post("integrations/", fields)
        assert (answer.status_code, "scripted_forge" in answer.json()["detail"]) == (502, True)
        assert api.get("integrations/").json() == []
        assert len(api.get("config/integrations/").json()["providers"]) == 2
