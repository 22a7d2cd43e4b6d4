"""Sign in by the header of a trusted proxy, and by OpenID Connect against a mock provider."""

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from fastapi.testclient import TestClient

from api import PLUGINS_TOML, ApiClient, open_api
from browsing import Browser
from scmhost.application import create_application
from scmhost.infra.errors import Unavailable
from scmhost.organizations import people
from scmhost.plugins import read_settings
from scmhost.plugins.errors import ConfigError
from serving import free_port

GROUPS = """
[[web.groups]]
group = "everyone"
organization = "acme"
[[web.groups]]
group = "leads"
organization = "acme"
role = "admin"
"""

PROXY = f"""{PLUGINS_TOML}
[web]
proxy_user_header = "X-Forwarded-User"
proxy_groups_header = "X-Forwarded-Groups"
proxy_addresses = ["10.1.0.0/16", "192.0.2.7"]
{GROUPS}
"""


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiClient]:
    """A service behind proxies that name people."""
    with open_api(tmp_path_factory.mktemp("proxy"), PROXY, background=False) as api:
        yield api


def from_address(api: ApiClient, address: str, *headers: tuple[str, str]) -> Browser:
    """Return a browser whose requests come from an address with these headers."""
    browser = Browser(api)
    browser.client = TestClient(api.client.app, client=(address, 5000), follow_redirects=False)
    # A header may be there twice, which no mapping can say.
    browser.client.headers = httpx2.Headers([("Accept", "text/html"), *headers])
    return browser


ADA = ("X-Forwarded-User", "ada@example.com")


@pytest.mark.parametrize("address", ["10.1.2.3", "192.0.2.7"])
def test_listed_proxy_names_people(proxied: ApiClient, address: str) -> None:
    """A person whom the proxy names is signed in, with the roles of the groups, and has no session to end."""
    browser = from_address(proxied, address, ADA, ("X-Forwarded-Groups", "everyone, leads"))
    browser.open("/organizations/acme")
    assert browser.status == 200
    assert browser.first(".who a").text() == "ada@example.com"
    browser.submit("Create project", slug=f"p{address[0]}{address[-1]}")
    assert browser.status == 200
    assert "Sign out" not in browser.answer.text


def test_group_that_is_gone_takes_the_role(proxied: ApiClient) -> None:
    """Without the group of administrators, the same person is a member from the next request."""
    from_address(proxied, "10.1.2.3", ADA, ("X-Forwarded-Groups", "everyone,leads")).open("/organizations/acme")
    browser = from_address(proxied, "10.1.2.3", ADA, ("X-Forwarded-Groups", "everyone"))
    browser.open("/organizations/acme")
    assert (browser.status, "Create project" in browser.text) == (200, False)
    unlisted = from_address(proxied, "10.1.2.3", ADA)
    unlisted.open("/organizations/acme")
    assert unlisted.status == 404


@pytest.mark.parametrize("address", ["10.2.0.1", "127.0.0.1", "testclient", "::1"])
@pytest.mark.parametrize("path", ["/", "/account", "/organizations/acme", "/sign-in"])
def test_header_from_elsewhere_is_refused(proxied: ApiClient, address: str, path: str) -> None:
    """Who reaches the service beside the proxy cannot name a person."""
    browser = from_address(proxied, address, ADA, ("X-Forwarded-Groups", "leads"))
    browser.open(path)
    assert browser.status == 403
    assert "accepted from addresses of proxies alone" in browser.text


def test_two_names_are_refused(proxied: ApiClient) -> None:
    """A header that a client sent and the proxy did not remove makes the request ambiguous."""
    browser = from_address(proxied, "10.1.2.3", ("X-Forwarded-User", "root"), ADA)
    browser.open("/")
    assert browser.status == 403


def test_without_the_header_a_link_signs_in(proxied: ApiClient) -> None:
    """People who do not come through the proxy can still use a link."""
    text = people.invite(proxied.services, proxied.there.organization, "Grace").text
    browser = from_address(proxied, "203.0.113.9")
    browser.open(f"/sign-in?link={text}")
    browser.submit("Sign in")
    assert browser.status == 200


@pytest.mark.parametrize(
    ("web", "key"),
    [
        ('proxy_user_header = "Cookie"', "web.proxy_user_header"),
        ('proxy_addresses = ["10.0.0.0/33"]', "web.proxy_addresses"),
        ("proxy_adresses = []", "web.proxy_adresses"),
        ('groups = [{ group = "a", role = "owner" }]', "web.groups.0.role"),
        ('openid = { issuer = "ftp://x", client_id = "y" }', "web.openid.issuer"),
    ],
)
def test_wrong_settings_are_refused(tmp_path: Path, web: str, key: str) -> None:
    """A wrong setting of the sign-in is an error with its key when the file is read."""
    path = tmp_path / "plugins.toml"
    path.write_text(f"schema = 1\n[web]\n{web}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=re.escape(key)):
        read_settings(path, {})


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    """The address of a mock provider of OpenID Connect with two people."""
    port = free_port()
    claims = [
        '{"sub": "ada", "name": "Ada Lovelace", "groups": ["everyone", "leads"]}',
        '{"sub": "eve", "name": "Eve", "groups": ["everyone"]}',
    ]
    command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port), "--require-nonce", "1"]
    for each in claims:
        command += ["--user-claims", each]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        address = f"http://127.0.0.1:{port}"
        with httpx2.Client(transport=httpx2.HTTPTransport(retries=10), trust_env=False) as client:
            client.get(f"{address}/.well-known/openid-configuration").raise_for_status()
        yield address
        process.terminate()


