"""The audit log: who changed what in an organization."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api import ApiClient, open_api
from endpoints import ENDPOINTS, Endpoint, PopulatedHost, open_populated
from scmhost.admin.bootstrap import bootstrap
from scmhost.audit.queries import ACTIONS
from scmhost.organizations.tokens import create_token, revoke_token


@pytest.fixture
def api(tmp_path: Path) -> Iterator[ApiClient]:
    with open_api(tmp_path, background=False) as opened:
        yield opened


def entries(api: ApiClient, **query: Any) -> list[dict[str, Any]]:
    """Return the entries, the newest first."""
    rows: list[dict[str, Any]] = api.get("audit-logs/", params=query).json()["rows"]
    return rows


def newest_entries(api: ApiClient, count: int) -> list[tuple[str, str]]:
    """Return the newest entries: each one's event and the name of its target."""
    return [(entry["event"], entry["note"]) for entry in entries(api)[:count]]


def test_user_actions_are_audited(api: ApiClient) -> None:
    """Each change has an entry, and the entries are in the order of the changes."""
    repository, installation = api.claimed()
    here = f"repos/{repository['id']}/"
    api.put(here, {"name": "team/app2"})
    api.put(here, {"integrationId": None})
    api.put(here, {"integrationId": installation["id"]})
    api.delete(here)
    assert newest_entries(api, 7) == [
        ("repository.delete", "team/app2"),
        ("repository.claim", "team/app2"),
        ("repository.unclaim", "team/app2"),
        ("repository.edit", "team/app2"),
        ("repository.claim", "team/app"),
        ("repository.add", "team/app"),
        ("integration.add", "team"),
    ]


def test_installations_and_their_secrets(api: ApiClient) -> None:
    """Creating, changing and deleting are recorded without the values of fields and secrets."""
    here = f"integrations/{api.install()['id']}/"
    api.post(here, {"preset": "gitlab"})
    made = api.post(f"{here}webhook/", None).json()
    api.delete(f"{here}webhook/{made['secrets'][0]['id']}/")
    api.delete(here)
    assert newest_entries(api, 5) == [
        ("integration.remove", "team"),
        ("webhook-secret.delete", "team"),
        ("webhook-secret.create", "team"),
        ("integration.edit", "team"),
        ("integration.add", "team"),
    ]
    assert entries(api)[3]["data"] == {"fields": ["preset"]}
    assert made["secret"] not in json.dumps(entries(api))


def test_changes_of_mappings_and_deletions_of_releases_are_recorded(api: ApiClient) -> None:
    """Changes of single and of listed code mappings are recorded, and so are deletions of releases."""
    repository, installation = api.claimed()
    mapping = api.mapping(repository, installation).json()
    body = {"project": "web", "repository": "team/app", "mappings": [{"stackRoot": "/b/", "sourceRoot": "b/"}]}
    api.post("code-mappings/bulk/", body)
    api.post("code-mappings/bulk/", {**body, "defaultBranch": "main"})
    api.delete(f"code-mappings/{mapping['id']}/")
    api.post("projects/", {"slug": "api"})
    api.release("1.0", "web", "api")
    api.delete("/api/0/projects/acme/api/releases/1.0/")
    api.delete("releases/1.0/")
    assert newest_entries(api, 7) == [
        ("release.delete", "1.0"),
        ("release.delete", "1.0"),
        ("project.create", "api"),
        ("code-mapping.delete", "/srv/app/"),
        ("code-mapping.edit", "/b/"),
        ("code-mapping.create", "/b/"),
        ("code-mapping.create", "/srv/app/"),
    ]
    assert [entry["data"] for entry in entries(api)[:2]] == [{}, {"project": "api"}]


def test_created_and_revoked_tokens_are_recorded_without_secrets(api: ApiClient) -> None:
    """Creating or revoking a token is recorded once, without its secret."""
    token, text = create_token(api.services, api.there.organization, "ci", ["org:ci"])
    for _ in range(2):
        revoke_token(api.services, api.there.organization, token.id)
    assert newest_entries(api, 3) == [("token.revoke", "ci"), ("token.create", "ci"), ("token.create", "bootstrap")]
    assert entries(api)[1]["data"] == {"scopes": ["org:ci"]}
    assert text not in json.dumps(entries(api))


def test_audit_entry_names_the_actor(api: ApiClient) -> None:
    """An entry has the token's name and id, and the list can be filtered by the id."""
    token = api.token("org:write", "org:admin")
    api.call("POST", "repos/", json={"name": "team/lib"}, token=token)
    newest = entries(api)[0]
    assert newest["actor"]["name"] == "test"
    assert newest["targetObject"] is not None
    assert (newest["ipAddress"], newest["targetUser"]) == (None, None)
    own = entries(api, actor=newest["actor"]["id"])
    assert [entry["event"] for entry in own] == ["repository.add"]


def test_events_are_a_closed_list(api: ApiClient) -> None:
    """The answer has the names of all events. A filter by one of them is accepted, any other is 400."""
    assert api.get("audit-logs/").json()["options"] == list(ACTIONS)
    assert [entry["event"] for entry in entries(api, event="org.create")] == ["org.create"]
    answer = api.get("audit-logs/", params={"event": "org.destroy"})
    assert (answer.status_code, list(answer.json())) == (400, ["event"])


def test_organizations_do_not_see_each_other(api: ApiClient) -> None:
    """Each organization reads its own log, and needs org:admin for it."""
    rival = bootstrap(api.services, "rival", "web")
    own = api.get("/api/0/organizations/rival/audit-logs/", token=rival.token).json()["rows"]
    assert {entry["note"] for entry in own} == {"rival", "web", "bootstrap"}
    assert api.get("/api/0/organizations/rival/audit-logs/").status_code == 404
    assert api.get("audit-logs/", token=api.token("org:read", "org:write")).status_code == 403


def test_refused_change_is_not_noted(api: ApiClient) -> None:
    """Entry and change are one transaction: a rejected request saves neither."""
    api.claimed()
    before = entries(api)
    refused = [
        api.post("repos/", {"name": "team/app", "url": "https://git.example.com/other"}),
        api.delete("integrations/999/"),
        api.delete("releases/none/"),
        api.delete("code-mappings/999/"),
    ]
    assert {answer.status_code for answer in refused} <= {404, 409}
    assert entries(api) == before


CHANGING = [each for each in ENDPOINTS if each.method in ("PUT", "DELETE") and each.of_organization]


@pytest.mark.parametrize("endpoint", CHANGING, ids=lambda endpoint: endpoint.id)
def test_same_change_again_is_not_noted_again(tmp_path: Path, endpoint: Endpoint) -> None:
    """A repeated request that changes nothing adds no entry."""
    with open_populated(tmp_path) as populated:
        populated.send(endpoint)
        before = noted(populated)
        populated.send(endpoint)
        assert noted(populated) == before


def noted(populated: PopulatedHost) -> list[dict[str, Any]]:
    return entries(populated.api)
