"""Installing with a token and through the GitHub App, and renewing the App's tokens."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import ValidationError

from fake_hosts.base import User
from fake_hosts.github import APP_SLUG, CLIENT_ID, app_pem
from github_calls import TOKEN, GitHubCalls, app_settings
from scmhost.sdk import InstallationDraft, ProviderError, ProviderForbidden, ProviderUnauthorized, RedirectTo
from scmhost_github import plugin
from scmhost_github.forms import GitHubInstallForm, GitHubSettings


def test_a_token_becomes_an_installation(github: GitHubCalls) -> None:
    """GitHub says whose token it is; the token is a secret, and nothing else shows it."""
    draft = github.install(token=TOKEN)
    assert (draft.name, draft.secrets["token"].get_secret_value()) == ("ada", TOKEN)
    assert draft.metadata["domain_name"] == f"{github.host.url.partition('://')[2]}/ada"
    assert TOKEN not in repr(draft)
    assert TOKEN not in draft.model_dump_json()
    assert draft.secrets_expire_at is None


def test_the_same_account_twice_has_the_same_id(github: GitHubCalls) -> None:
    """A new token of a person does not make a second installation; another owner does."""
    github.host.tokens["newer-token"] = User("ada")
    first, second = github.install(token=TOKEN), github.install(token="newer-token")
    other = github.install(token=TOKEN, owner="team")
    assert first.external_id == second.external_id
    assert other.external_id != first.external_id
    assert other.name == "team"


def test_a_wrong_token_is_refused(github: GitHubCalls) -> None:
    """The error does not repeat the token."""
    with pytest.raises(ProviderUnauthorized) as refused:
        github.install(token="wrong-token-1234")
    assert "wrong-token" not in str(refused.value)


def test_an_unknown_instance_is_named(github: GitHubCalls) -> None:
    """The error lists the operator's instances."""
    with pytest.raises(ProviderError, match="'elsewhere' is none of the instances in the operator's settings: company"):
        github.install(instance="elsewhere", token=TOKEN)


def test_without_a_token_github_installs_the_app(github: GitHubCalls) -> None:
    """The browser goes to the App's page with the state, and comes back with an installation."""
    app = github.repository("team/app")
    step = github.install()
    assert isinstance(step, RedirectTo)
    page = urlsplit(step.url)
    assert (page.path, dict(parse_qsl(page.query))) == (
        f"/github-apps/{APP_SLUG}/installations/new",
        {"state": "state-1"},
    )
    made = github.host.install("team", app)
    draft = github.finish(
        installation_id=str(made.id), setup_action="install", code=github.host.person("eve", "team/app")
    )
    assert (draft.name, draft.external_id) == ("team", f"company/{made.id}")
    assert draft.metadata["installation_id"] == str(made.id)
    assert draft.secrets_expire_at is not None
    assert timedelta(minutes=50) < draft.secrets_expire_at - datetime.now(UTC) <= timedelta(hours=1)
    assert draft.secrets["token"].get_secret_value() in github.host.granted


def test_an_app_that_is_installed_already_is_connected(github: GitHubCalls) -> None:
    """GitHub only asks who the person is; the account's name selects the installation."""
    github.host.install("other", github.repository("other/lib"))
    made = github.host.install("Team", github.repository("Team/app"))
    page = urlsplit(github.install(owner="team").url)
    asked = {"client_id": CLIENT_ID, "redirect_uri": "https://x.example/", "state": "state-1"}
    query = dict(parse_qsl(page.query))
    assert (page.path, query | asked) == ("/login/oauth/authorize", query)
    assert query["code_challenge_method"] == "S256"
    draft = github.finish("team", code=github.host.person("ada", "Team/app", "other/lib"))
    assert draft.external_id == f"company/{made.id}"
    with pytest.raises(ProviderForbidden, match="does not show installation team to you"):
        github.finish("team", code=github.host.person("eve"))
    github.settings = github.configured(app_settings(check_person=False, client_id="", client_secret=None))
    with pytest.raises(ProviderError, match="Leave out the owner"):
        github.install(owner="team")


