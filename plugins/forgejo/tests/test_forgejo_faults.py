"""Every way in which a server can fail, and what each hook makes of it."""

import asyncio
from itertools import product
from time import monotonic

import pytest

from fake_hosts import base
from fake_hosts.base import Fault
from forgejo_hooks import HOOKS
from forgejo_team import Team, run
from scmhost.sdk import (
    ProviderError,
    ProviderForbidden,
    ProviderUnauthorized,
    ProviderUnavailable,
    RateLimited,
)
from scmhost.sdk.execution import DEADLINE

FAULTS: dict[str, tuple[Fault, type[ProviderError]]] = {
    "rate limit": (base.rate_limit(17), RateLimited),
    "401": (base.status(401), ProviderUnauthorized),
    "403": (base.status(403), ProviderForbidden),
    "500": (base.status(500), ProviderUnavailable),
    "502": (base.status(502, "<html>"), ProviderUnavailable),
    "half": (base.half_body(), ProviderUnavailable),
    "redirect": (base.redirect("https://login.example.com/"), ProviderUnavailable),
    "moved": (base.redirect("https://other.example/", 301), ProviderError),
}
# A file is bytes: these answers are valid for it.
JSON_FAULTS: dict[str, tuple[Fault, type[ProviderError]]] = {
    "web page": (base.web_page(), ProviderUnavailable),
    "wrong types": (base.wrong_types(), ProviderUnavailable),
    "wrong fields": (base.wrong_types({"id": "x", "data": 3, "commit": [], "type": 1}), ProviderUnavailable),
}


@pytest.mark.parametrize(
    ("name", "hook"),
    [*product(FAULTS, HOOKS), *product(JSON_FAULTS, (hook for hook in HOOKS if hook != "read"))],
)
def test_a_fault_is_an_error_of_the_contract(team: Team, hook: str, name: str) -> None:
    """Of the kind by which the host decides what to do next."""
    fault, kind = (FAULTS | JSON_FAULTS)[name]
    team.host.fault(fault)
    with pytest.raises(ProviderError) as caught:
        run(HOOKS[hook], team)
    assert type(caught.value) is kind
    assert "good-token" not in str(caught.value)
    if isinstance(caught.value, RateLimited):
        assert caught.value.retry_after == 17


@pytest.mark.parametrize("hook", ["offer", "compare", "register"])
def test_a_huge_answer_is_refused(team: Team, hook: str) -> None:
    """Twenty million bytes of JSON."""
    team.host.fault(base.huge_body())
    with pytest.raises(ProviderError, match="more than 10,000,000 bytes"):
        run(HOOKS[hook], team)


@pytest.mark.parametrize("hook", HOOKS)
def test_a_slow_server_is_unavailable_before_the_deadline(team: Team, hook: str) -> None:
    """The plugin is not blamed for it."""
    team.host.fault(base.slow())

    async def hurried() -> None:
        DEADLINE.set(monotonic() + 0.3)
        async with asyncio.timeout(5):
            await HOOKS[hook](team)

    with pytest.raises(ProviderUnavailable, match="in time"):
        run(hurried)


def test_a_revoked_token_is_reported(team: Team) -> None:
    """As what the host renews, or shows to a person."""
    del team.host.tokens["good-token"]
    with pytest.raises(ProviderUnauthorized):
        run(HOOKS["resolve"], team)


def test_a_server_that_is_gone_is_unavailable(team: Team) -> None:
    """Nothing listens at its address."""
    moved = {**team.installation.metadata, "url": "http://127.0.0.1:1"}
    team.installation = team.installation.model_copy(update={"metadata": moved})
    with pytest.raises(ProviderUnavailable, match=r"127\.0\.0\.1:1 cannot be reached"):
        run(HOOKS["resolve"], team)


def test_connections_are_kept(team: Team) -> None:
    """Several calls on one event loop use one connection."""

    async def several() -> None:
        for hook in ("resolve", "exists", "read", "offer"):
            await HOOKS[hook](team)

    run(several)
    assert len(team.host.calls) > 4
    # Tag and branch are asked for at the same time.
    assert len({call.headers["x-client"] for call in team.host.calls}) <= 2


def test_a_permission_that_the_token_lacks_is_named(team: Team) -> None:
    """The server's own words reach the person who installs."""
    user = team.host.tokens["good-token"]
    user.scopes = frozenset({"read:user", "read:repository"})
    with pytest.raises(ProviderForbidden, match=r"required scope\(s\): \[write:repository\]"):
        run(HOOKS["register"], team)
