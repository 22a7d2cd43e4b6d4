"""Installing with a token or at GitLab, renewing tokens, and removing the installation."""

from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from pydantic import SecretStr, ValidationError

from fake_hosts.base import User, status
from fake_hosts.gitlab import TOKEN_SECONDS, FakeGitLab
from gitlab_calls import CALLBACK, GitLabCalls
from scmhost.sdk import (
    Installation,
    InstallationDraft,
    ProviderError,
    ProviderForbidden,
    ProviderUnauthorized,
    ProviderUnavailable,
    RedirectTo,
)
from scmhost_gitlab.forms import GitLabInstallForm, GitLabSettings

APPLICATION = {"client_id": "app", "client_secret": "s3cret-of-app"}


@pytest.fixture
def application(host: FakeGitLab) -> GitLabCalls:
    """Settings with an OAuth application that the fake knows."""
    host.applications[APPLICATION["client_id"]] = APPLICATION["client_secret"]
    return GitLabCalls(host, instances={"work": {"url": host.url, **APPLICATION}})


def confirmed(gitlab: GitLabCalls, **form: Any) -> tuple[dict[str, str], RedirectTo]:
    """Begin an installation, agree at GitLab, and return the query with which the browser comes back."""
    step = gitlab.install(**form)
    assert isinstance(step, RedirectTo)
    return dict(parse_qsl(urlsplit(redirected(step.url)).query)), step


def redirected(url: str) -> str:
    """Return where an address leads. Nobody listens at the callback, so that it is not followed."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.netloc)
    connection.request("GET", f"{parts.path}?{parts.query}")
    answer = connection.getresponse()
    answer.read()
    connection.close()
    assert answer.status == 302
    return answer.headers["Location"]


def test_a_token_installs(gitlab: GitLabCalls) -> None:
    """The draft has the account, and the token only as a secret."""
    draft = gitlab.install(token="good-token")
    assert isinstance(draft, InstallationDraft)
    assert (draft.name, draft.metadata) == ("ada", {"domain_name": gitlab.host.url, "account": "ada"})
    assert {name: value.get_secret_value() for name, value in draft.secrets.items()} == {"token": "good-token"}
    assert draft.secrets_expire_at is None
    assert "good-token" not in f"{draft!r} {draft.model_dump_json()}"
    assert [call.headers.get("private-token") for call in gitlab.host.calls] == ["good-token"]


def test_the_same_account_and_group_are_one_installation(gitlab: GitLabCalls) -> None:
    """The host refuses a second installation by its external id; another group or account has another one."""
    gitlab.project()
    gitlab.host.tokens["other-token"] = User("bob")
    ids = [
        gitlab.install(token="good-token").external_id,
        gitlab.install(token="good-token", name="again").external_id,
        gitlab.install(token="good-token", group="acme").external_id,
        gitlab.install(token="other-token").external_id,
    ]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3
    assert all(len(one) <= 64 for one in ids)


def test_a_group_limits_the_installation(gitlab: GitLabCalls) -> None:
    """The group's path is stored as GitLab spells it; a group that the account does not see is refused."""
    gitlab.project("acme/shop/cart")
    draft = gitlab.install(token="good-token", group="/ACME/shop/")
    assert (draft.name, draft.configuration) == ("acme/shop", {"group": "acme/shop"})
    with pytest.raises(ProviderError, match="ada sees no group 'globex'"):
        gitlab.install(token="good-token", group="globex")


@pytest.mark.parametrize(
    ("token", "error"), [("wrong-token", ProviderUnauthorized), ("narrow-token", ProviderForbidden)]
)
def test_a_token_that_cannot_be_used_is_refused(gitlab: GitLabCalls, token: str, error: type[ProviderError]) -> None:
    """GitLab's answer decides; the error does not repeat the token."""
    gitlab.host.tokens["narrow-token"] = User("ada", scopes=frozenset({"read_registry"}))
    with pytest.raises(error) as caught:
        gitlab.install(token=token)
    assert token not in str(caught.value)