def test_nobody_connects_the_installation_of_others(github: GitHubCalls) -> None:
    """The number in the browser's query proves nothing: GitHub must show the installation to this person."""
    theirs = github.host.install("victim", github.repository("victim/secret", seen=False))
    with pytest.raises(ProviderForbidden, match="does not show installation"):
        github.finish(installation_id=str(theirs.id), code=github.host.person("eve"))
    assert github.host.granted == {}


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ({}, "GitHub sent no installation"),
        ({"installation_id": "7/../8", "code": "x"}, "GitHub sent no installation"),
        ({"installation_id": "\u0667", "code": "x"}, "GitHub sent no installation"),
        ({"error": "access_denied"}, "You declined at GitHub"),
        ({"setup_action": "request", "code": "x"}, "An owner of the account has to approve"),
        ({"installation_id": "7"}, "GitHub sent no code; the operator enables"),
        ({"installation_id": "7", "code": "used"}, "does not accept the code or token any more"),
    ],
)
def test_an_incomplete_way_back_is_explained(github: GitHubCalls, query: dict[str, str], problem: str) -> None:
    """The error has the next step."""
    with pytest.raises(ProviderError, match=problem):
        github.finish(**query)


def test_a_code_is_used_once(github: GitHubCalls) -> None:
    """A second visit of the same address does not install again."""
    made = github.host.install("team", github.repository())
    code = github.host.person("ada", "team/app")
    github.finish(installation_id=str(made.id), code=code)
    with pytest.raises(ProviderError, match="does not accept the code"):
        github.finish(installation_id=str(made.id), code=code)


def test_a_suspended_or_foreign_installation_is_refused(github: GitHubCalls) -> None:
    """A suspended one is of no use; one of another App is not found with the key of this App."""
    github.settings = github.configured(app_settings(check_person=False, client_id="", client_secret=None))
    suspended = github.host.install("team")
    suspended.suspended = True
    with pytest.raises(ProviderError, match="is suspended"):
        github.finish(installation_id=str(suspended.id))
    with pytest.raises(ProviderError, match="GitHub has no installation 999"):
        github.finish(installation_id="999")


def test_a_single_tenant_needs_no_client(github: GitHubCalls) -> None:
    """An operator may turn the check of the person off."""
    github.settings = github.configured(app_settings(check_person=False, client_id="", client_secret=None))
    made = github.host.install("team")
    assert github.finish(installation_id=str(made.id)).name == "team"


def test_a_wrong_key_is_refused_by_github(github: GitHubCalls) -> None:
    """The JWT is really checked: one of another App's key, or with another id, is worth nothing."""
    github.settings = github.configured(app_settings(id=4243))
    made = github.host.install("team", github.repository())
    with pytest.raises(ProviderUnauthorized):
        github.finish(installation_id=str(made.id), code=github.host.person("ada", "team/app"))


def test_without_an_app_a_token_is_needed(github: GitHubCalls) -> None:
    """Both ways say so."""
    github.settings = github.configured({})
    with pytest.raises(ProviderError, match="Enter a token: the operator has configured no GitHub App for http"):
        github.install()
    with pytest.raises(ProviderError, match="Enter a token"):
        github.call("scm_install", form=GitHubInstallForm(instance="company"))


def test_tokens_of_the_app_are_renewed(github: GitHubCalls) -> None:
    """After an hour a hook is unauthorized; the renewed token works again."""
    app = github.repository("team/app", seen=False)
    app.commit({"a.py": "1\n"})
    installation = github.with_app(app)
    github.host.end_tokens()
    with pytest.raises(ProviderUnauthorized):
        github.call("scm_resolve_ref", installation=installation, repository=github.stored(app), ref="main")
    renewed = github.call("scm_refresh_credentials", installation=installation)
    again = installation.model_copy(update={"secrets": renewed.secrets})
    found = github.call("scm_resolve_ref", installation=again, repository=github.stored(app), ref="main")
    assert found.sha == app.head()
    assert renewed.expires_at > datetime.now(UTC)


@pytest.mark.parametrize("end", ["uninstalled", "suspended", "without app"])
def test_an_app_that_is_gone_needs_attention(github: GitHubCalls, end: str) -> None:
    """The error has the next step; there is no token to try again with."""
    installation = github.with_app()
    if end == "uninstalled":
        github.host.installations.clear()
    elif end == "suspended":
        github.host.installations[0].suspended = True
    else:
        github.settings = github.configured({})
    with pytest.raises(ProviderError, match=r"install it again|has configured no GitHub App"):
        github.call("scm_refresh_credentials", installation=installation)


def test_a_person_s_token_cannot_be_renewed(github: GitHubCalls) -> None:
    """Nobody is asked."""
    assert github.call("scm_refresh_credentials") is None
    assert github.asked() == []


def test_uninstalling_revokes_the_app_s_token(github: GitHubCalls) -> None:
    """A person's token belongs to that person."""
    installation = github.with_app()
    github.call("scm_uninstall", installation=installation)
    assert github.host.granted == {}
    github.call("scm_uninstall")
    assert github.asked() == ["DELETE /installation/token"]


