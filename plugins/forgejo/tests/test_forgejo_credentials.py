"""Install with a token, or with the consent of a person at the server, and renew credentials."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qsl, urlsplit
from urllib.request import HTTPRedirectHandler, build_opener

import pytest
from pydantic import SecretStr, ValidationError

from fake_hosts import base
from fake_hosts.forgejo import FakeForgejo
from forgejo_team import Team, installed, run
from scmhost.sdk import (
    Installation,
    InstallationDraft,
    ProviderError,
    ProviderForbidden,
    ProviderUnauthorized,
    ProviderUnavailable,
    RedirectTo,
)
from scmhost_forgejo import plugin
from scmhost_forgejo.forms import ForgejoInstallForm, ForgejoInstance, ForgejoSettings

CALLBACK = "https://scmhost.example/callback"


@pytest.fixture
def application(host: FakeForgejo) -> ForgejoSettings:
    """Settings with an OAuth2 application of the fake host."""
    host.applications["client-7"] = "app-secret-9"
    instance = ForgejoInstance(url=host.url, client_id="client-7", client_secret=SecretStr("app-secret-9"))
    return ForgejoSettings(instances={"ours": instance})


class _Stay(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def agree(page: RedirectTo) -> dict[str, str]:
    """Open the page as a person does, agree, and return the query with which the browser comes back."""
    try:
        build_opener(_Stay).open(page.url)
    except HTTPError as answer:
        with answer:
            location = urlsplit(answer.headers["Location"])
    assert f"{location.scheme}://{location.netloc}{location.path}" == CALLBACK
    return dict(parse_qsl(location.query))


def begun(settings: ForgejoSettings, **form: Any) -> RedirectTo | InstallationDraft:
    return run(plugin.scm_begin_install, ForgejoInstallForm(**form), CALLBACK, "the-state", settings)


def finished(settings: ForgejoSettings, page: RedirectTo, query: dict[str, str]) -> InstallationDraft:
    return run(plugin.scm_finish_install, query, page.saved, CALLBACK, settings)


def agreed(settings: ForgejoSettings) -> Installation:
    """Return an installation whose person agreed."""
    page = begun(settings, instance="ours")
    assert isinstance(page, RedirectTo)
    draft = finished(settings, page, agree(page))
    facts = {"name": draft.name, "external_id": draft.external_id, "metadata": draft.metadata}
    return Installation(id=5, organization_id=1, provider="forgejo", secrets=draft.secrets, **facts)


def test_a_token_is_tried_at_once(host: FakeForgejo) -> None:
    """The installation is named for its user; the token is a secret, and in nothing that is shown."""
    form = ForgejoInstallForm(instance=host.url + "/", token=SecretStr("good-token"))
    draft = run(plugin.scm_install, form, ForgejoSettings())
    authority = host.url.removeprefix("http://")
    assert draft.name == f"ada at {authority}"
    assert draft.metadata == {"domain_name": authority, "url": host.url, "login": "ada", "user_id": 294}
    assert draft.secrets["token"].get_secret_value() == "good-token"
    assert "good-token" not in repr(draft) + draft.model_dump_json()
    assert begun(ForgejoSettings(), instance=host.url, token="good-token", name="Ours") == draft.model_copy(
        update={"name": "Ours"}
    )


def test_the_same_user_twice_is_one_installation(host: FakeForgejo) -> None:
    """The host refuses the second; another user is another installation."""
    host.tokens |= {"second-token": base.User("ada"), "token-of-bob": base.User("bob")}
    ids = [
        installed(host, ForgejoSettings(), token).external_id
        for token in ("good-token", "second-token", "token-of-bob")
    ]
    assert ids[0] == ids[1] != ids[2]


def test_a_wrong_token_is_refused(host: FakeForgejo) -> None:
    """Before anything is saved; the text does not repeat it."""
    with pytest.raises(ProviderUnauthorized) as caught:
        installed(host, ForgejoSettings(), "wrong-token")
    assert "wrong-token" not in str(caught.value)


def test_a_token_that_may_do_too_little_is_refused(host: FakeForgejo) -> None:
    """The text names the scope, in the server's words."""
    host.tokens["good-token"].scopes = frozenset({"read:repository"})
    with pytest.raises(ProviderForbidden, match="read:user"):
        installed(host, ForgejoSettings())


def test_a_page_for_people_is_no_api(host: FakeForgejo) -> None:
    """A URL that is not a server of this kind."""
    host.fault(base.web_page())
    with pytest.raises(ProviderUnavailable, match="a web page where JSON is expected"):
        installed(host, ForgejoSettings())


@pytest.mark.parametrize(
    ("named", "problem"),
    [
        ("nothing", "neither a server of the operator"),
        ("ftp://x", "neither a server"),
        ("https://u:p@x.example", "carries a user name"),
        ("https://x.example/?a=b", "has a query"),
    ],
)
def test_a_wrong_instance_is_explained(named: str, problem: str) -> None:
    """The names of the operator's servers are in the text."""
    with pytest.raises(ProviderError, match=problem) as caught:
        ForgejoSettings().instance(named)
    assert "(codeberg)" in str(caught.value)


