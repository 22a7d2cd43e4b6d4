"""Installations on pages: the form of a plugin's model, examples, steps at a code host, claims, webhooks, removal."""

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from api import PLUGINS_TOML, ApiClient, open_api
from authorization_server import authorization_server
from browsing import Browser, fields_of, signed_in, text_of
from hosting import candidate
from plugins.stepped_forge import CLIENT_SECRET, script
from scmhost.infra.secret_box import new_key
from scmhost.sdk import preset_kinds
from scmhost.web.install_form import schema_fields
from use_cases import recorded

PAGE = "/organizations/acme/installations"
FORM = {"field-name": "Forge", "field-url": "https://git.acme.example", "field-preset": "forgejo"}


def names(api: ApiClient) -> list[str]:
    """Return the names of the installations."""
    return [each["name"] for each in api.get("integrations/").json()]


def test_form_is_made_from_the_model(admin: Browser) -> None:
    """Required fields are first, a field with known values is a choice, and optional ones are folded away."""
    admin.open(PAGE)
    admin.click("Install CustomSCM")
    labels = [text_of(label) for label in admin.page.css("main form > .field > label")]
    assert labels == ["Name", "URL", "Preset (optional)"]
    assert "required" in admin.first("#field-name").attributes
    assert "base URL of the code host" in text_of(admin.first("#about-field-url"))
    options = [option.text() for option in admin.page.css("#field-preset option")]
    assert [option for option in options if option] == list(preset_kinds())
    assert text_of(admin.first("#field-preset option[selected]")) == "github"
    assert len(admin.page.css("details .field")) == 8


def test_examples_are_shown_before_anything_is_saved(api: ApiClient, admin: Browser) -> None:
    """The examples follow the preset and a template; a wrong template is marked; nothing is installed."""
    admin.open(f"{PAGE}/new/custom_scm")
    admin.submit("Show examples", do="examples", **FORM)
    assert "https://git.acme.example/team/app/src/branch/main/src/cart.py#L41" in admin.text
    admin.submit("Show examples", do="examples", **{"field-template": "{repo_url}/show/{ref}/{path}"})
    assert "https://git.acme.example/team/app/show/main/src/cart.py" in admin.text
    assert admin.first("#field-name").attributes["value"] == "Forge"
    admin.submit("Show examples", do="examples", **{"field-template": "{nothing}"})
    assert (admin.status, admin.first("#field-template").attributes["aria-invalid"]) == (400, "true")
    assert names(api) == []


def test_install_claim_configure_and_uninstall(api: ApiClient, admin: Browser) -> None:
    """From the form to a claimed repository and back; each step is in the audit log."""
    admin.open(f"{PAGE}/new/custom_scm")
    admin.submit("Install", do="install", **FORM)
    assert "Forge is installed." in admin.text
    admin.submit("Claim", name="team/app", url="https://git.acme.example/team/app")
    assert "team/app is claimed." in admin.text
    admin.click("Configure")
    admin.submit("Save", do="save", **{"field-preset": "gitlab"})
    assert "The configuration is saved." in admin.text
    assert api.get("integrations/").json()[0]["configData"] == {"preset": "gitlab"}
    admin.submit("Uninstall", confirm="Forges")
    assert (admin.status, "to uninstall 'Forge', type its name" in admin.text) == (400, True)
    admin.submit("Uninstall", confirm="forge")
    assert admin.path == PAGE
    assert names(api) == []
    assert [action for action, _ in recorded(api.services, api.there.organization)][-5:] == [
        "integration.add",
        "repository.add",
        "repository.claim",
        "integration.edit",
        "integration.remove",
    ]


def test_offers_are_claimed_from_a_list(api: ApiClient, admin: Browser) -> None:
    """Repositories that builds made known are offered, found by a part of the name, and claimed one by one."""
    installation = api.install()
    for name in ("team/app", "team/other"):
        api.repository(name, f"https://git.example.com/{name}")
    admin.open(f"{PAGE}/{installation['id']}/repositories?search=APP")
    assert [text_of(button) for button in admin.page.css("td button")] == ["Claim team/app"]
    chosen = admin.first("td button").attributes["value"] or ""
    admin.submit("Claim team/app", identifier=chosen)
    assert "team/app is claimed." in admin.text
    assert api.get("repos/").json()[0]["integrationId"] == installation["id"]
    admin.open(f"{PAGE}/{installation['id']}")
    admin.submit("Claim", name="team/none")
    assert admin.status == 400
    assert "team/none" in text_of(admin.first("[role=alert]"))


def test_secret_of_the_webhook_is_shown_once(api: ApiClient, admin: Browser, member: Browser) -> None:
    """The text of a new secret is on the page that creates it alone; a deleted one is gone."""
    installation = api.install()
    admin.open(f"{PAGE}/{installation['id']}")
    assert f"/hooks/{installation['id']}/" in admin.text
    admin.submit("Create a secret")
    secret = admin.page.css("pre")[1].text()
    assert len(secret) == 43
    for browser in (admin, member):
        browser.open(f"{PAGE}/{installation['id']}")
        assert secret not in browser.answer.text
        assert len(browser.page.css("[aria-label=Secrets] tbody tr")) == 1
    admin.submit("Delete")
    assert api.get(f"integrations/{installation['id']}/webhook/").json()["secrets"] == []