def test_an_installation_without_token_is_unauthorized(github: GitHubCalls) -> None:
    """Such as one whose secrets were lost."""
    installation = github.installation.model_copy(update={"secrets": {}})
    with pytest.raises(ProviderUnauthorized, match="no token"):
        github.call("scm_offer_repositories", installation=installation, search="", cursor="", repositories=())


ED25519 = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"private_key": None}, "give either private_key or private_key_file"),
        ({"private_key_file": "/no/such/key.pem"}, "give either private_key or private_key_file"),
        ({"private_key": None, "private_key_file": "/no/such/key.pem"}, "cannot be read .FileNotFoundError."),
        (
            {"private_key": "-----BEGIN NONSENSE-----"},
            "the private key cannot be read .InvalidKeyError.; it is a PEM file",
        ),
        ({"private_key": ED25519}, "it is a PEM file"),
        ({"client_id": ""}, "give client_id and client_secret, or set check_person = false"),
        ({"client_secret": None}, "give client_id and client_secret"),
        ({"webhook_secret": ""}, "at least 1"),
        ({"id": 0}, "greater than or equal to 1"),
        ({"slug": "a/b"}, "match pattern"),
    ],
)
def test_wrong_settings_of_an_app_are_explained(changes: dict[str, Any], problem: str) -> None:
    """The plugin is broken, with the reason, before anybody installs it."""
    with pytest.raises(ValidationError, match=problem) as refused:
        GitHubSettings.model_validate({"instances": {"company": {"app": app_settings(**changes)}}})
    errors = refused.value.errors(include_input=False, include_url=False)
    assert "PRIVATE KEY" not in str(errors).replace("BEGIN NONSENSE", "")


def test_a_key_may_come_from_a_file_or_in_one_line(tmp_path: Path) -> None:
    """Variables of the environment often have no line ends."""
    file = tmp_path / "app.pem"
    file.write_text(app_pem(), encoding="utf-8")
    for own in ({"private_key_file": str(file)}, {"private_key": app_pem().replace("\n", "\\n")}):
        given = {**app_settings(private_key=None), **own}
        settings = GitHubSettings.model_validate({"instances": {"company": {"app": given}}})
        app = settings.instances["company"].app
        assert app is not None
        assert app.signed({"iss": "7"}) == jwt.encode({"iss": "7"}, app_pem(), algorithm="RS256")


@pytest.mark.parametrize(
    ("url", "api", "graphql", "page"),
    [
        ("https://github.com", "https://api.github.com", "https://api.github.com", "https://github.com/apps/x"),
        (
            "https://acme.ghe.com/",
            "https://api.acme.ghe.com",
            "https://api.acme.ghe.com",
            "https://acme.ghe.com/apps/x",
        ),
        (
            "https://git.example.com",
            "https://git.example.com/api/v3",
            "https://git.example.com/api",
            "https://git.example.com/github-apps/x",
        ),
        (
            "https://github.com.example",
            "https://github.com.example/api/v3",
            "https://github.com.example/api",
            "https://github.com.example/github-apps/x",
        ),
    ],
)
def test_addresses_of_instances(url: str, api: str, graphql: str, page: str) -> None:
    """GitHub's own instances have another host for the API, servers another path."""
    settings = GitHubSettings.model_validate({"instances": {"one": {"url": url, "app": app_settings(slug="x")}}})
    one = settings.instances["one"]
    form = GitHubInstallForm(instance="one")
    step = asyncio.run(plugin.scm_begin_install(form, "https://x.example/", "state-1", settings))
    assert isinstance(step, RedirectTo)
    assert (one.api, one.graphql, step.url) == (api, graphql, f"{page}/installations/new?state=state-1")


def test_the_default_is_github_com() -> None:
    """Without settings, a token for github.com is enough."""
    assert GitHubSettings().instances[GitHubInstallForm().instance].api == "https://api.github.com"
    own = GitHubSettings.model_validate({"instances": {"one": {"api_url": "https://proxy.example.com/github/"}}})
    assert own.instances["one"].api == "https://proxy.example.com/github"


@pytest.mark.parametrize("form", [{"owner": "a/b"}, {"instance": "A B"}, {"token": "x", "more": 1}])
def test_wrong_forms_are_refused(form: dict[str, Any]) -> None:
    """A form has known fields only."""
    with pytest.raises(ValidationError):
        GitHubInstallForm.model_validate(form)


def test_a_draft_is_a_draft(github: GitHubCalls) -> None:
    """With a token both hooks give the same installation."""
    form = GitHubInstallForm.model_validate({"instance": "company", "token": TOKEN})
    assert github.call("scm_install", form=form) == github.install(token=TOKEN)
    assert isinstance(github.install(token=TOKEN), InstallationDraft)
