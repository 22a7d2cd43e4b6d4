"""The authorization code flow of OAuth 2.0 with PKCE."""

import asyncio
import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import SecretStr, ValidationError

from scmhost.sdk import (
    AccessToken,
    ApiAnswer,
    ApiError,
    Fields,
    HostInstance,
    Installation,
    InstallationDraft,
    OAuthApp,
    ProviderError,
    ProviderUnavailable,
    RedirectTo,
    install_hooks,
    named_instance,
    oauth,
)

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
    assert asyncio.run(APP.refresh(installation(token="t-1", refresh_token="next-token"))) is None


class Instance(HostInstance):
    """An instance of a code host with paths of its own."""

    authorize_path: ClassVar[str] = "login/authorize"
    keep_callback: ClassVar[bool] = True


class Settings(Fields):
    """Settings with instances."""

    instances: Mapping[str, Instance]


class Form(Fields):
    """An install form."""

    instance: str = "work"
    group: str = ""
    token: AccessToken | None = None


SETTINGS = Settings(instances={"work": Instance(url="https://git.example.com/", client_id="id-1", scope="api")})
DRAFTED: list[Mapping[str, SecretStr]] = []


async def drafted(form: Form, settings: Settings, secrets: Mapping[str, SecretStr]) -> InstallationDraft:
    DRAFTED.append(secrets)
    url = named_instance(settings.instances, form.instance).url
    return InstallationDraft(name=form.group or "x", external_id="1", metadata={"url": url})


install, begin, finish = install_hooks(
    Form, lambda form, settings: named_instance(settings.instances, form.instance).oauth, drafted
)


def test_a_token_installs_at_once() -> None:
    """Both hooks give the same; without a token, the text says which one is needed."""
    form = Form(token=SecretStr("secret-1234"), group="team")
    made = asyncio.run(install(form, SETTINGS))
    assert made == asyncio.run(begin(form, CALLBACK, "state-1", SETTINGS))
    assert (made.name, made.secrets, made.secrets_expire_at) == ("team", {"token": SecretStr("secret-1234")}, None)
    assert DRAFTED[-1] == made.secrets
    with pytest.raises(ProviderError, match=r"access token of https://git\.example\.com in the field token"):
        asyncio.run(install(Form(), SETTINGS))


def test_a_person_installs_with_the_form_that_was_filled_in(sent: Sent) -> None:
    """The form comes back; the tokens are the secrets, with the address for a host that wants it again."""
    step = asyncio.run(begin(Form(group="team"), CALLBACK, "state-1", SETTINGS))
    assert isinstance(step, RedirectTo)
    assert urlsplit(step.url).path == "/login/authorize"
    made = asyncio.run(finish({"code": "c"}, step.saved, CALLBACK, SETTINGS))
    assert (made.name, made.metadata["url"]) == ("team", "https://git.example.com")
    assert {name: secret.get_secret_value() for name, secret in made.secrets.items()} == {
        "access_token": "first-token",
        "refresh_token": "next-token",
        "callback_url": CALLBACK,
    }
    assert made.secrets_expire_at is not None
    here = Installation(id=1, organization_id=1, provider="x", name="x", external_id="x", secrets=made.secrets)
    assert asyncio.run(SETTINGS.instances["work"].oauth.refresh(here)) is not None
    assert sent.calls[-1][1]["redirect_uri"] == CALLBACK


def test_a_code_goes_to_the_instance_that_gave_it_only(sent: Sent) -> None:
    """The operator may change settings, and an update the form, while a person is away."""
    step = asyncio.run(begin(Form(), CALLBACK, "state-1", SETTINGS))
    assert isinstance(step, RedirectTo)
    moved = Settings(instances={"work": Instance(url="https://other.example.com", client_id="id-1")})
    for saved, settings, problem in (
        (step.saved, moved, "has changed this instance"),
        ({**step.saved, "form": {"older": 1}}, SETTINGS, "form of this provider has changed"),
    ):
        with pytest.raises(ProviderError, match=problem):
            asyncio.run(finish({"code": "c"}, saved, CALLBACK, settings))
    assert sent.calls == []


def test_instances_have_names_and_urls() -> None:
    """An unknown one lists those that there are."""
    one = SETTINGS.instances["work"]
    assert named_instance(SETTINGS.instances, "work") is one is named_instance(SETTINGS.instances, f"{one.url}/")
    with pytest.raises(ProviderError, match="'home' is none of the instances in the operator's settings: work"):
        named_instance(SETTINGS.instances, "home")
    for url in ("https://git.example.com/?a=b", "ftp://git.example.com", "git.example.com"):
        with pytest.raises(ValidationError):
            Instance(url=url)


@pytest.mark.parametrize("token", ["short", "with a blank", "t\u00f6ken-1234", "x" * 4_001])
def test_a_token_that_cannot_be_sent_is_refused(token: str) -> None:
    """In a header."""
    with pytest.raises(ValidationError):
        Form(token=SecretStr(token))
