"""Installations in steps over HTTP: begin, consent at the code host, callback, result."""

import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest
from httpx2 import Response

import installed
from api import PLUGINS_TOML, ApiClient, open_api
from authorization_server import AuthorizationServer, authorization_server
from command import SCMHOST, scmhost
from hosting import candidate
from plugins.stepped_forge import CLIENT_SECRET, script
from scmhost.infra.secret_box import new_key
from scmhost.sdk import ProviderError
from serving import Served, serve

FORGE: Final = candidate("stepped_forge", "plugins.stepped_forge")
ENABLED: Final = "[plugins.stepped_forge]\nenabled = true\ndefault = true\n"
URL: Final = "https://scmhost.example"
KEY: Final = new_key()


def configuration(*keys: str, url: str = URL) -> str:
    """Return plugins.toml with keys and the address of the service."""
    host = f"[host]\nsecret_keys = {json.dumps(keys)}\n" + (f'url = "{url}"' if url else "")
    return PLUGINS_TOML.replace("[host]", host) + ENABLED


@pytest.fixture
def forge() -> Iterator[AuthorizationServer]:
    with authorization_server(CLIENT_SECRET) as opened:
        yield opened


@pytest.fixture
def api(tmp_path: Path) -> Iterator[ApiClient]:
    script.reset()
    with open_api(tmp_path, configuration(new_key()), more=[FORGE], background=False) as opened:
        yield opened
    script.reset()


def begin(api: ApiClient, forge: AuthorizationServer, **fields: Any) -> Response:
    return api.post("integrations/", {"provider": "stepped_forge", "server": forge.url, **fields})


def consent(redirect: str) -> str:
    """Return the path and query of the callback to which the code host sends the browser of a person who consents."""
    answer = httpx2.get(redirect, follow_redirects=False, trust_env=False)
    assert answer.status_code == 302
    back = answer.headers["Location"]
    assert back.startswith(f"{URL}/hooks/install/stepped_forge/?")
    return str(back.removeprefix(URL))


def test_person_who_consents_gets_a_working_installation(api: ApiClient, forge: AuthorizationServer) -> None:
    """The person who follows the address gets a page with the result; the installation has its token and works."""
    answer = begin(api, forge)
    assert answer.status_code == 202, answer.text
    begun = answer.json()
    assert sorted(begun) == ["expiresAt", "id", "provider", "redirect"]
    path = f"integrations/pending/{begun['id']}/"
    assert (api.get(path).json()["status"], api.get("integrations/").json()) == ("waiting", [])
    page = api.client.get(consent(begun["redirect"]))
    assert (page.status_code, "Stepped Forge is installed" in page.text) == (200, True)
    shown = api.get(path).json()
    assert (shown["status"], shown["detail"]) == ("installed", None)
    made = api.get(f"integrations/{shown['integrationId']}/").json()
    assert (made["name"], made["configData"]) == ("ada", {"server": forge.url})
    offers = api.get(f"integrations/{made['id']}/repos/").json()
    assert [each["name"] for each in offers["repos"]] == ["ada/shop", "ada/cart"]


def test_page_is_safe_text(api: ApiClient, forge: AuthorizationServer) -> None:
    """No script, frame or referrer; the plugin's text is escaped; nothing is stored by the browser."""
    begun = begin(api, forge).json()
    back = consent(begun["redirect"])

    def fail(*_: object) -> Any:
        raise ProviderError("<script>alert('&')</script> {title}")

    script.finish = fail
    page = api.client.get(back)
    assert (page.status_code, page.headers["Content-Type"]) == (400, "text/html; charset=utf-8")
    assert "&lt;script&gt;alert(&#x27;&amp;&#x27;)&lt;/script&gt; {title}" in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    names = ("Referrer-Policy", "Cache-Control", "X-Content-Type-Options")
    assert [page.headers[name] for name in names] == ["no-referrer", "no-store", "nosniff"]
    assert "<script" not in page.text