def test_the_operator_may_allow_listed_servers_only() -> None:
    """By name or by URL."""
    settings = ForgejoSettings(other_instances=False)
    assert settings.instance("codeberg").url == "https://codeberg.org"
    assert settings.instance("https://codeberg.org/") == settings.instance("codeberg")
    with pytest.raises(ProviderError, match="none of the instances in the operator's settings: codeberg"):
        settings.instance("https://git.example.com")


@pytest.mark.parametrize("fields", [{"token": "short"}, {"token": ""}, {"instance": "x" * 201}, {"other": 1}])
def test_a_wrong_form_is_refused(fields: dict[str, Any]) -> None:
    """Before a hook is called."""
    with pytest.raises(ValidationError):
        ForgejoInstallForm(**fields)


def test_a_person_agrees_at_the_server(host: FakeForgejo, application: ForgejoSettings) -> None:
    """The browser goes there and back; tokens are secrets, with the time when they expire."""
    page = begun(application, instance="ours", name="Ours")
    assert isinstance(page, RedirectTo)
    assert "app-secret-9" not in page.url
    query = agree(page)
    assert query["state"] == "the-state"
    draft = finished(application, page, query)
    assert set(draft.secrets) == {"access_token", "refresh_token"}
    assert (draft.name, draft.metadata["login"]) == ("Ours", "ada")
    assert draft.secrets_expire_at
    assert timedelta(minutes=55) < draft.secrets_expire_at - datetime.now(UTC) <= timedelta(hours=1)
    form = host.calls[-3].form
    assert (form["client_id"], form["client_secret"]) == ("client-7", "app-secret-9")


def test_a_code_is_used_once(application: ForgejoSettings) -> None:
    """A second use is refused by the server."""
    page = begun(application, instance="ours")
    assert isinstance(page, RedirectTo)
    query = agree(page)
    finished(application, page, query)
    with pytest.raises(ProviderError, match="the token or code is not valid"):
        finished(application, page, query)


def test_a_foreign_verifier_is_refused(application: ForgejoSettings) -> None:
    """A stolen code is worth nothing without what the host saved."""
    first, second = begun(application, instance="ours"), begun(application, instance="ours")
    assert isinstance(first, RedirectTo)
    assert isinstance(second, RedirectTo)
    with pytest.raises(ProviderError):
        finished(application, second, agree(first))


@pytest.mark.parametrize("query", [{}, {"error": "access_denied", "error_description": "The person said no"}])
def test_a_person_who_declines_is_told(application: ForgejoSettings, query: dict[str, str]) -> None:
    """With the reason of the server."""
    page = begun(application, instance="ours")
    assert isinstance(page, RedirectTo)
    with pytest.raises(ProviderError, match=r"did not confirm the installation: (there is no code|The person said no)"):
        finished(application, page, query)


def test_without_an_application_a_token_is_needed(host: FakeForgejo) -> None:
    """The text says what to do."""
    with pytest.raises(ProviderError, match=r"Give an access token of .*set client_id of an application"):
        begun(ForgejoSettings(), instance=host.url)
    with pytest.raises(ProviderError, match="Give an access token"):
        run(plugin.scm_install, ForgejoInstallForm(instance=host.url), ForgejoSettings())


def test_tokens_are_renewed(host: FakeForgejo, application: ForgejoSettings) -> None:
    """The new ones work; the old refresh token does not."""
    installation = agreed(application)
    renewed = run(plugin.scm_refresh_credentials, installation, application)
    assert renewed is not None
    assert renewed.expires_at
    host.tokens.pop(installation.secrets["access_token"].get_secret_value())
    with pytest.raises(ProviderUnauthorized):
        run(plugin.scm_offer_repositories, installation, "", "")
    now = installation.model_copy(update={"secrets": {**installation.secrets, **renewed.secrets}})
    assert run(plugin.scm_offer_repositories, now, "", "").offers == ()
    assert run(plugin.scm_refresh_credentials, installation, application) is None


def test_an_outage_is_no_refusal(host: FakeForgejo, application: ForgejoSettings) -> None:
    """The installation must not need attention because the server is down."""
    installation = agreed(application)
    host.fault(base.status(503))
    with pytest.raises(ProviderUnavailable):
        run(plugin.scm_refresh_credentials, installation, application)


def test_an_access_token_cannot_be_renewed(team: Team) -> None:
    """A person has to give a new one."""
    assert run(plugin.scm_refresh_credentials, team.installation, team.settings) is None


def test_a_new_token_takes_precedence(team: Team) -> None:
    """A person may set one in place of those of the application."""
    secrets = {"access_token": SecretStr("old-token"), "token": SecretStr("good-token")}
    installation = team.installation.model_copy(update={"secrets": secrets})
    assert run(plugin.scm_offer_repositories, installation, "", "").offers


def test_the_client_secret_goes_to_its_own_server_only(application: ForgejoSettings) -> None:
    """An installation whose server is not in the settings is not renewed."""
    installation = agreed(application)
    other = {**installation.metadata, "url": "https://evil.example"}
    installation = installation.model_copy(update={"metadata": other})
    assert run(plugin.scm_refresh_credentials, installation, application) is None
