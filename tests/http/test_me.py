"""The first requests of clients: index, token, organizations and projects."""

from api import ApiClient


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