def test_nothing_is_installed_for_a_person_who_declines(api: ApiClient, forge: AuthorizationServer) -> None:
    """The page and the status have the plugin's text; nothing is installed, and no code was exchanged."""
    forge.declines = True
    begun = begin(api, forge).json()
    page = api.client.get(consent(begun["redirect"]))
    assert (page.status_code, "the person declined" in page.text) == (403, True)
    shown = api.get(f"integrations/pending/{begun['id']}/").json()
    assert (shown["status"], "the person declined" in shown["detail"], shown["integrationId"]) == (
        "refused",
        True,
        None,
    )
    assert (api.get("integrations/").json(), forge.exchanges) == ([], 0)


@pytest.mark.parametrize(
    ("change", "status", "text"),
    [
        (lambda back: back.replace("state=", "other="), 400, "no installation that was begun here"),
        (lambda back: back.partition("?")[0], 400, "no installation that was begun here"),
        (lambda back: back + "x", 400, "no installation that was begun here"),
        (lambda back: back.replace("stepped_forge", "custom_scm"), 400, "no installation that was begun here"),
        (lambda back: back.replace("stepped_forge", "%00%ff"), 400, "no installation that was begun here"),
        (lambda back: f"{back}&code=other", 400, "occurs twice"),
        (lambda back: f"{back}&more={'x' * 9000}", 400, "longer than"),
    ],
)
def test_wrong_callback_gets_a_page_with_the_next_step(
    api: ApiClient, forge: AuthorizationServer, change: Any, status: int, text: str
) -> None:
    """A wrong address gets a page that says so and what to do; the right one still works after it."""
    back = consent(begin(api, forge).json()["redirect"])
    page = api.client.get(change(back))
    assert (page.status_code, text in page.text, "Nothing was installed" in page.text) == (status, True, True)
    assert (api.get("integrations/").json(), forge.exchanges) == ([], 0)
    assert api.client.get(back).status_code == 200
    again = api.client.get(back)
    assert (again.status_code, "was used already" in again.text, forge.exchanges) == (410, True, 1)


@pytest.mark.parametrize("method", ["HEAD", "POST", "OPTIONS"])
def test_only_a_get_finishes(api: ApiClient, forge: AuthorizationServer, method: str) -> None:
    """A program that only looks at an address does not use it."""
    back = consent(begin(api, forge).json()["redirect"])
    assert api.client.request(method, back).status_code == 405
    assert api.client.get(back).status_code == 200


def test_forge_that_is_down_after_the_consent(api: ApiClient, forge: AuthorizationServer) -> None:
    """The page says that the code host does not answer; a code that the forge does not know is refused."""
    back = consent(begin(api, forge).json()["redirect"])
    forge.codes.clear()
    page = api.client.get(back)
    assert (page.status_code, "The forge answers 400." in page.text) == (400, True)
    back = consent(begin(api, forge).json()["redirect"])
    script.finish = lambda *_: {"name": "no draft"}
    page = api.client.get(back)
    assert (page.status_code, "The plugin of this provider failed" in page.text) == (502, True)


def test_token_installs_at_once(api: ApiClient, forge: AuthorizationServer) -> None:
    """A form that has all that is needed is answered with the installation."""
    forge.tokens.add("a-token-of-ada")
    answer = begin(api, forge, token="a-token-of-ada")
    assert (answer.status_code, answer.json()["name"]) == (201, "ada")


def test_host_without_address_says_what_to_do(tmp_path: Path, forge: AuthorizationServer) -> None:
    """A token still installs: only the browser needs an address to come back to."""
    script.reset()
    with open_api(tmp_path, configuration(new_key(), url=""), more=[FORGE], background=False) as api:
        answer = begin(api, forge)
        assert (answer.status_code, "sets url under [host]" in answer.json()["detail"]) == (409, True)
        forge.tokens.add("a-token-of-ada")
        assert begin(api, forge, token="a-token-of-ada").status_code == 201


def test_only_the_token_that_began_sees_the_result(api: ApiClient, forge: AuthorizationServer) -> None:
    """Other tokens get 404, and tokens without the scope 403."""
    path = f"integrations/pending/{begin(api, forge).json()['id']}/"
    assert api.get(path).status_code == 200
    assert api.get(path, token=api.token("org:integrations")).status_code == 404
    assert api.get(path, token=api.token("project:read")).status_code == 403
    assert api.get("integrations/pending/none/").status_code == 404
    assert api.client.get(f"/api/0/organizations/acme/{path}").status_code == 401


