"""``scmhost people``: invite people to the pages."""

import json
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from command import scmhost
from scmhost.app import Host
from scmhost.cli.people import browser_address, echo_first_link, first_link
from scmhost.infra.settings import WebSettings
from scmhost.organizations.sessions import find_session, use_link
from scmhost.plugins import read_settings

CONFIGURATION = """\
schema = 1
[host]
url = "https://tools.example.com/links"
database_url = "sqlite:///{folder}/test.db"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration, with an organization in its database."""
    path = tmp_path / "plugins.toml"
    path.write_text(CONFIGURATION.format(folder=tmp_path), encoding="utf-8")
    assert scmhost("bootstrap", "--org", "acme", "--project", "web", "--config", path).code == 0
    return path


def test_invited_person_signs_in(config: Path) -> None:
    """The command prints the address of the sign-in, whose link works, with the role that was chosen."""
    done = scmhost("people", "invite", "--org", "acme", "--name", "Ada", "--role", "admin", "--config", config)
    assert done.out.startswith("https://tools.example.com/links/sign-in?link=")
    with Host.open(read_settings(config, {})) as host:
        (link,) = parse_qs(urlsplit(done.out.strip()).query)["link"]
        found = find_session(host.services, use_link(host.services, link))
    assert found
    assert (found.person.name, list(found.roles.values()), found.person.host_admin) == ("Ada", ["admin"], False)


def test_administrator_of_the_host_needs_no_organization(config: Path) -> None:
    """With ``--host-admin`` no organization is named; ``--json`` has the address and when it ends."""
    done = scmhost("people", "invite", "--name", "On call", "--host-admin", "--json", "--config", config)
    answer = json.loads(done.out)
    assert set(answer) == {"id", "name", "url", "expiresAt"}
    assert answer["name"] == "On call"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--name", "Ada"], "A person needs an organization"),
        (["--org", "acme", "--name", " "], "1 to 100 characters"),
        (["--org", "no-such", "--name", "Ada"], "there is no organization 'no-such'; known are acme"),
    ],
)
def test_wrong_invitation_is_refused(config: Path, words: list[str], message: str) -> None:
    """A person who could do nothing, a blank name and an unknown organization are errors."""
    done = scmhost("people", "invite", *words, "--config", config)
    assert (done.code, done.out) == (1, "")
    assert message in done.err


def test_start_prints_a_link_until_somebody_signs_in(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The first start prints the address of the sign-in; with pages off, or after a sign-in, there is no link."""
    with Host.open(read_settings(config, {})) as host:
        assert first_link(replace(host.services, web=WebSettings(enabled=False))) is None
        link = first_link(host.services)
        assert link
        echo_first_link("http://127.0.0.1:8000", link)
        assert f"http://127.0.0.1:8000/sign-in?link={link}\n" in capsys.readouterr().out
        use_link(host.services, link)
        assert first_link(host.services) is None


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:81"),
        ("0.0.0.0", "http://127.0.0.1:81"),  # noqa: S104 - as in a container
        ("::", "http://127.0.0.1:81"),
        ("2001:db8::1", "http://[2001:db8::1]:81"),
        ("scmhost.lan", "http://scmhost.lan:81"),
    ],
)
def test_link_has_an_address_for_browsers(host: str, address: str) -> None:
    """Of a service on all addresses, the link has one that the service answers."""
    assert browser_address(host, 81) == address


def test_link_has_the_configured_port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without ``[host] url`` a link leads to where the service listens: by the file, or by the environment."""
    config = tmp_path / "plugins.toml"
    config.write_text(
        f'schema = 1\n[host]\ndatabase_url = "sqlite:///{tmp_path}/x.db"\n[server]\nport = 9000\n', encoding="utf-8"
    )
    scmhost("organizations", "add", "acme", "--config", config)
    words = ("people", "invite", "--org", "acme", "--name", "Ada", "--config", config)
    assert scmhost(*words).out.startswith("http://127.0.0.1:9000/sign-in?link=")
    monkeypatch.setenv("SCMHOST_PORT", "9001")
    assert scmhost(*words).out.startswith("http://127.0.0.1:9001/sign-in?link=")
    monkeypatch.setenv("SCMHOST_PORT", "http")
    wrong = scmhost(*words)
    assert (wrong.code, "SCMHOST_PORT is 'http'" in wrong.err) == (1, True)


def test_people_are_listed_changed_and_removed(config: Path) -> None:
    """One person gets a second organization and the host, loses them again, and is deleted."""

    def people(*words: str) -> str:
        done = scmhost("people", *words, "--config", config)
        assert (done.code, done.err) == (0, "")
        return done.out

    scmhost("organizations", "add", "globex", "--config", config)
    people("invite", "--org", "acme", "--name", "Ada")
    changed = json.loads(people("change", "ada", "--org", "globex", "--role", "admin", "--host-admin", "--json"))
    assert (changed["roles"], changed["hostAdmin"]) == ({"acme": "member", "globex": "admin"}, True)
    people("change", "Ada", "--no-host-admin", "--rename", "Ada Lovelace")
    people("remove", "Ada Lovelace", "--org", "acme")
    assert "globex=admin" in people("show", "ada lovelace")
    assert people("list", "--org", "acme") == "No people.\n"
    link = people("link", changed["id"])
    assert link.startswith("https://tools.example.com/links/sign-in?link=")
    assert people("sign-out", changed["id"]) == "Ada Lovelace is signed out everywhere.\n"
    assert people("remove", changed["id"]) == "Ada Lovelace is removed.\n"
    assert json.loads(people("list", "--json")) == []


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["change", "Ada"], 2, "give --role, --rename"),
        (["change", "Ada", "--org", "acme"], 2, "--org needs --role"),
        (["remove", "Adda"], 1, "there is no person 'Adda'; did you mean 'Ada'?"),
        (["remove", "Ada", "--org", "globex"], 1, "has no person with the id"),
        (["lst"], 2, "Did you mean 'list'?"),
    ],
)
def test_wrong_change_of_people_is_refused(config: Path, words: list[str], code: int, message: str) -> None:
    """Wrong usage, unknown people and other organizations are errors with what to do."""
    scmhost("organizations", "add", "globex", "--config", config)
    scmhost("people", "invite", "--org", "acme", "--name", "Ada", "--config", config)
    done = scmhost("people", *words, *([] if words == ["lst"] else ["--config", config]))
    assert (done.code, message in done.err) == (code, True)


def test_link_of_pages_that_are_off_has_a_warning(config: Path) -> None:
    """The person is invited, for the time when the pages are on."""
    config.write_text(f"{config.read_text(encoding='utf-8')}[web]\nenabled = false\n", encoding="utf-8")
    done = scmhost("people", "invite", "--org", "acme", "--name", "Ada", "--config", config)
    assert (done.code, "The pages are off" in done.err, "/sign-in?link=" in done.out) == (0, True, True)