def test_an_instance_is_chosen_by_its_name(gitlab: GitLabCalls, host: FakeGitLab) -> None:
    """The first instance is the default; an unknown name lists those that there are."""
    gitlab.settings = GitLabSettings.model_validate(
        {"instances": {"gitlab.com": {"url": "https://gitlab.com"}, "work": {"url": f"{host.url}/"}}}
    )
    assert gitlab.install(token="good-token", instance="work").metadata["domain_name"] == host.url
    assert gitlab.settings.named("").url == "https://gitlab.com"
    with pytest.raises(
        ProviderError, match=r"'home' is none of the instances in the operator's settings: gitlab\.com, work"
    ):
        gitlab.install(token="good-token", instance="home")


def test_an_installation_of_a_removed_instance_says_so(gitlab: GitLabCalls) -> None:
    """Its token is not sent to another instance."""
    gitlab.settings = GitLabSettings.model_validate({"instances": {"new": {"url": "http://127.0.0.1:1"}}})
    with pytest.raises(ProviderError, match="none of the instances in the operator's settings"):
        gitlab.call("scm_offer_repositories", search="", cursor="")
    assert gitlab.host.calls == []


def test_without_token_and_application_the_form_is_refused(gitlab: GitLabCalls) -> None:
    """The message names both ways to go on."""
    with pytest.raises(ProviderError, match=r"Give an access token of .* or ask the operator to set client_id"):
        gitlab.install()
    with pytest.raises(ProviderError, match="in the field token"):
        gitlab.call("scm_install", form=GitLabInstallForm())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("token", "two words"),
        ("token", "line\nbreak"),
        ("token", "ключ"),
        ("token", ""),
        ("group", "acme/../globex"),
        ("group", "https://gitlab.com/acme"),
        ("group", "acme//shop"),
        ("instances", "work"),
    ],
)
def test_a_wrong_form_is_refused(field: str, value: str) -> None:
    """Values that GitLab could not have are refused before a request."""
    with pytest.raises(ValidationError):
        GitLabInstallForm.model_validate({field: value})


@pytest.mark.parametrize(
    "settings",
    [
        {"instances": {}},
        {"instances": {"work": {"url": "ftp://gitlab.example.com"}}},
        {"instances": {"work": {"url": "https://user:pw@gitlab.example.com"}}},
        {"instances": {"work": {}}},
        {"first_commits": 0},
        {"token": "x"},
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, Any]) -> None:
    """An operator gets an error at start."""
    with pytest.raises(ValidationError):
        GitLabSettings.model_validate(settings)


def test_a_person_confirms_at_gitlab(application: GitLabCalls) -> None:
    """The redirect has all that OAuth with PKCE needs, and the callback's code becomes tokens."""
    query, step = confirmed(application, name="Shop")
    asked = dict(parse_qsl(urlsplit(step.url).query))
    assert (asked["client_id"], asked["redirect_uri"], asked["state"]) == ("app", CALLBACK, "state-1")
    assert (asked["response_type"], asked["scope"], asked["code_challenge_method"]) == ("code", "api", "S256")
    assert "s3cret-of-app" not in step.url
    assert query["state"] == "state-1"
    draft = application.call("scm_finish_install", query=query, saved=step.saved, callback_url=CALLBACK)
    assert (draft.name, draft.metadata["account"]) == ("Shop", "ada")
    assert set(draft.secrets) == {"access_token", "refresh_token", "callback_url"}
    left = draft.secrets_expire_at - datetime.now(UTC)
    assert timedelta(0) < left <= timedelta(seconds=TOKEN_SECONDS)
    assert application.host.calls[-1].headers["authorization"].startswith("Bearer ")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"error": "access_denied", "error_description": "The resource owner denied the request."}, "owner denied"),
        ({"error": "access_denied"}, "access_denied"),
        ({}, "no code"),
        ({"code": "made-up"}, "400"),
    ],
)
def test_a_callback_without_a_valid_code_is_refused(
    application: GitLabCalls, query: dict[str, str], message: str
) -> None:
    """The person may decline, and anybody can send a made-up code."""
    _, step = confirmed(application)
    with pytest.raises(ProviderError, match=message):
        application.call("scm_finish_install", query=query, saved=step.saved, callback_url=CALLBACK)


