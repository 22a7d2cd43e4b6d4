"""Servers that answer with anything: a hook returns valid values, or raises an error of the contract."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from fake_hosts.base import Call, FakeHost, Reply, wrong_types
from forgejo_hooks import HOOKS
from forgejo_team import Team, run
from scmhost.sdk import ProviderError, ProviderUnavailable
from scmhost_forgejo import plugin
from scmhost_forgejo.forms import ForgejoInstallForm, ForgejoInstance, ForgejoSettings

NAMES = ("id", "sha", "full_name", "default_branch", "commit", "author", "date", "message", "data", "type", "config")
MORE_NAMES = ("url", "files", "filename", "status", "name", "email", "login", "archived", "access_token", "expires_in")
TEXTS = ("", "a/b", "a/..", 'a"/b', "x" * 300, "a" * 40, "f" * 65, "push", "file", "\x00", "\u202e", "-1", "0001-01-01")

leaves = st.sampled_from(TEXTS) | st.integers(-(10**20), 10**20) | st.none() | st.booleans() | st.floats()
answers = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from((*NAMES, *MORE_NAMES)), inner, max_size=6)
    ),
    max_leaves=12,
)
headers = st.fixed_dictionaries(
    {},
    optional={
        "Link": st.sampled_from(['<x?page=2>; rel="next"', "<?page=" + "9" * 2000 + '>; rel="next"', "<>", "rel=next"]),
        "X-Total-Count": st.sampled_from(["x", "-1", "9" * 30, "\u0661".encode().decode("latin-1"), "2"]),
        "Retry-After": st.sampled_from(["x", "-1", "1e400"]),
    },
)


# Each example replaces what the one before it has changed in the fixture.
UNCHECKED = (HealthCheck.function_scoped_fixture, HealthCheck.too_slow)


@pytest.mark.parametrize("hook", HOOKS)
@given(body=answers, more=headers, status=st.sampled_from([200, 200, 200, 201, 204, 299, 403, 429, 503]))
@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_any_answer_is_survived(team: Team, hook: str, body: Any, more: dict[str, str], status: int) -> None:
    """Never with another exception, which would be a fault of the plugin."""

    def hostile(_host: FakeHost, _call: Call) -> Reply:
        return Reply(body, status, dict(more))

    team.host.heal()
    team.host.calls.clear()
    team.host.fault(hostile)
    with suppress(ProviderError):
        run(HOOKS[hook], team)
    # Whatever the answers say, the number of requests is bounded.
    assert len(team.host.calls) <= 60


@pytest.mark.parametrize(
    "tokens",
    [
        {},
        {"access_token": ""},
        {"access_token": "x" * 9_000},
        {"access_token": "good-token", "expires_in": 10**12},
        {"access_token": "good-token", "expires_in": "soon"},
        {"access_token": "good-token", "refresh_token": 5},
    ],
)
def test_odd_tokens_are_refused(team: Team, tokens: dict[str, Any]) -> None:
    """The text does not repeat them."""
    team.host.fault(wrong_types(tokens), on="access_token")
    instance = ForgejoInstance(url=team.host.url, client_id="client-7", client_secret=SecretStr("app-secret-9"))
    settings = ForgejoSettings(instances={"ours": instance})
    saved = {"form": {"instance": team.host.url}, "url": team.host.url, "code_verifier": "v"}
    with pytest.raises(ProviderUnavailable) as caught:
        run(plugin.scm_finish_install, {"code": "1"}, saved, "https://scmhost.example/callback", settings)
    assert "good-token" not in str(caught.value)


@pytest.mark.parametrize("seconds", [None, 0, -5])
def test_tokens_without_an_end_do_not_expire(team: Team, seconds: int | None) -> None:
    """Nothing is renewed before it is refused."""
    tokens = {"access_token": "good-token", "expires_in": seconds}
    team.host.fault(wrong_types(tokens), on="access_token")
    instance = ForgejoInstance(url=team.host.url, client_id="client-7", client_secret=SecretStr("app-secret-9"))
    settings = ForgejoSettings(instances={"ours": instance})
    saved = {"form": {"instance": team.host.url, "name": "Ours"}, "url": team.host.url, "code_verifier": "v"}
    draft = run(plugin.scm_finish_install, {"code": "1"}, saved, "https://scmhost.example/callback", settings)
    assert (draft.name, draft.secrets_expire_at, set(draft.secrets)) == ("Ours", None, {"access_token"})


@pytest.mark.parametrize("secret", ["", "x"])
def test_a_form_has_a_whole_token(secret: str) -> None:
    """An empty field is not the same as no field."""
    with pytest.raises(ValueError, match="token"):
        ForgejoInstallForm(token=SecretStr(secret))
