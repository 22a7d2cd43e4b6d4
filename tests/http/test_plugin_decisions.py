"""The decisions of a plugin about repositories, and how the host applies them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from httpx2 import Response

from api import PLUGINS_TOML, ApiClient, open_api
from hosting import candidate

URL = "https://git.example.com/team/new"


@pytest.fixture
def api(tmp_path: Path) -> Iterator[ApiClient]:
    """An API with a plugin whose decisions a test selects."""
    configuration = PLUGINS_TOML + "[plugins.chooser]\nenabled = true\n"
    with open_api(tmp_path, configuration, more=[candidate("chooser", "plugins.chooser")]) as opened:
        yield opened


def add(api: ApiClient, identifier: str, **fields: str) -> Response:
    known = api.get("integrations/").json()
    installation = known[0] if known else api.post("integrations/", {"provider": "chooser"}).json()
    return api.post(
        "repos/", {"provider": "chooser", "installation": installation["id"], **fields, "identifier": identifier}
    )


def test_a_new_repository_belongs_to_the_installation(api: ApiClient) -> None:
    """``Create`` saves a repository that is claimed from the start."""
    made = add(api, "team/new", new=URL)
    assert made.status_code == 201
    assert (made.json()["provider"]["id"], made.json()["externalId"]) == ("integrations:chooser", "x")
    assert made.json()["url"] == URL


def test_taken_external_id_or_name_is_a_conflict(api: ApiClient) -> None:
    """The same external id, or a name that is taken, is a conflict and changes nothing."""
    add(api, "team/new", new=URL)
    assert add(api, "team/other", new=URL).status_code == 409
    assert [item["name"] for item in api.get("repos/").json()] == ["team/new"]


def test_claim_without_repository_is_refused(api: ApiClient) -> None:
    """``Claim`` without a candidate saves nothing."""
    answer = add(api, "nobody")
    assert (answer.status_code, answer.json()["detail"]) == (404, "The plugin claims a repository that does not exist.")


def test_an_external_id_that_is_taken_is_not_claimed(api: ApiClient) -> None:
    """Two repositories of a provider never share an external id."""
    add(api, "team/new", new=URL)
    api.repository("team/app")
    assert add(api, "team/app").status_code == 409
    assert api.get("repos/", params={"query": "app"}).json()[0]["integrationId"] is None


def test_the_same_installation_twice_is_a_conflict(api: ApiClient) -> None:
    """An external id names one installation."""
    first, again = (api.post("integrations/", {"provider": "chooser"}).status_code for _ in range(2))
    assert (first, again) == (201, 409)


def test_a_provider_without_configuration_has_nothing_to_configure(api: ApiClient) -> None:
    """The request is refused, and nothing is saved."""
    made = api.post("integrations/", {"provider": "chooser"}).json()
    assert api.post(f"integrations/{made['id']}/", {"a": 1}).status_code == 400


def test_offers_come_in_pages(api: ApiClient) -> None:
    """The number of offers in an answer is bounded; header and body lead to the others, and nothing is lost."""
    made = api.post("integrations/", {"provider": "chooser"}).json()
    path = f"integrations/{made['id']}/repos/"
    names: list[str] = []
    cursor: str | None = ""
    answer = api.get(path, params={"search": "offer"})
    assert len(answer.json()["repos"]) == 1_000
    while cursor is not None:
        answer = api.get(path, params={"search": "offer", "cursor": cursor})
        names += [offer["name"] for offer in answer.json()["repos"]]
        cursor = answer.json()["nextCursor"]
        exists = str(cursor is not None).lower()
        assert f'rel="next"; results="{exists}"; cursor="{cursor or ""}"' in answer.headers["Link"]
        assert f"search=offer&cursor={cursor or ''}>" in answer.headers["Link"]
    assert names == [f"offer {number}" for number in range(2_000)]


def test_malformed_cursor_is_refused(api: ApiClient) -> None:
    """The answer names the field."""
    made = api.post("integrations/", {"provider": "chooser"}).json()
    answer = api.get(f"integrations/{made['id']}/repos/", params={"cursor": "0:100:0"})
    assert (answer.status_code, "cursor" in answer.json()) == (400, True)


@pytest.mark.parametrize("installable_only", ["true", "false"])
def test_claimed_repositories_are_not_offered(api: ApiClient, installable_only: str) -> None:
    """Repositories of the installation are not offered again, for both values of ``installableOnly``."""
    made = api.post("integrations/", {"provider": "chooser"}).json()
    add(api, "offer 7", new=URL)
    offers = api.get(f"integrations/{made['id']}/repos/", params={"installableOnly": installable_only}).json()["repos"]
    assert "offer 7" not in [offer["name"] for offer in offers]
    assert len(offers) == 1_000
