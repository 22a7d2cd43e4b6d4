"""Installations with the consent of a person at a fake Forgejo, over HTTP."""

from typing import Any

import pytest

from forgejo_service import Acme, agreed


def begun(acme: Acme, **form: Any) -> dict[str, Any]:
    answer = acme.api.post("integrations/", {"provider": "forgejo", "instance": "ours", **form})
    assert answer.status_code == 202, answer.text
    body: dict[str, Any] = answer.json()
    return body


def consented(acme: Acme) -> dict[str, Any]:
    """Install with the consent of a person. Return the installation."""
    pending = begun(acme)
    page = acme.api.client.get(agreed(pending["redirect"]))
    assert page.status_code == 200, page.text
    (installation,) = acme.api.get("integrations/").json()
    made: dict[str, Any] = installation
    return made


def test_a_person_agrees_in_a_browser(acme: Acme) -> None:
    """The installation works, and no answer has a token or the secret of the application."""
    installation = consented(acme)
    listed = acme.api.get(f"integrations/{installation['id']}/repos/").json()["repos"]
    assert [offer["identifier"] for offer in listed] == ["team/app"]
    tokens = [token for token in acme.host.tokens if token.startswith("access-")]
    shown = acme.api.get(f"integrations/{installation['id']}/").text
    assert tokens
    assert not any(text in shown for text in (*tokens, *acme.host.refresh_tokens, "app-secret-9"))


def test_a_state_is_used_once(acme: Acme) -> None:
    """A second browser with the same address gets nothing."""
    path = agreed(begun(acme)["redirect"])
    assert acme.api.client.get(path).status_code == 200
    assert acme.api.client.get(path).status_code in (400, 410)
    assert len(acme.api.get("integrations/").json()) == 1


@pytest.mark.parametrize("query", ["?code=1", "?code=1&state=foreign", ""])
def test_a_foreign_state_is_refused(acme: Acme, query: str) -> None:
    """Nothing is asked of the server."""
    begun(acme)
    asked = len(acme.host.calls)
    assert acme.api.client.get(f"/hooks/install/forgejo/{query}").status_code in (400, 410)
    assert len(acme.host.calls) == asked


def test_a_person_may_decline(acme: Acme) -> None:
    """The page says so."""
    state = agreed(begun(acme)["redirect"]).rpartition("state=")[2]
    page = acme.api.client.get(f"/hooks/install/forgejo/?error=access_denied&state={state}")
    assert (page.status_code, "access_denied" in page.text) == (400, True), page.text
    assert acme.api.get("integrations/").json() == []


def test_an_expired_token_is_renewed(acme: Acme) -> None:
    """The request that finds it expired succeeds."""
    installation = consented(acme)
    for token in [token for token in acme.host.tokens if token.startswith("access-")]:
        del acme.host.tokens[token]
    answer = acme.api.get(f"integrations/{installation['id']}/repos/")
    assert answer.status_code == 200, answer.text
    assert len([call for call in acme.host.calls if call.path == "/login/oauth/access_token"]) == 2


def test_a_consent_that_was_withdrawn_needs_attention(acme: Acme) -> None:
    """The rest of the service runs; the reason is shown."""
    installation = consented(acme)
    acme.host.tokens.clear()
    acme.host.refresh_tokens.clear()
    assert acme.api.get(f"integrations/{installation['id']}/repos/").status_code == 503
    shown = acme.api.get(f"integrations/{installation['id']}/").json()
    assert "credentials" in shown["needsAttention"]
