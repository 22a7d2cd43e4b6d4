"""The header ``Host`` decides nothing: every address is that of the settings, or of a host that is listed."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from starlette.responses import PlainTextResponse

from api import PLUGINS_TOML, ApiClient, open_api
from browsing import signed_in
from scmhost.infra.public_address import TrustedHosts, trusted_hosts
from scmhost.plugins import ConfigError, read_settings

EVIL = "evil.example"
SITE = "https://scmhost.example/base"
ADDRESS = re.compile(r"https?://[^\s\"'<>?;]+")


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiClient]:
    """A service with an address below a path."""
    config = PLUGINS_TOML.replace("[host]\n", f'[host]\nurl = "{SITE}/"\n')
    with open_api(tmp_path_factory.mktemp("site"), config) as opened:
        yield opened


def test_no_address_has_the_host_of_the_request(api: ApiClient) -> None:
    """Links to pages, to organizations, of webhooks and redirects begin with the address of the settings."""
    installation = api.install()
    headers = {"Host": EVIL, "X-Forwarded-Host": EVIL}
    webhook = f"integrations/{installation['id']}/webhook/"
    answers = [
        api.get("repos/", headers=headers),
        api.get(f"integrations/{installation['id']}/repos/", headers=headers),
        api.get("/api/0/organizations/acme/", headers=headers),
        api.get(webhook, headers=headers),
        api.get("/api/0/organizations/acme/repos", headers=headers, follow_redirects=False),
    ]
    for answer in answers:
        written = f"{answer.headers.get('link', '')} {answer.headers.get('location', '')} {answer.text}"
        assert EVIL not in written
        found = [each for each in ADDRESS.findall(written) if "git.example.com" not in each]
        assert found, (answer.status_code, written)
        assert {each[: len(SITE)] for each in found} == {SITE}
    assert answers[-1].headers["location"] == f"{SITE}/api/0/organizations/acme/repos/"


def test_pages_show_no_address_with_the_host_of_the_request(tmp_path: Path) -> None:
    """Invitations and webhooks are copied from pages."""
    config = PLUGINS_TOML.replace("[host]\n", '[host]\nurl = "http://scmhost.example"\n')
    with open_api(tmp_path, config, background=False) as api:
        browser = signed_in(api)
        browser.client.headers["Cookie"] = f"scmhost={browser.client.cookies['scmhost']}"
        browser.client.headers["Host"] = EVIL
        page = browser.open(f"/organizations/acme/installations/{api.install()['id']}")
        assert "http://scmhost.example/hooks/" in str(page.html)
        browser.open("/organizations/acme/people")
        assert "http://scmhost.example/sign-in?link=" in str(browser.submit("Invite", name="Eve").html)


@pytest.mark.parametrize(
    ("listens_on", "allowed", "host", "status"),
    [
        ("127.0.0.1", [], "localhost:8000", 200),
        ("127.0.0.1", [], "127.0.0.1", 200),
        ("127.0.0.1", [], "[::1]:8000", 200),
        ("127.0.0.1", [], "LOCALHOST", 200),
        ("192.0.2.7", [], "192.0.2.7:8000", 200),
        ("127.0.0.1", [], "192.0.2.7:8000", 400),
        ("0.0.0.0", [], "192.0.2.7", 400),  # noqa: S104
        ("0.0.0.0", [], "0.0.0.0", 400),  # noqa: S104
        ("127.0.0.1", [], EVIL, 400),
        ("127.0.0.1", [], "localhost.evil.example", 400),
        ("127.0.0.1", [], "localhost@evil.example", 400),
        ("127.0.0.1", [], "", 400),
        ("127.0.0.1", ["scm.lan"], "SCM.lan:80", 200),
        ("127.0.0.1", ["scm.lan"], "a.scm.lan", 400),
        ("127.0.0.1", ["*"], EVIL, 200),
    ],
)
def test_without_an_address_only_listed_hosts_are_trusted(
    listens_on: str, allowed: list[str], host: str, status: int
) -> None:
    """Others get 400 with what to set; probes are answered to everybody."""
    client = TestClient(TrustedHosts(PlainTextResponse("answered"), trusted_hosts(listens_on, allowed)))
    answer = client.get("/api/0/", headers={"Host": host})
    assert answer.status_code == status
    if status != 200:
        assert repr(host) in answer.json()["detail"]
        assert "allowed_hosts, under [host]" in answer.json()["detail"]
    assert client.get("/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("entry", ["https://scm.lan", "scm.lan:8000", "scm.lan/x", "", "*.scm.lan", "a b"])
def test_allowed_hosts_are_names(tmp_path: Path, entry: str) -> None:
    """Anything else would match no request, and is refused."""
    path = tmp_path / "plugins.toml"
    path.write_text(f'schema = 1\n[host]\nallowed_hosts = ["{entry}"]\n', encoding="utf-8")
    with pytest.raises(ConfigError, match="allowed_hosts"):
        read_settings(path, {})
