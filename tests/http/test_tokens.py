from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from house import House
from scmhost.usecases.bootstrap import bootstrap
from scmhost.usecases.scopes import ALL_SCOPES, SCOPES
from scmhost.usecases.tokens import create_token, list_tokens, revoke_token

PATHS = ["repos/", "projects/", "integrations/", "config/integrations/", "releases/", "code-mappings/"]


@pytest.mark.parametrize("path", PATHS)
def test_without_a_token_there_is_nothing(house: House, path: str) -> None:
    """No token is 401, with a sentence."""
    answer = house.client.get(f"/api/0/organizations/acme/{path}")
    assert (answer.status_code, list(answer.json())) == (401, ["detail"])
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("token", ["x", "scmhost_1_" + "a" * 43, "scmhost_99_" + "a" * 43, "sntrys_x", "é"])
def test_a_wrong_token_is_401(house: House, token: str) -> None:
    """An unknown or malformed token opens nothing."""
    headers = {"Authorization": f"Bearer {token}".encode()}
    assert house.client.get("/api/0/organizations/acme/repos/", headers=headers).status_code == 401


def test_a_revoked_token_is_worthless_at_once(house: House) -> None:
    """Revoking takes effect with the next request."""
    token, text = create_token(house.services, house.there.organization, "ci", ["org:read"])
    assert house.get("repos/", token=text).status_code == 200
    revoke_token(house.services, house.there.organization, token.id)
    answer = house.get("repos/", token=text)
    assert (answer.status_code, "revoked" in answer.json()["detail"]) == (401, True)


def test_an_expired_token_is_worthless(house: House) -> None:
    """A token is valid up to its time."""
    past = datetime.now(UTC) - timedelta(seconds=1)
    _, text = create_token(house.services, house.there.organization, "old", ["org:read"], past)
    assert house.get("repos/", token=text).status_code == 401


def test_the_secret_is_stored_nowhere(house: House) -> None:
    """The database holds a digest; the listing shows four characters."""
    secret = house.there.token
    database = Path(house.host.settings.host.database_url.removeprefix("sqlite:///"))
    stored = b"".join(file.read_bytes() for file in database.parent.glob("test.db*"))
    assert secret.encode() not in stored
    assert [token.hint for token in list_tokens(house.services, house.there.organization)] == [secret[-4:]]


@pytest.mark.parametrize("path", PATHS)
def test_another_organizations_token_sees_nothing(house: House, path: str) -> None:
    """A token opens its own organization only."""
    other = bootstrap(house.services, "rival", "web")
    assert house.get(path, token=other.token).status_code == 404


def test_another_organizations_objects_are_404(house: House) -> None:
    """An id of one organization finds nothing in another."""
    repository, installation = house.claimed()
    mapping = house.mapping(repository, installation).json()
    other = bootstrap(house.services, "rival", "web")
    base = "/api/0/organizations/rival/"
    for path in (
        f"repos/{repository['id']}/",
        f"repos/{repository['id']}/commits/",
        f"integrations/{installation['id']}/",
        f"integrations/{installation['id']}/repos/",
    ):
        assert house.get(base + path, token=other.token).status_code == 404
    assert house.delete(f"{base}code-mappings/{mapping['id']}/", token=other.token).status_code == 404
    assert house.get(base + "repos/", token=other.token).json() == []


MATRIX = [
    ("organization", "GET", "projects/"),
    ("project", "POST", "projects/"),
    ("integrations", "GET", "integrations/"),
    ("integrations", "POST", "integrations/"),
    ("integrations", "GET", "repos/1/"),
    ("integrations", "PUT", "repos/1/"),
    ("integrations", "DELETE", "repos/1/"),
    ("loose", "GET", "repos/"),
    ("loose", "POST", "repos/"),
    ("loose", "GET", "code-mappings/"),
    ("loose", "POST", "code-mappings/"),
    ("loose", "PUT", "code-mappings/1/"),
    ("loose", "DELETE", "code-mappings/1/"),
    ("organization", "GET", "config/integrations/"),
    ("organization", "GET", "repos/1/commits/"),
    ("releases", "GET", "releases/"),
    ("releases", "POST", "releases/"),
    ("releases", "PUT", "releases/1/"),
    ("releases", "DELETE", "releases/1/"),
    ("releases", "GET", "releases/1/commits/"),
    ("releases", "POST", "commits/"),
    ("project", "GET", "/api/0/projects/acme/web/stacktrace-link/"),
]


@pytest.mark.parametrize(("scope_class", "method", "path"), MATRIX, ids=lambda value: str(value).strip("/"))
def test_each_scope_opens_what_the_table_says(house: House, scope_class: str, method: str, path: str) -> None:
    """For every scope: 403 exactly where the table does not list it."""
    for scope in ALL_SCOPES:
        answer = house.call(method, path, token=house.token(scope), json={} if method in ("POST", "PUT") else None)
        listed = scope in SCOPES[scope_class][method]
        assert (answer.status_code != 403) is listed, (scope, answer.text)
