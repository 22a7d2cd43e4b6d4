"""What a plugin may decide, and what the host makes of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from httpx2 import Response

from hosting import candidate
from house import SWITCHBOARD, House, open_house

URL = "https://git.example.com/team/new"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A house with a plugin that decides as it is told."""
    switchboard = SWITCHBOARD + "[plugins.chooser]\nenabled = true\n"
    with open_house(tmp_path, switchboard, more=[candidate("chooser", "plugins.chooser")]) as opened:
        yield opened


def add(house: House, identifier: str, **fields: str) -> Response:
    known = house.get("integrations/").json()
    installation = known[0] if known else house.post("integrations/", {"provider": "chooser"}).json()
    return house.post(
        "repos/", {"provider": "chooser", "installation": installation["id"], **fields, "identifier": identifier}
    )


def test_a_new_repository_belongs_to_the_installation(house: House) -> None:
    """A decision to create makes a repository that is claimed from the start."""
    made = add(house, "team/new", new=URL)
    assert made.status_code == 201
    assert (made.json()["provider"]["id"], made.json()["externalId"]) == ("integrations:chooser", "x")
    assert made.json()["url"] == URL


def test_taken_external_id_or_name_is_a_conflict(house: House) -> None:
    """The same external id, or a name that is taken, is a conflict and changes nothing."""
    add(house, "team/new", new=URL)
    assert add(house, "team/other", new=URL).status_code == 409
    assert [item["name"] for item in house.get("repos/").json()] == ["team/new"]


def test_claim_without_repository_is_refused(house: House) -> None:
    """A plugin that claims what is not there gets nothing saved."""
    answer = add(house, "nobody")
    assert (answer.status_code, answer.json()["detail"]) == (404, "The plugin claims a repository that is not there.")


def test_an_external_id_that_is_taken_is_not_claimed(house: House) -> None:
    """Two repositories of a provider never share an external id."""
    add(house, "team/new", new=URL)
    house.repository("team/app")
    assert add(house, "team/app").status_code == 409
    assert house.get("repos/", params={"query": "app"}).json()[0]["integrationId"] is None


def test_the_same_installation_twice_is_a_conflict(house: House) -> None:
    """An external id names one installation."""
    first, again = (house.post("integrations/", {"provider": "chooser"}).status_code for _ in range(2))
    assert (first, again) == (201, 409)


def test_a_provider_without_configuration_has_nothing_to_configure(house: House) -> None:
    """The answer says so, and saves nothing."""
    made = house.post("integrations/", {"provider": "chooser"}).json()
    assert house.post(f"integrations/{made['id']}/", {"a": 1}).status_code == 400


def test_offers_are_limited(house: House) -> None:
    """A plugin that offers very much fills no memory of the client's."""
    made = house.post("integrations/", {"provider": "chooser"}).json()
    assert len(house.get(f"integrations/{made['id']}/repos/").json()["repos"]) == 1_000


@pytest.mark.parametrize("asked", ["true", "false"])
def test_claimed_repositories_are_not_offered(house: House, asked: str) -> None:
    """What this installation has already cannot be added again, so it is not offered, whatever a client asks for."""
    made = house.post("integrations/", {"provider": "chooser"}).json()
    add(house, "offer 7", new=URL)
    offers = house.get(f"integrations/{made['id']}/repos/", params={"installableOnly": asked}).json()["repos"]
    assert "offer 7" not in [offer["name"] for offer in offers]
    assert len(offers) == 1_000
