from datetime import UTC, datetime, timedelta
from pathlib import Path

from house import House
from scmhost.admin.bootstrap import bootstrap
from scmhost.organizations.tokens import create_token, list_tokens, revoke_token


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