def test_last_deliveries_are_on_the_page(api: ApiClient, admin: Browser, member: Browser) -> None:
    """Each has its result. Text of an unknown sender is no markup. Members see them too."""
    installation = api.install()
    admin.open(f"{PAGE}/{installation['id']}")
    admin.submit("Create a secret")
    headers = {"X-Forge-Event": "<b>push</b>", "X-Scmhost-Signature": "sha256=wrong"}
    assert api.client.post(f"/hooks/{installation['id']}/", content=b"{}", headers=headers).status_code == 401
    for browser in (admin, member):
        browser.open(f"{PAGE}/{installation['id']}")
        (row,) = browser.page.css("[aria-label='Last deliveries'] tbody tr")
        assert text_of(row, " ").endswith(
            "<b>push</b> refused The delivery is not signed with a secret of this webhook."
        )


def test_wrong_form_keeps_what_was_entered(api: ApiClient, admin: Browser) -> None:
    """Each problem is beside its field, the values stay, and nothing is installed."""
    admin.open(f"{PAGE}/new/custom_scm")
    admin.submit("Install", do="install", **{**FORM, "field-url": "ftp://x", "field-name": ""})
    assert admin.status == 400
    assert [node.attributes["id"] for node in admin.page.css("[aria-invalid=true]")] == ["field-name", "field-url"]
    assert admin.first("#field-url").attributes["value"] == "ftp://x"
    assert names(api) == []


@pytest.mark.parametrize("path", ["/new/custom_scm", "/ID/configuration", "/ID/repositories"])
def test_member_opens_no_form(api: ApiClient, member: Browser, path: str) -> None:
    """A member reads installations, without buttons, and may open none of the forms."""
    installation = api.install()
    member.open(f"{PAGE}/{installation['id']}")
    assert member.status == 200
    assert member.page.css("main form, main .button") == []
    member.open(PAGE + path.replace("ID", installation["id"]))
    assert member.status == 403


@pytest.mark.parametrize("act", ["claim", "sync", "webhooks", "secret", "delete-secret", "uninstall", "configuration"])
def test_member_changes_no_installation(api: ApiClient, member: Browser, act: str) -> None:
    """What the buttons do is refused for a member."""
    installation = api.install()
    member.open(PAGE)
    member.post(f"{PAGE}/{installation['id']}/{act}", fields_of(member.form("Sign out")))
    assert member.status == 403
    assert names(api) == ["team"]


def test_provider_that_is_off_is_not_offered(api: ApiClient, admin: Browser) -> None:
    """Only providers that are on have a form; an installation of another one says why it is idle."""
    for key in ("github", "nothing"):
        admin.open(f"{PAGE}/new/{key}")
        assert admin.status == 404


SCHEMA = {
    "$defs": {"Kind": {"enum": ["a", "b"], "type": "string"}},
    "properties": {
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
        "kind": {"$ref": "#/$defs/Kind", "default": "b"},
        "token": {"anyOf": [{"type": "string", "format": "password", "writeOnly": True}, {"type": "null"}]},
        "often": {"type": "boolean", "default": True},
        "groups": {"type": "array", "items": {"type": "string"}, "default": ["x", "y"]},
        "extra": {"type": "object"},
        "number": {"type": "integer"},
    },
    "required": ["number"],
}


def test_schema_gives_a_control_for_each_type() -> None:
    """Each type of JSON Schema has its control; a secret has no value."""
    fields = {field.key: field for field in schema_fields(SCHEMA, {"token": "hunter2", "extra": {"a": 1}})}
    assert next(iter(fields)) == "number"
    assert {key: (field.kind, field.value) for key, field in fields.items()} == {
        "number": ("number", ""),
        "kind": ("choice", "b"),
        "token": ("password", ""),
        "often": ("checkbox", "on"),
        "groups": ("lines", "x\ny"),
        "note": ("text", ""),
        "extra": ("json", '{"a": 1}'),
    }
    assert fields["kind"].options == ("a", "b")
    assert {key for key, field in fields.items() if not field.shown_first} == {"note", "extra"}


@pytest.fixture
def stepped(tmp_path: Path) -> Iterator[ApiClient]:
    """A service with a provider that needs a person's consent at its code host."""
    script.reset()
    host = f'[host]\nsecret_keys = ["{new_key()}"]\nurl = "http://scmhost.example"'
    enabled = "[plugins.stepped_forge]\nenabled = true\ndefault = true\n"
    forge = candidate("stepped_forge", "plugins.stepped_forge")
    configuration = PLUGINS_TOML.replace("[host]", host) + enabled
    with open_api(tmp_path, configuration, more=[forge], background=False) as opened:
        yield opened
    script.reset()


def test_installation_continues_at_the_code_host(stepped: ApiClient) -> None:
    """The page leads to the code host; after the browser came back, the page of the result is the installation's."""
    with authorization_server(CLIENT_SECRET) as forge:
        admin = signed_in(stepped)
        admin.open(f"{PAGE}/new/stepped_forge")
        assert not any(text_of(button) == "Show examples" for button in admin.page.css("button"))
        admin.submit("Install", do="install", **{"field-server": forge.url})
        consent = admin.first("a.main").attributes["href"] or ""
        assert consent.startswith(forge.url)
        pending = admin.first("p.acts a:last-child").attributes["href"] or ""
        admin.open(pending)
        assert "Not finished yet" in admin.text
        answer = httpx2.get(consent, follow_redirects=False, trust_env=False)
        admin.open(answer.headers["Location"].removeprefix("http://scmhost.example"))
        back = admin.first("a").attributes["href"] or ""
        admin.open(back.removeprefix("http://scmhost.example"))
        assert text_of(admin.first("h1"), " ") == "ada Stepped Forge"
        admin.open(pending)
        assert "It is installed." in admin.text
        assert names(stepped) == ["ada"]
        other = signed_in(stepped, "Grace")
        other.open(pending)
        assert other.status == 404
