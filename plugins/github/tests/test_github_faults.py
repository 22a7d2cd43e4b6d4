"""What becomes of a GitHub that is slow, broken, limited or hostile: errors of the contract, for every I/O hook."""

from collections.abc import Callable
from itertools import product
from typing import Any, Final

import pytest

from fake_hosts import base
from fake_hosts.base import Fault
from fake_hosts.github import primary_limit, secondary_limit
from fake_hosts.repository import BareRepository
from github_calls import TOKEN, GitHubCalls
from scmhost.sdk import (
    AddRequest,
    Location,
    ProviderError,
    ProviderForbidden,
    ProviderUnauthorized,
    ProviderUnavailable,
    RateLimited,
    RegisteredWebhook,
)

SHA: Final = "a" * 40
LOCATION: Final = Location(ref="main", ref_kind="branch", path="a.py")

HOOKS: Final[dict[str, dict[str, Any]]] = {
    "scm_offer_repositories": {"search": "", "cursor": "", "repositories": ()},
    "scm_dispatch_repository": {"request": AddRequest(identifier="team/app"), "candidate": None},
    "scm_file_exists": {"location": LOCATION},
    "scm_resolve_ref": {"ref": "main"},
    "scm_compare_commits": {"base": None, "head": "main"},
    "scm_read_file": {"ref": "main", "path": "a.py"},
    "scm_blame_lines": {"ref": "main", "path": "a.py", "lines": (1,)},
    "scm_register_webhook": {"address": "https://scmhost.example.com/", "secret": "s" * 20},
    "scm_unregister_webhook": {"webhook": RegisteredWebhook(external_id="1")},
    "scm_sync_repositories": {},
}
every_hook = pytest.mark.parametrize("hook", HOOKS)


@pytest.fixture
def app(github: GitHubCalls) -> BareRepository:
    made = github.repository("team/app")
    made.commit({"a.py": "1\n"})
    return made


def ask(github: GitHubCalls, app: BareRepository, hook: str, seconds: float = 5.0) -> Any:
    stored = github.stored(app)
    given: dict[str, Any] = {"repository": stored, "repositories": (stored,), **HOOKS[hook]}
    if hook == "scm_sync_repositories":
        given["repositories"] = (stored,)
    return github.call(hook, seconds=seconds, **given)


@every_hook
def test_without_faults_every_hook_answers(github: GitHubCalls, app: BareRepository, hook: str) -> None:
    """Otherwise the tests below would show nothing."""
    ask(github, app, hook)
    assert github.asked()


@every_hook
@pytest.mark.parametrize(
    ("fault", "pause"),
    [
        (base.rate_limit(31), (31, 31)),
        (primary_limit(90), (85, 91)),
        (secondary_limit(41), (41, 41)),
        (secondary_limit(None), (60, 60)),
    ],
    ids=["429", "primary", "secondary", "secondary without a time"],
)
def test_rate_limits_have_their_pause(
    github: GitHubCalls, app: BareRepository, hook: str, fault: Fault, pause: tuple[float, float]
) -> None:
    """GitHub refuses with 403, and says in different headers for how long."""
    github.host.fault(fault)
    with pytest.raises(RateLimited) as limited:
        ask(github, app, hook)
    assert limited.value.retry_after is not None
    assert pause[0] <= limited.value.retry_after <= pause[1]


FAULTS: Final[dict[str, Callable[[], Fault]]] = {
    "500": lambda: base.status(500),
    "502": lambda: base.status(502, "<html>Unicorn!</html>"),
    "503": lambda: base.status(503),
    "half": base.half_body,
    "page": base.web_page,
    "elsewhere": lambda: base.redirect("https://evil.example/api"),
    "circle": lambda: base.redirect("/circle"),
    "slow": base.slow,
}


