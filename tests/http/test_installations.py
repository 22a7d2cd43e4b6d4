import pytest

from house import House


def test_the_catalogue_lists_what_is_on(house: House) -> None:
    """The catalogue shows Custom SCM with its features and its form."""
    provider = house.get("config/integrations/").json()["providers"][0]
    assert provider["key"] == provider["slug"] == "custom_scm"
    assert provider["features"] == ["commits", "push-webhooks", "stacktrace-link"]
    assert {"name", "url", "preset"} <= set(provider["formSchema"]["properties"])
    assert provider["metadata"]["features"][0]["featureGate"] == "integrations-commits"


@pytest.mark.parametrize("query", [{"provider_key": "custom_scm"}, {"providerKey": "custom_scm"}])
def test_the_catalogue_can_be_asked_for_one(house: House, query: dict[str, str]) -> None:
    """Both spellings of the parameter find the provider."""
    assert len(house.get("config/integrations/", params=query).json()["providers"]) == 1


def test_an_unknown_provider_is_not_in_the_catalogue(house: House) -> None:
    """Nothing left is 404, in Sentry's words."""
    answer = house.get("config/integrations/", params={"provider_key": "nobody"})
    assert (answer.status_code, answer.json()) == (404, {"detail": "Providers do not exist"})


@pytest.mark.parametrize("url", ["https://git.example.com", "https://git.example.com/", "https://git.example.com//"])
def test_base_url_and_name_are_joined_with_one_slash(house: House, url: str) -> None:
    """However the base URL ends, the joint is one slash."""
    assert house.install(url=url)["domainName"] == "https://git.example.com/team"


def test_answer_contains_whole_installation(house: House) -> None:
    """Installing answers with the installation, which can be read again and listed."""
    made = house.install(preset="gitea")
    assert made["provider"]["key"] == "custom_scm"
    assert made["configData"] == {"preset": "gitea"}
    assert made["status"] == made["organizationIntegrationStatus"] == "active"
    assert made["organizationId"] == house.there.organization.id
    assert len(made["externalId"]) == 32
    assert house.get(f"integrations/{made['id']}/").json() == made
    assert house.get("integrations/").json() == [made]


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
def test_a_wrong_form_is_refused_by_field(house: House, fields: dict[str, object], field: str) -> None:
    """The plugin's own form checks what a person typed; nothing is installed."""
    body = {"provider": "custom_scm", "name": "team", "url": "https://git.example.com/", **fields}
    answer = house.post("integrations/", body)
    assert answer.status_code == 400, answer.text
    assert list(answer.json()) == [field]
    assert house.get("integrations/").json() == []


@pytest.mark.parametrize(("body", "status"), [({}, 400), ({"provider": 5}, 400), ({"provider": "nobody"}, 404)])
def test_a_provider_must_be_named(house: House, body: dict[str, object], status: int) -> None:
    """Without a provider, or with an unknown one, nothing is installed."""
    assert house.post("integrations/", body).status_code == status


def test_the_configuration_can_be_changed(house: House) -> None:
    """Another preset takes effect; an unknown one changes nothing."""
    made = house.install(preset="gitea")
    path = f"integrations/{made['id']}/"
    assert house.post(path, {"preset": "nonsense"}).status_code == 400
    assert house.get(path).json() == made
    assert house.post(path, {"preset": "cgit"}).json()["configData"] == {"preset": "cgit"}


def test_deleting_an_installation_leaves_its_repositories_unclaimed(house: House) -> None:
    """Uninstalling loses no repository; each can be claimed again."""
    repository, installation = house.claimed()
    assert house.delete(f"integrations/{installation['id']}/").status_code == 204
    assert house.delete(f"integrations/{installation['id']}/").status_code == 404
    assert house.get(f"repos/{repository['id']}/").json()["integrationId"] is None
    assert house.claim(repository, house.install()).status_code == 201


def test_the_feature_filter_comes_before_paging(house: House) -> None:
    """A page is never short because of a filter."""
    for number in range(3):
        house.install(name=f"team{number}")
    listed = house.get("integrations/", params={"features": "STACKTRACE_LINK", "per_page": 2}).json()
    assert [item["name"] for item in listed] == ["team0", "team1"]
    assert house.get("integrations/", params={"features": "codeowners"}).json() == []


def test_configuration_may_be_left_out(house: House) -> None:
    """``includeConfig=0`` keeps the configuration to itself."""
    house.install()
    assert house.get("integrations/", params={"includeConfig": "0"}).json()[0]["configData"] is None
