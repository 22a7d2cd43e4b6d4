from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from api import PLUGINS_TOML, ApiClient, open_api
from scmhost.admin.bootstrap import bootstrap
from scmhost.infra.errors import InvalidInput
from scmhost.organizations.tokens import create_token, list_tokens, revoke_token, token_with_service


def test_revoked_token_is_refused_immediately(api: ApiClient) -> None:
    """The next request with the token is 401."""
    token, text = create_token(api.services, api.there.organization, "ci", ["org:read"])
    assert api.get("repos/", token=text).status_code == 200
    revoke_token(api.services, api.there.organization, token.id)
    answer = api.get("repos/", token=text)
    assert (answer.status_code, "revoked" in answer.json()["detail"]) == (401, True)


def test_expired_token_is_refused(api: ApiClient) -> None:
    """From its expiry time on a token is invalid."""
    past = datetime.now(UTC) - timedelta(seconds=1)
    _, text = create_token(api.services, api.there.organization, "old", ["org:read"], past)
    assert api.get("repos/", token=text).status_code == 401


def test_the_secret_is_stored_nowhere(api: ApiClient) -> None:
    """The database has a digest, and the list has the last four characters."""
    secret = api.there.token
    database = Path(api.host.settings.host.database_url.removeprefix("sqlite:///"))
    stored = b"".join(file.read_bytes() for file in database.parent.glob("test.db*"))
    assert secret.encode() not in stored
    assert [token.hint for token in list_tokens(api.services, api.there.organization)] == [secret[-4:]]


def test_another_organizations_objects_are_404(api: ApiClient) -> None:
    """The id of another organization's object is 404."""
    repository, installation = api.claimed()
    mapping = api.mapping(repository, installation).json()
    other = bootstrap(api.services, "rival", "web")
    base = "/api/0/organizations/rival/"
    for path in (
        f"repos/{repository['id']}/",
        f"repos/{repository['id']}/commits/",
        f"integrations/{installation['id']}/",
        f"integrations/{installation['id']}/repos/",
    ):
        assert api.get(base + path, token=other.token).status_code == 404
    assert api.delete(f"{base}code-mappings/{mapping['id']}/", token=other.token).status_code == 404
    assert api.get(base + "repos/", token=other.token).json() == []


def test_a_token_with_the_service_works_whatever_it_claims(tmp_path: Path) -> None:
    """The address in a token is not checked: a service that has moved keeps its tokens."""
    config = PLUGINS_TOML.replace("[host]\n", '[host]\nurl = "https://scmhost.example"\n')
    with open_api(tmp_path, config) as api:
        token, text = create_token(api.services, api.there.organization, "ci", ["org:read"], with_service=True)
        rival = bootstrap(api.services, "rival", "web").organization
        assert api.get("repos/", token=text).status_code == 200
        prefix, _, secret = text.split("_")
        other = token_with_service(rival, "https://moved.example", datetime.now(UTC))[0].split("_")[1]
        own = token_with_service(api.there.organization, "https://moved.example", datetime.now(UTC))[0].split("_")[1]
        assert api.get("repos/", token=f"{prefix}_{own}_{secret}").status_code == 200
        assert api.get("repos/", token=f"{prefix}_{other}_{secret}").status_code == 401
        revoke_token(api.services, api.there.organization, token.id)
        assert "revoked" in api.get("repos/", token=text).json()["detail"]


def test_a_token_with_the_service_needs_an_address(api: ApiClient) -> None:
    """Without [host] url nothing is created."""
    before = list_tokens(api.services, api.there.organization)
    with pytest.raises(InvalidInput, match=r"url under \[host\]"):
        create_token(api.services, api.there.organization, "ci", ["org:ci"], with_service=True)
    assert list_tokens(api.services, api.there.organization) == before
