"""Tokens and redirect keys on pages: what is shown once, what is revoked, and who may."""

from datetime import timedelta

import pytest

from api import ApiClient
from browsing import Browser, fields_of, text_of
from scmhost.organizations.tokens import list_tokens
from scmhost.redirects.keys import list_keys

ACME = "/organizations/acme"


def test_token_is_shown_once_and_revoked(api: ApiClient, admin: Browser) -> None:
    """A new token works at once with the scopes of its use; a revoked one does not."""
    admin.open(f"{ACME}/tokens")
    admin.submit("Create token", name="CI", use="builds", days="30")
    text = admin.first("pre").text()
    created = list_tokens(api.services, api.there.organization)[-1]
    assert (created.name, created.scopes) == ("CI", frozenset({"org:ci", "project:releases"}))
    assert created.expires_at
    assert created.expires_at - created.created_at == pytest.approx(timedelta(days=30), abs=timedelta(minutes=1))
    assert api.post("releases/", {"version": "1", "projects": ["web"]}, token=text).status_code == 201
    assert api.post("repos/", {"name": "x"}, token=text).status_code == 403
    admin.open(f"{ACME}/tokens")
    assert text not in admin.answer.text
    admin.submit("Revoke")
    assert api.get("releases/", token=text).status_code == 401


def test_redirect_key_is_shown_once_and_revoked(api: ApiClient, admin: Browser) -> None:
    """The address of a new key answers; that of a revoked one does not."""
    admin.open(f"{ACME}/tokens")
    admin.submit("Create key", key_name="Grafana", binds_sender="on")
    address = admin.first("pre").text().removeprefix("http://testserver")
    assert [key.binds_sender for key in list_keys(api.services, api.there.organization)] == [True]
    unknown = "unknown or revoked"
    assert unknown not in api.client.get(f"{address}?file=/srv/x.py&installationId=1").text
    revoke = admin.first("[aria-label='Redirect keys'] form")
    admin.post(revoke.attributes["action"] or "", fields_of(revoke))
    assert address not in admin.answer.text
    assert unknown in api.client.get(f"{address}?file=/srv/x.py&installationId=1").text


@pytest.mark.parametrize(
    ("button", "fields"),
    [
        ("Create token", {"name": ""}),
        ("Create token", {"name": "x", "use": "root"}),
        ("Create token", {"name": "x", "days": "1e9"}),
        ("Create key", {"key_name": ""}),
    ],
)
def test_wrong_fields_create_nothing(api: ApiClient, admin: Browser, button: str, fields: dict[str, str]) -> None:
    """A form with a wrong field is refused, with the reason beside it."""
    before = len(list_tokens(api.services, api.there.organization))
    admin.open(f"{ACME}/tokens")
    admin.submit(button, **fields)
    assert (admin.status, bool(text_of(admin.first("[role=alert]")))) == (400, True)
    assert len(list_tokens(api.services, api.there.organization)) == before
    assert list_keys(api.services, api.there.organization) == []


@pytest.mark.parametrize("path", ["tokens", "tokens/1/revoke", "redirect-keys", "redirect-keys/1/revoke"])
def test_member_has_no_tokens(api: ApiClient, member: Browser, path: str) -> None:
    """Forms that give access are refused for members, and tokens are not listed for them."""
    member.open(ACME)
    assert "Tokens" not in [text_of(link) for link in member.page.css(".tabs a")]
    member.post(f"{ACME}/{path}", {**fields_of(member.form("Sign out")), "name": "x", "key_name": "x"})
    assert member.status == 403
    member.open(f"{ACME}/tokens")
    assert member.status == 403
    assert list_keys(api.services, api.there.organization) == []