def test_a_code_is_useless_without_its_verifier(application: GitLabCalls) -> None:
    """A person who sees the callback's address cannot finish the installation as their own."""
    query, _ = confirmed(application)
    _, other = confirmed(application)
    with pytest.raises(ProviderError, match="400"):
        application.call("scm_finish_install", query=query, saved=other.saved, callback_url=CALLBACK)


def test_an_instance_that_is_gone_meanwhile_is_reported(application: GitLabCalls) -> None:
    """The code is not sent to another instance."""
    query, step = confirmed(application)
    saved = {**step.saved, "url": "https://gone.example.com"}
    with pytest.raises(ProviderError, match="begin again"):
        application.call("scm_finish_install", query=query, saved=saved, callback_url=CALLBACK)


def finished(application: GitLabCalls) -> Installation:
    query, step = confirmed(application)
    draft = application.call("scm_finish_install", query=query, saved=step.saved, callback_url=CALLBACK)
    return application.installation.model_copy(update={"secrets": draft.secrets})


def test_tokens_are_renewed_once(application: GitLabCalls) -> None:
    """GitLab replaces both tokens; the old renewal token works no more."""
    old = finished(application)
    renewed = application.call("scm_refresh_credentials", installation=old)
    assert renewed.expires_at > datetime.now(UTC)
    new = old.model_copy(update={"secrets": renewed.secrets})
    assert application.call("scm_offer_repositories", installation=new, search="", cursor="").offers == ()
    with pytest.raises(ProviderError, match="400") as caught:
        application.call("scm_refresh_credentials", installation=old)
    assert not isinstance(caught.value, ProviderUnavailable)
    assert old.secrets["refresh_token"].get_secret_value() not in str(caught.value)


def test_an_expired_token_is_unauthorized(application: GitLabCalls) -> None:
    """The host then calls scm_refresh_credentials and repeats the call."""
    installation = finished(application)
    application.host.expired.add(installation.secrets["access_token"].get_secret_value())
    with pytest.raises(ProviderUnauthorized):
        application.call("scm_offer_repositories", installation=installation, search="", cursor="")
    renewed = application.call("scm_refresh_credentials", installation=installation)
    again = installation.model_copy(update={"secrets": renewed.secrets})
    assert application.call("scm_offer_repositories", installation=again, search="", cursor="").offers == ()


def test_a_token_of_a_person_cannot_be_renewed(application: GitLabCalls) -> None:
    """The installation then needs attention, without a request."""
    assert application.call("scm_refresh_credentials") is None
    assert application.host.calls == []


def test_an_outage_is_no_reason_to_give_up_tokens(application: GitLabCalls) -> None:
    """The host tries again later."""
    installation = finished(application)
    application.host.fault(status(502), on="/oauth/token")
    with pytest.raises(ProviderUnavailable):
        application.call("scm_refresh_credentials", installation=installation)


def test_uninstalling_revokes_what_gitlab_gave(application: GitLabCalls) -> None:
    """A token that a person made stays valid: it may have other uses."""
    installation = finished(application)
    token = installation.secrets["access_token"].get_secret_value()
    assert token in application.host.tokens
    application.call("scm_uninstall", installation=installation)
    assert token not in application.host.tokens
    application.call("scm_uninstall")
    assert "good-token" in application.host.tokens


def test_an_installation_without_token_is_unauthorized(gitlab: GitLabCalls) -> None:
    """Such as when the host's key was lost."""
    bare = gitlab.installation.model_copy(update={"secrets": {"other": SecretStr("x")}})
    with pytest.raises(ProviderUnauthorized, match="install it again"):
        gitlab.call("scm_offer_repositories", installation=bare, search="", cursor="")
