"""Every endpoint with every scope, against the tables in tests/cases/scopes and tests/cases/endpoints."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from api import tenant
from endpoints import ENDPOINTS, REDIRECTS, Endpoint, PopulatedHost, open_populated
from loading import load_cases
from scmhost.organizations.tokens import ALL_SCOPES, SCOPES, create_token, revoke_token, token_with_service

TABLE = {case["id"]: case["scopes"] for case in load_cases("scopes")}


def each(selects: Callable[[Endpoint], bool]) -> pytest.MarkDecorator:
    """Parametrize a test with the endpoints that a condition selects."""
    chosen = [endpoint for endpoint in ENDPOINTS if selects(endpoint)]
    return pytest.mark.parametrize("endpoint", chosen, ids=lambda endpoint: endpoint.id)


each_scoped = each(lambda endpoint: endpoint.kind in TABLE)
each_guarded = each(lambda endpoint: endpoint.kind != "no token")
each_of_callers = each(lambda endpoint: endpoint.kind == "any token")
each_of_organization = each(lambda endpoint: endpoint.of_organization)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PopulatedHost]:
    """One API for all of these tests."""
    with open_populated(tmp_path_factory.mktemp("scopes")) as opened:
        yield opened


@pytest.fixture(scope="module")
def tokens(shared: PopulatedHost) -> dict[str, str]:
    """A token for each scope, with only that scope."""
    return {scope: shared.api.token(scope) for scope in ALL_SCOPES}


@pytest.fixture(scope="module")
def invalid_tokens(shared: PopulatedHost) -> dict[str, bytes]:
    """Headers with invalid bearer tokens, by their fault."""
    services, organization = shared.api.services, shared.api.there.organization
    revoked, text = create_token(services, organization, "old", ALL_SCOPES)
    revoke_token(services, organization, revoked.id)
    past = datetime.now(UTC) - timedelta(seconds=1)
    tokens = {
        "malformed": "secret",
        "not ASCII": "é",
        "half of one": shared.api.there.token[:-1],
        "unknown": f"scmhost_{organization.id}_{'a' * 43}",
        "of no organization": f"scmhost_{'9' * 16}_{'a' * 43}",
        "of another service": f"sntrys_{'e30=' * 4}_{'a' * 43}",
        "unknown, with the service": token_with_service(organization, "https://scmhost.example", past)[0],
        "revoked": text,
        "expired": create_token(services, organization, "past", ALL_SCOPES, past)[1],
    }
    return {fault: f"Bearer {token}".encode() for fault, token in tokens.items()}


def test_the_table_lists_every_endpoint(shared: PopulatedHost) -> None:
    """The table has exactly the endpoints of the application."""
    paths = shared.api.client.get("/api/openapi.json").json()["paths"]
    documented = [f"{method.upper()} {path}" for path, methods in paths.items() for method in methods]
    assert sorted(documented) == sorted(endpoint.id for endpoint in (*ENDPOINTS, *REDIRECTS))
    assert {endpoint.kind for endpoint in ENDPOINTS} <= {*TABLE, "any token", "no token"}


def test_the_table_of_scopes_is_the_published_one() -> None:
    """The classes and their scopes are those of Sentry's API, with one addition."""
    expected = {kind: {method: frozenset(scopes) for method, scopes in by.items()} for kind, by in TABLE.items()}
    assert {kind: dict(by) for kind, by in SCOPES.items()} == expected


@each_scoped
def test_each_scope_opens_what_the_table_says(
    shared: PopulatedHost, tokens: dict[str, str], endpoint: Endpoint
) -> None:
    """A token with one scope gets 403 exactly where the table does not list that scope."""
    answers = {scope: shared.send(endpoint, token) for scope, token in tokens.items()}
    refused = {scope for scope, answer in answers.items() if answer.status_code == 403}
    assert refused == set(ALL_SCOPES) - set(TABLE[endpoint.kind][endpoint.method])
    assert all(answer.status_code < 500 and answer.status_code != 401 for answer in answers.values())


@each_of_callers
def test_own_identity_needs_no_scope(shared: PopulatedHost, tokens: dict[str, str], endpoint: Endpoint) -> None:
    """A token without any scope can read its own identity."""
    for token in (*tokens.values(), shared.api.token()):
        assert shared.send(endpoint, token).status_code == 200


@each_guarded
def test_request_without_valid_token_is_refused(
    shared: PopulatedHost, invalid_tokens: dict[str, bytes], endpoint: Endpoint
) -> None:
    """Without a valid token the answer is 401 with ``detail`` and the scheme."""
    for sent in (None, b"Bearer", b"Basic c2VjcmV0", *invalid_tokens.values()):
        answer = shared.send(endpoint, headers={"Authorization": sent})
        assert (answer.status_code, list(answer.json())) == (401, ["detail"]), (sent, answer.text)
        assert answer.headers["www-authenticate"] == "Bearer"


def test_a_wrong_token_is_refused_where_none_is_needed(shared: PopulatedHost, invalid_tokens: dict[str, bytes]) -> None:
    """The index needs no token, but an invalid token is 401 there too."""
    index = next(endpoint for endpoint in ENDPOINTS if endpoint.template == "/api/0/")
    assert shared.send(index, headers={"Authorization": None}).status_code == 200
    assert {shared.send(index, headers={"Authorization": sent}).status_code for sent in invalid_tokens.values()} == {
        401
    }


@each_of_organization
def test_another_organizations_token_finds_and_changes_nothing(shared: PopulatedHost, endpoint: Endpoint) -> None:
    """With all scopes of one organization, all objects of another are 404 by slug and by id, and stay unchanged."""
    rival = tenant(shared.api.services, "rival")
    before = shared.rows()
    for organization in ("acme", str(shared.api.there.organization.id)):
        answer = shared.send(endpoint, rival.token, values={"organization": organization})
        assert (answer.status_code, list(answer.json())) == (404, ["detail"])
    assert shared.rows() == before


@each_of_organization
def test_another_organizations_ids_find_and_change_nothing(shared: PopulatedHost, endpoint: Endpoint) -> None:
    """The ids of another organization's objects are 404 below the own organization."""
    rival = tenant(shared.api.services, "rival")
    before = shared.own_rows()
    answer = shared.send(endpoint, rival.token, values={"organization": "rival"})
    assert answer.status_code < 500
    assert shared.own_rows() == before