@pytest.fixture
def site(tmp_path: Path) -> dict[str, str]:
    """Install Stepped Forge for other processes. Return their environment."""
    installed.install(tmp_path / "site", "acme-stepped_forge", "stepped_forge", "plugins.stepped_forge")
    here = str(Path(__file__).parents[1])
    return {"PYTHONPATH": os.pathsep.join([str(tmp_path / "site"), here])}


@pytest.mark.parametrize("where", ["server", "database"])
def test_command_waits_for_the_consent(
    tmp_path: Path, forge: AuthorizationServer, site: dict[str, str], where: str
) -> None:
    """The command prints the address; once a browser has been there, it prints the installation.

    The service's log has neither the code nor the state.
    """
    (tmp_path / "plugins.toml").write_text(configuration(new_key()), encoding="utf-8")
    with serve(tmp_path, more=site) as served:
        done = scmhost("bootstrap", "--org", "acme", "--project", "web", *database(tmp_path), "--json")
        token = json.loads(done.out)["token"]
        target = ["--url", served.url, "--token", token] if where == "server" else database(tmp_path)
        code, out, back = follow(served, ["--field", f"server={forge.url}", *target], site, tmp_path)
        with served.client(token) as client:
            (made,) = client.get("/api/0/organizations/acme/integrations/").json()
            assert client.get(f"/api/0/organizations/acme/integrations/{made['id']}/repos/").status_code == 200
    assert (code, json.loads(out)) == (0, {"id": made["id"], "provider": "stepped_forge", "name": "ada"})
    texts = [value for pair in back.partition("?")[2].split("&") for value in [pair.partition("=")[2]]]
    assert len(texts) == 2
    assert [text for text in texts if text in str(served.log)] == []
    assert "/hooks/install/stepped_forge/" in str(served.log)


def database(folder: Path) -> list[str]:
    return ["--database-url", f"sqlite:///{folder}/served.db", "--config", f"{folder}/plugins.toml"]


def follow(served: Served, words: Sequence[str], site: dict[str, str], folder: Path) -> tuple[int, str, str]:
    """Run the command, and follow the address that it prints. Return its exit code, its output and the callback."""
    command = [str(SCMHOST), "installations", "add", "--provider", "stepped_forge", "--org", "acme", "--json", *words]
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **site}
    ) as process:
        assert process.stderr is not None
        address = next((line.strip() for line in process.stderr if "/authorize?" in line), "")
        assert address, "the command printed no address"
        back = consent(address)
        with served.client() as browser:
            page = browser.get(back)
        assert page.status_code == 200, page.text
        out, _ = process.communicate(timeout=60)
    return process.returncode, out, back


@pytest.mark.parametrize(
    ("file", "status", "text"),
    [
        (configuration(KEY).replace("default = true", "kill = true"), 404, "This provider is off"),
        (configuration(new_key()), 503, "The service cannot finish this now"),
        (configuration(), 503, "The service cannot finish this now"),
    ],
)
def test_callback_while_the_host_is_configured_wrongly(
    tmp_path: Path, forge: AuthorizationServer, file: str, status: int, text: str
) -> None:
    """The browser does not see the configuration. When it is right again, the same address works."""
    script.reset()
    database = f"sqlite:///{tmp_path}/test.db"
    with open_api(tmp_path, configuration(KEY), more=[FORGE], background=False) as api:
        back = consent(begin(api, forge).json()["redirect"])
    with open_api(tmp_path, file, database, more=[FORGE], background=False) as api:
        page = api.client.get(back)
        assert (page.status_code, text in page.text) == (status, True)
        assert [word for word in ("plugins.toml", "kill", "secret_keys") if word in page.text] == []
    with open_api(tmp_path, configuration(KEY), database, more=[FORGE], background=False) as api:
        assert api.client.get(back).status_code == 200
