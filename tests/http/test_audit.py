"""The audit log: who changed what in an organization."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from endpoints import ENDPOINTS, Endpoint, Furnished, furnished
from house import House, open_house
from scmhost.admin.bootstrap import bootstrap
from scmhost.audit.record import ACTIONS
from scmhost.organizations.tokens import create_token, revoke_token


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(tmp_path, background=False) as opened:
        yield opened


def entries(house: House, **query: Any) -> list[dict[str, Any]]:
    """The entries, the newest first."""
    rows: list[dict[str, Any]] = house.get("audit-logs/", params=query).json()["rows"]
    return rows


def told(house: House, count: int) -> list[tuple[str, str]]:
    """The newest entries, by event and the target's name."""
    return [(entry["event"], entry["note"]) for entry in entries(house)[:count]]


def test_what_people_do_is_noted(house: House) -> None:
    """Each change has its entry, in the order in which they were made."""
    repository, installation = house.claimed()
    here = f"repos/{repository['id']}/"
    house.put(here, {"name": "team/app2"})
    house.put(here, {"integrationId": None})
    house.put(here, {"integrationId": installation["id"]})
    house.delete(here)
    assert told(house, 7) == [
        ("repository.delete", "team/app2"),
        ("repository.claim", "team/app2"),
        ("repository.unclaim", "team/app2"),
        ("repository.edit", "team/app2"),
        ("repository.claim", "team/app"),
        ("repository.add", "team/app"),
        ("integration.add", "team"),
    ]


def test_installations_and_their_secrets(house: House) -> None:
    """What is set up, changed and taken away, without what the fields and secrets say."""
    here = f"integrations/{house.install()['id']}/"
    house.post(here, {"preset": "gitlab"})
    made = house.post(f"{here}webhook/", None).json()
    house.delete(f"{here}webhook/{made['secrets'][0]['id']}/")
    house.delete(here)
    assert told(house, 5) == [
        ("integration.remove", "team"),
        ("webhook-secret.delete", "team"),
        ("webhook-secret.create", "team"),
        ("integration.edit", "team"),
        ("integration.add", "team"),
    ]
    assert entries(house)[3]["data"] == {"fields": ["preset"]}
    assert made["secret"] not in json.dumps(entries(house))


def test_mappings_and_releases(house: House) -> None:
    """Code mappings one by one, those of a list too; a release, and a project's part in one."""
    repository, installation = house.claimed()
    mapping = house.mapping(repository, installation).json()
    body = {"project": "web", "repository": "team/app", "mappings": [{"stackRoot": "/b/", "sourceRoot": "b/"}]}
    house.post("code-mappings/bulk/", body)
    house.post("code-mappings/bulk/", {**body, "defaultBranch": "main"})
    house.delete(f"code-mappings/{mapping['id']}/")
    house.post("projects/", {"slug": "api"})
    house.release("1.0", "web", "api")
    house.delete("/api/0/projects/acme/api/releases/1.0/")
    house.delete("releases/1.0/")
    assert told(house, 7) == [
        ("release.delete", "1.0"),
        ("release.delete", "1.0"),
        ("project.create", "api"),
        ("code-mapping.delete", "/srv/app/"),
        ("code-mapping.edit", "/b/"),
        ("code-mapping.create", "/b/"),
        ("code-mapping.create", "/srv/app/"),
    ]
    assert [entry["data"] for entry in entries(house)[:2]] == [{}, {"project": "api"}]


def test_tokens(house: House) -> None:
    """A token that is made or revoked is noted once, and never shown."""
    token, text = create_token(house.services, house.there.organization, "ci", ["org:ci"])
    for _ in range(2):
        revoke_token(house.services, house.there.organization, token.id)
    assert told(house, 3) == [("token.revoke", "ci"), ("token.create", "ci"), ("token.create", "bootstrap")]
    assert entries(house)[1]["data"] == {"scopes": ["org:ci"]}
    assert text not in json.dumps(entries(house))


def test_entry_says_who(house: House) -> None:
    """A request is told by its token's name and id, which find all that the token did."""
    token = house.token("org:write", "org:admin")
    house.call("POST", "repos/", json={"name": "team/lib"}, token=token)
    newest = entries(house)[0]
    assert newest["actor"]["name"] == "test"
    assert newest["targetObject"] is not None
    assert (newest["ipAddress"], newest["targetUser"]) == (None, None)
    own = entries(house, actor=newest["actor"]["id"])
    assert [entry["event"] for entry in own] == ["repository.add"]


def test_events_are_a_closed_list(house: House) -> None:
    """The answer names all events; one of them narrows the list, any other is refused."""
    assert house.get("audit-logs/").json()["options"] == list(ACTIONS)
    assert [entry["event"] for entry in entries(house, event="org.create")] == ["org.create"]
    answer = house.get("audit-logs/", params={"event": "org.destroy"})
    assert (answer.status_code, list(answer.json())) == (400, ["event"])


def test_organizations_do_not_see_each_other(house: House) -> None:
    """Each organization reads its own log, and needs org:admin for it."""
    rival = bootstrap(house.services, "rival", "web")
    own = house.get("/api/0/organizations/rival/audit-logs/", token=rival.token).json()["rows"]
    assert {entry["note"] for entry in own} == {"rival", "web", "bootstrap"}
    assert house.get("/api/0/organizations/rival/audit-logs/").status_code == 404
    assert house.get("audit-logs/", token=house.token("org:read", "org:write")).status_code == 403


def test_refused_change_is_not_noted(house: House) -> None:
    """Entry and change are one transaction: what is refused leaves neither."""
    house.claimed()
    before = entries(house)
    refused = [
        house.post("repos/", {"name": "team/app", "url": "https://git.example.com/other"}),
        house.delete("integrations/999/"),
        house.delete("releases/none/"),
        house.delete("code-mappings/999/"),
    ]
    assert {answer.status_code for answer in refused} <= {404, 409}
    assert entries(house) == before


CHANGING = [each for each in ENDPOINTS if each.method in ("PUT", "DELETE") and each.of_organization]


@pytest.mark.parametrize("endpoint", CHANGING, ids=lambda endpoint: endpoint.id)
def test_same_change_again_is_not_noted_again(tmp_path: Path, endpoint: Endpoint) -> None:
    """Sent a second time, a request that then changes nothing leaves no second entry."""
    with furnished(tmp_path) as there:
        there.send(endpoint)
        before = noted(there)
        there.send(endpoint)
        assert noted(there) == before


def noted(there: Furnished) -> list[dict[str, Any]]:
    return entries(there.house)