# The body of the answer to this hook is not read.
@pytest.mark.parametrize(
    ("fault", "hook"), [pair for pair in product(FAULTS, HOOKS) if pair != ("page", "scm_unregister_webhook")]
)
def test_a_broken_github_is_unavailable(github: GitHubCalls, app: BareRepository, hook: str, fault: str) -> None:
    """The same request may work later, and nothing that was sent is shown."""
    github.host.fault(FAULTS[fault]())
    with pytest.raises(ProviderUnavailable) as unavailable:
        ask(github, app, hook, seconds=0.5 if fault == "slow" else 5.0)
    assert TOKEN not in str(unavailable.value)
    assert not isinstance(unavailable.value, RateLimited)


@every_hook
@pytest.mark.parametrize("body", [["text", 7, None], {"id": "x", "ranges": 5}, 7, "text", None], ids=str)
def test_wrong_types_are_an_error_of_the_contract(
    github: GitHubCalls, app: BareRepository, hook: str, body: Any
) -> None:
    """Whatever JSON it is."""
    github.host.fault(base.wrong_types(body))
    try:
        ask(github, app, hook)
    except ProviderError as error:
        assert str(error)  # noqa: PT017 - some hooks read no field of the answer


@every_hook
def test_twenty_megabytes_are_refused(github: GitHubCalls, app: BareRepository, hook: str) -> None:
    """The answer is not read to its end."""
    github.host.fault(base.huge_body())
    with pytest.raises(ProviderError, match=r"more than (?:10|2),000,000 bytes"):
        ask(github, app, hook)


@every_hook
def test_a_revoked_token_is_unauthorized(github: GitHubCalls, app: BareRepository, hook: str) -> None:
    """The host then tries to renew it."""
    github.host.tokens.clear()
    with pytest.raises(ProviderUnauthorized):
        ask(github, app, hook)


@every_hook
def test_a_token_without_permission_is_forbidden(github: GitHubCalls, app: BareRepository, hook: str) -> None:
    """Such as a fine-grained token without the permission *Contents*."""
    github.host.fault(base.status(403, {"message": "Resource not accessible by personal access token"}))
    with pytest.raises(ProviderForbidden, match="Resource not accessible"):
        ask(github, app, hook)


def test_a_redirect_to_the_new_name_is_followed(github: GitHubCalls, app: BareRepository) -> None:
    """Until the next sync the host has the old name: reads and changes work nevertheless."""
    stored = github.stored(app)
    app.rename("other", "shop")
    github.host.tokens[TOKEN].repositories.add("other/shop")
    assert github.call("scm_resolve_ref", repository=stored, ref="main").sha == app.head()
    assert github.call("scm_read_file", repository=stored, ref="main", path="a.py") == b"1\n"
    made = github.call("scm_register_webhook", repository=stored, address="https://x.example/", secret="s" * 20)
    assert [str(hook.id) for hook in github.host.hooks] == [made.external_id]


def test_the_token_stays_with_its_host(github: GitHubCalls, app: BareRepository) -> None:
    """A redirect to another port of the same machine is another place."""
    with type(github.host)(github.host.folder / "other") as other:
        github.host.fault(base.redirect(f"{other.url}/api/v3/user/repos"))
        with pytest.raises(ProviderUnavailable, match="which is not followed"):
            ask(github, app, "scm_offer_repositories")
        assert other.calls == []


def test_faults_of_the_app_s_own_calls(github: GitHubCalls) -> None:
    """Renewing a token meets the same faults."""
    installation = github.with_app()
    for fault, error in (
        (base.status(502), ProviderUnavailable),
        (secondary_limit(9), RateLimited),
        (base.wrong_types({"token": 7}), ProviderUnavailable),
        (base.wrong_types({"token": "x", "expires_at": "tomorrow"}), ProviderUnavailable),
        (base.half_body(), ProviderUnavailable),
    ):
        github.host.heal()
        github.host.fault(fault)
        with pytest.raises(error):
            github.call("scm_refresh_credentials", installation=installation)
