"""``scmhost people``: invite people to the pages."""

import json
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from command import scmhost
from scmhost.app import Host
from scmhost.cli.organizations import echo_first_link, first_link
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