def openid_settings(issuer: str, more: str = "") -> str:
    """Return a configuration with sign-in at a provider."""
    host = PLUGINS_TOML.replace("[host]", '[host]\nurl = "http://testserver"')
    return f'{host}\n[web.openid]\nissuer = "{issuer}"\nclient_id = "scmhost"\nclient_secret = "s"\n{more}{GROUPS}'


@pytest.fixture(scope="module")
def federated(provider: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiClient]:
    """A service whose people sign in at the provider."""
    with open_api(tmp_path_factory.mktemp("openid"), openid_settings(provider), background=False) as api:
        yield api


def go_to_provider(browser: Browser) -> str:
    """Begin to sign in, and return the address at the provider."""
    browser.open("/account")
    browser.click("Sign in with your account")
    return str(browser.answer.headers["location"])


def consent(address: str, subject: str) -> dict[str, Any]:
    """Sign in at the provider, and return the parameters with which it sends the browser back."""
    with httpx2.Client(trust_env=False) as client:
        answer = client.post(address, data={"sub": subject})
    assert answer.status_code == 302, answer.text
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}


@pytest.mark.parametrize(("subject", "name", "is_admin"), [("ada", "Ada Lovelace", True), ("eve", "Eve", False)])
def test_provider_signs_in(federated: ApiClient, subject: str, name: str, *, is_admin: bool) -> None:
    """The person comes back to the wanted page, with the roles of the groups at the provider."""
    browser = Browser(federated)
    address = go_to_provider(browser)
    query = parse_qs(urlsplit(address).query)
    assert query["redirect_uri"] == ["http://testserver/sign-in/openid/callback"]
    assert query["code_challenge_method"] == ["S256"]
    browser.open("/sign-in/openid/callback", params=consent(address, subject))
    assert (browser.path, browser.first("h1").text()) == ("/account", name)
    browser.open("/organizations/acme")
    assert ("Create project" in browser.text) is is_admin
    browser.submit("Sign out")
    browser.open("/account")
    assert browser.path.startswith("/sign-in")


def test_answer_of_another_attempt_is_refused(federated: ApiClient) -> None:
    """A code that another browser got, or that is used twice, signs nobody in."""
    mine, theirs = Browser(federated), Browser(federated)
    go_to_provider(mine)
    answer = consent(go_to_provider(theirs), "ada")
    mine.open("/sign-in/openid/callback", params=answer)
    assert mine.status == 403
    mine.open("/sign-in/openid/callback", params=answer)
    assert mine.status == 403
    theirs.open("/sign-in/openid/callback", params=answer)
    assert theirs.status == 200
    theirs.open("/sign-in/openid/callback", params=answer)
    assert theirs.status == 403


def test_refusal_of_the_provider_signs_nobody_in(federated: ApiClient) -> None:
    """If the person does not consent, the page says to begin again."""
    browser = Browser(federated)
    state = parse_qs(urlsplit(go_to_provider(browser)).query)["state"][0]
    browser.open("/sign-in/openid/callback", params={"state": state, "error": "access_denied"})
    assert (browser.status, "Begin again" in browser.text) == (403, True)


def test_wrong_code_is_a_fault_of_the_provider(federated: ApiClient) -> None:
    """A code that the provider does not know is answered with 503, without its text."""
    browser = Browser(federated)
    state = parse_qs(urlsplit(go_to_provider(browser)).query)["state"][0]
    browser.open("/sign-in/openid/callback", params={"state": state, "code": "guess"})
    assert browser.status == 503


def test_provider_that_is_down_is_503(tmp_path: Path) -> None:
    """If the provider does not answer, people can still use a link."""
    with open_api(tmp_path, openid_settings("http://127.0.0.1:9"), background=False) as api:
        browser = Browser(api)
        browser.open("/sign-in/openid")
        assert browser.status == 503


def test_sign_in_at_a_provider_needs_the_address_of_the_service(tmp_path: Path) -> None:
    """Without ``[host] url`` the service does not start: a header must not decide where the provider sends people."""
    with open_api(tmp_path, background=False) as api:
        path = tmp_path / "openid.toml"
        configuration = openid_settings("http://127.0.0.1:9").replace('url = "http://testserver"', "")
        path.write_text(configuration, encoding="utf-8")
        services = replace(api.services, web=read_settings(path, {}).web)
        with pytest.raises(Unavailable, match=r"set url under \[host\]"):
            create_application(services)


def test_secret_is_read_from_the_environment(tmp_path: Path) -> None:
    """The secret at the provider need not be in the file, and is not printed."""
    path = tmp_path / "plugins.toml"
    path.write_text(openid_settings("http://127.0.0.1:9").replace('client_secret = "s"', ""), encoding="utf-8")
    openid = read_settings(path, {"SCMHOST_OPENID_SECRET": "from-the-environment"}).web.openid
    assert openid
    assert openid.client_secret
    assert openid.client_secret.get_secret_value() == "from-the-environment"
    assert "from-the-environment" not in repr(openid)
