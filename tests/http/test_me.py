"""The first requests of clients: index, token, organizations and projects."""

from pathlib import Path

import pytest

from api import PLUGINS_TOML, ApiClient, open_api


def test_client_can_read_its_identity(api: ApiClient) -> None:
    """The token has the shape of a user, with its scopes."""
    token = api.token("org:ci")
    index = api.get("/api/0/", token=token).json()
    assert index["auth"] == {"scopes": ["org:ci"]}
    assert index["user"] == api.get("/api/0/auth/", token=token).json()
    assert (index["user"]["name"], type(index["user"]["id"])) == ("test", str)


def test_api_index_needs_no_token(api: ApiClient) -> None:
    """The index is answered without a token, but not with a wrong one."""
    assert api.client.get("/api/0/").json()["user"] is None
    assert api.client.get("/api/0/", headers={"Authorization": "Bearer wrong"}).status_code == 401


def test_a_token_sees_its_own_organization(api: ApiClient) -> None:
    """The list has one organization, on one page."""
    (mine,) = api.get("/api/0/organizations/").json()
    assert (mine["slug"], mine["isEarlyAdopter"], mine["require2FA"], mine["features"]) == ("acme", False, False, [])
    assert api.get("/api/0/organizations/acme/").json() == mine
    assert api.get("/api/0/organizations/", params={"cursor": "0:100:0"}).json() == []


def test_a_project_is_shown_by_slug_and_id(api: ApiClient) -> None:
    """Both name the same project."""
    by_slug = api.get("/api/0/projects/acme/web/").json()
    assert by_slug == api.get(f"/api/0/projects/1/{by_slug['id']}/").json()
    assert api.get("/api/0/projects/acme/none/").status_code == 404


def test_an_organization_has_the_address_of_the_service(api: ApiClient, tmp_path: Path) -> None:
    """Clients send their requests to it: the configured one, or else the one that they have used."""
    assert api.get("/api/0/organizations/acme/").json()["links"] == {
        "organizationUrl": "http://testserver/api/0/organizations/acme/",
        "regionUrl": "http://testserver",
    }
    config = PLUGINS_TOML.replace("[host]\n", '[host]\nurl = "https://scmhost.example/base/"\n')
    with open_api(tmp_path, config) as named:
        (mine,) = named.get("/api/0/organizations/").json()
    assert mine["links"]["regionUrl"] == "https://scmhost.example/base"


def test_a_project_has_its_organization_and_the_scopes_of_the_token(api: ApiClient) -> None:
    """Lists and single projects have the same keys; only ``team`` is absent where it would be null."""
    token = api.token("project:read", "org:read")
    shown = api.get("/api/0/projects/acme/web/", token=token).json()
    (listed,) = api.get("projects/", token=token).json()
    assert listed.pop("team", "absent") is None
    assert shown == listed
    assert shown["access"] == ["org:read", "project:read"]
    assert shown["organization"] == api.get("/api/0/organizations/acme/").json()
    flags = {name: shown[name] for name in ("isBookmarked", "isMember", "hasAccess", "hasInsightsMCP")}
    assert flags == {"isBookmarked": False, "isMember": True, "hasAccess": True, "hasInsightsMCP": False}


@pytest.mark.parametrize(
    ("name", "slug"),
    [("The API", "the-api"), ("Büro & Co.", "buro-co"), ("web", "web"), ("x" * 80, "x" * 50), ("-a_b-", "a_b")],
)
def test_a_project_without_a_slug_gets_one_from_its_name(api: ApiClient, name: str, slug: str) -> None:
    """As Sentry does it; the same name again is the same project."""
    made = api.post("projects/", {"name": name})
    assert (made.status_code, made.json()["slug"]) == (200 if slug == "web" else 201, slug)
    again = api.post("projects/", {"name": name})
    assert (again.status_code, again.json()["id"]) == (200, made.json()["id"])


@pytest.mark.parametrize("body", [{}, {"platform": "python"}, {"name": "電"}, {"name": "123"}, {"name": "--"}])
def test_a_project_needs_a_slug_or_a_name(api: ApiClient, body: dict[str, str]) -> None:
    """A name that gives no slug is refused, and nothing is created."""
    answer = api.post("projects/", body)
    assert (answer.status_code, list(answer.json())) == (400, ["slug"])
    assert [project["slug"] for project in api.get("projects/").json()] == ["web"]
