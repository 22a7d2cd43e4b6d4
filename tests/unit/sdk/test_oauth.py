"""The authorization code flow of OAuth 2.0 with PKCE."""

import asyncio
import json
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import SecretStr

from scmhost.sdk import ApiAnswer, ApiError, Installation, OAuthApp, ProviderError, ProviderUnavailable, oauth

CALLBACK = "https://scmhost.example.com/callback"
APP = OAuthApp(url="https://git.example.com", client_id="id-1", client_secret=SecretStr("app-secret"), scope="api read")
BARE = OAuthApp(url="https://git.example.com", client_id="id-1", token="login/token")
TOKENS = {"access_token": "first-token", "refresh_token": "next-token", "expires_in": 7200}


class Sent:
    """What was sent to the code host, and its answer."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.calls: list[tuple[tuple[str, ...], dict[str, str]]] = []

    async def request(self, method: str, *path: str, form: dict[str, str]) -> ApiAnswer:
        self.calls.append(((method, *path), form))
        body = json.dumps(self.answer).encode()
        return ApiAnswer("git.example.com", "POST /token", 200, {"content-type": "application/json"}, body)


@pytest.fixture(name="sent")
def _sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    sent = Sent(TOKENS)
    monkeypatch.setattr(oauth, "shared_client", lambda _url: sent)
    return sent


def installation(**secrets: str) -> Installation:
    own = {name: SecretStr(value) for name, value in secrets.items()}
    return Installation(id=1, organization_id=1, provider="x", name="x", external_id="x", secrets=own)


def test_a_person_is_asked_and_comes_back(sent: Sent) -> None:
    """The challenge is that of the verifier, which only the saved data have."""
    step = APP.begin(CALLBACK, "state-1", {"group": "team"})
    page = urlsplit(step.url)
    query = {name: values[0] for name, values in parse_qs(page.query).items()}
    assert (page.netloc, page.path) == ("git.example.com", "/oauth/authorize")
    verifier = str(step.saved["code_verifier"])
    challenge = urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("=")
    assert query == {
        "client_id": "id-1",
        "redirect_uri": CALLBACK,
        "response_type": "code",
        "state": "state-1",
        "scope": "api read",
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    assert step.saved["group"] == "team"
    assert verifier not in step.url
    assert "app-secret" not in step.url
    tokens = asyncio.run(APP.finish({"code": "code-1"}, step.saved, CALLBACK))
    [(path, form)] = sent.calls
    assert path == ("POST", "oauth", "token")
    assert form == {
        "client_id": "id-1",
        "client_secret": "app-secret",
        "grant_type": "authorization_code",
        "code": "code-1",
        "redirect_uri": CALLBACK,
        "code_verifier": verifier,
    }
    assert {name: value.get_secret_value() for name, value in tokens.secrets.items()} == {
        "access_token": "first-token",
        "refresh_token": "next-token",
    }
    assert tokens.expire_at is not None
    assert timedelta(hours=1) < tokens.expire_at - datetime.now(UTC) <= timedelta(hours=2)


def test_two_persons_have_two_verifiers() -> None:
    """Each installation has its own."""
    assert BARE.begin(CALLBACK, "s", {}).saved != BARE.begin(CALLBACK, "s", {}).saved
    assert "scope" not in parse_qs(urlsplit(BARE.begin(CALLBACK, "s", {}).url).query)


def test_without_an_application_a_token_is_needed() -> None:
    """The text says who can do what."""
    with pytest.raises(ProviderError, match=r"access token of https://git\.example\.com, or ask the operator"):
        OAuthApp(url="https://git.example.com", client_id="").begin(CALLBACK, "s", {})


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ({}, "no code"),
        ({"error": "access_denied"}, "access_denied"),
        ({"error": "x", "error_description": "The person said no"}, "The person said no"),
    ],
)
def test_a_person_who_declines_is_told(sent: Sent, query: dict[str, str], reason: str) -> None:
    """Nothing is sent then."""
    with pytest.raises(ProviderError, match=reason):
        asyncio.run(APP.finish(query, {}, CALLBACK))
    assert sent.calls == []


def test_what_is_not_known_is_not_sent(sent: Sent) -> None:
    """A public application has no secret; some flows have no verifier."""
    asyncio.run(BARE.finish({"code": "code-1"}, {}))
    form = {"client_id": "id-1", "grant_type": "authorization_code", "code": "code-1"}
    assert sent.calls == [(("POST", "login", "token"), form)]


@pytest.mark.parametrize("seconds", [None, 0, -5])
def test_tokens_without_an_end_do_not_expire(sent: Sent, seconds: int | None) -> None:
    """Nor do they need a refresh token."""
    sent.answer = {"access_token": "first-token", "expires_in": seconds}
    tokens = asyncio.run(APP.finish({"code": "1"}, {}))
    assert tokens.expire_at is None
    assert list(tokens.secrets) == ["access_token"]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({}, ProviderUnavailable),
        ([], ProviderUnavailable),
        ({"access_token": ""}, ProviderUnavailable),
        ({"access_token": "x" * 9_000}, ProviderUnavailable),
        ({"access_token": "first-token", "expires_in": 10**12}, ProviderUnavailable),
        ({"access_token": "first-token", "refresh_token": 5}, ProviderUnavailable),
        ({"error": "bad_verification_code"}, ApiError),
    ],
)
def test_answers_without_a_token_are_errors(sent: Sent, answer: Any, error: type[Exception]) -> None:
    """Some hosts refuse with the status 200. No text repeats a token."""
    sent.answer = answer
    with pytest.raises(error) as caught:
        asyncio.run(APP.finish({"code": "1"}, {}))
    assert "first-token" not in str(caught.value)


def test_tokens_are_renewed(sent: Sent) -> None:
    """With the address of the first request for hosts that need it."""
    renewed = asyncio.run(BARE.refresh(installation(refresh_token="next-token"), CALLBACK))
    assert renewed is not None
    assert renewed.secrets["access_token"].get_secret_value() == "first-token"
    assert renewed.expires_at is not None
    form = {"client_id": "id-1", "grant_type": "refresh_token", "refresh_token": "next-token"}
    assert sent.calls[0][1] == {**form, "redirect_uri": CALLBACK}
    asyncio.run(BARE.refresh(installation(refresh_token="next-token")))
    assert sent.calls[1][1] == form


def test_a_token_of_a_person_is_not_renewed(sent: Sent) -> None:
    """Nor without the application."""
    assert asyncio.run(APP.refresh(installation(token="t-1"))) is None
    removed = OAuthApp(url="https://git.example.com", client_id="")
    assert asyncio.run(removed.refresh(installation(refresh_token="next-token"))) is None
    assert sent.calls == []
