"""A GitLab that is down, slow, limited, replaced by something else, or that refuses the credentials."""

from time import monotonic, time
from typing import Any

import pytest

from fake_hosts.base import (
    Fault,
    Reply,
    User,
    half_body,
    huge_body,
    rate_limit,
    redirect,
    slow,
    status,
    web_page,
    wrong_types,
)
from fake_hosts.gitlab import FakeGitLab
from gitlab_calls import GitLabCalls
from scmhost.sdk import (
    AddRequest,
    Existence,
    Location,
    ProviderError,
    ProviderForbidden,
    ProviderUnauthorized,
    ProviderUnavailable,
    RateLimited,
    RegisteredWebhook,
)

_WEBHOOK = {"address": "https://scmhost.example.com/hooks/3/", "secret": "a-secret-of-the-host"}
CALLS: dict[str, dict[str, Any]] = {
    "scm_offer_repositories": {"search": "", "cursor": ""},
    "scm_dispatch_repository": {"request": AddRequest(identifier="acme/shop/cart"), "candidate": None},
    "scm_sync_repositories": {},
    "scm_resolve_ref": {"ref": "main"},
    "scm_compare_commits": {"base": None, "head": "main"},
    "scm_file_exists": {"location": Location(ref="main", ref_kind="branch", path="a.py")},
    "scm_read_file": {"ref": "main", "path": "a.py"},
    "scm_blame_lines": {"ref": "main", "path": "a.py", "lines": (1,)},
    "scm_register_webhook": _WEBHOOK,
    "scm_unregister_webhook": {"webhook": RegisteredWebhook(external_id="1")},
}
# What the body of an answer says is not read by these.
WITHOUT_BODY = {"scm_file_exists", "scm_unregister_webhook"}
every_call = pytest.mark.parametrize("hook", CALLS)
calls_with_body = pytest.mark.parametrize("hook", sorted(CALLS.keys() - WITHOUT_BODY))


def call(gitlab: GitLabCalls, hook: str, seconds: float = 10.0) -> Any:
    project = gitlab.project() if not gitlab.host.repositories else gitlab.host.repositories[0]
    if not project.refs("heads"):
        project.commit({"a.py": "1\n"})
    stored = gitlab.stored(project)
    return gitlab.call(hook, repository=stored, repositories=(stored,), seconds=seconds, **CALLS[hook])


@every_call
@pytest.mark.parametrize("fault", [status(500), status(502), status(503)], ids=["500", "502", "503"])
def test_an_outage_is_unavailable(gitlab: GitLabCalls, hook: str, fault: Fault) -> None:
    """The host tries again later."""
    gitlab.host.fault(fault)
    with pytest.raises(ProviderUnavailable):
        call(gitlab, hook)


@every_call
def test_a_rate_limit_has_its_pause(gitlab: GitLabCalls, hook: str) -> None:
    """As GitLab states it."""
    gitlab.host.fault(rate_limit(42))
    with pytest.raises(RateLimited) as caught:
        call(gitlab, hook)
    assert caught.value.retry_after == 42


def test_a_rate_limit_may_state_when_it_ends(gitlab: GitLabCalls) -> None:
    """GitLab sends the time of the reset in seconds since 1970."""
    headers = {"RateLimit-Limit": "600", "RateLimit-Remaining": "0", "RateLimit-Reset": str(int(time()) + 90)}
    gitlab.host.fault(lambda *_: Reply("Retry later\n", 429, headers))
    with pytest.raises(RateLimited) as caught:
        call(gitlab, "scm_resolve_ref")
    assert 60 < (caught.value.retry_after or 0) <= 90


@every_call
def test_refused_credentials_are_unauthorized(gitlab: GitLabCalls, host: FakeGitLab, hook: str) -> None:
    """Expired and revoked tokens; the error does not repeat them."""
    host.expired.add("good-token")
    with pytest.raises(ProviderUnauthorized) as caught:
        call(gitlab, hook)
    assert "good-token" not in str(caught.value)
    host.expired.clear()
    token = host.tokens.pop("good-token")
    gitlab.host.tokens["other"] = token
    with pytest.raises(ProviderUnauthorized):
        gitlab.call("scm_offer_repositories", search="", cursor="")


@every_call
def test_a_token_without_the_right_is_forbidden(gitlab: GitLabCalls, host: FakeGitLab, hook: str) -> None:
    """GitLab answers 403; the credentials themselves are valid."""
    gitlab.project().commit({"a.py": "1\n"})
    host.tokens["good-token"].scopes = frozenset({"read_registry"})
    with pytest.raises(ProviderForbidden):
        call(gitlab, hook)


@calls_with_body
@pytest.mark.parametrize("fault", [web_page(), wrong_types(), half_body()], ids=["page", "types", "half"])
def test_an_answer_that_is_none_of_gitlab_is_unavailable(gitlab: GitLabCalls, hook: str, fault: Fault) -> None:
    """A page of a proxy, other JSON, and an answer that breaks off."""
    gitlab.host.fault(fault)
    with pytest.raises(ProviderUnavailable):
        call(gitlab, hook)


@calls_with_body
def test_an_endless_answer_is_refused(gitlab: GitLabCalls, hook: str) -> None:
    """It is not read to its end."""
    gitlab.host.fault(huge_body())
    with pytest.raises(ProviderError, match="more than"):
        call(gitlab, hook)


@every_call
def test_credentials_are_not_sent_elsewhere(gitlab: GitLabCalls, tmp_path: Any, hook: str) -> None:
    """A redirect to another host is not followed."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with FakeGitLab(elsewhere) as other:
        gitlab.host.fault(redirect(f"{other.url}/api/v4/user"))
        with pytest.raises(ProviderError, match="redirects to"):
            call(gitlab, hook)
        assert other.calls == []


@pytest.mark.parametrize("hook", ["scm_file_exists", "scm_resolve_ref", "scm_read_file"])
def test_a_slow_host_costs_no_more_than_the_budget(gitlab: GitLabCalls, hook: str) -> None:
    """The error comes before the deadline, so that it is no fault of the plugin."""
    gitlab.host.fault(slow())
    project = gitlab.project()
    project.commit({"a.py": "1\n"})
    began = monotonic()
    with pytest.raises(ProviderUnavailable, match="in time"):
        call(gitlab, hook, seconds=1.0)
    assert monotonic() - began < 30


def test_nobody_answers(gitlab: GitLabCalls) -> None:
    """The address is right, and nothing listens there."""
    gitlab.host.__exit__()
    with pytest.raises(ProviderUnavailable, match="cannot be reached"):
        gitlab.call("scm_offer_repositories", search="", cursor="")


@pytest.mark.parametrize(
    ("hook", "expected"),
    [
        ("scm_file_exists", Existence.UNKNOWN),
        ("scm_read_file", None),
        ("scm_blame_lines", ()),
        ("scm_resolve_ref", None),
    ],
)
def test_the_projects_of_others_look_as_if_they_did_not_exist(gitlab: GitLabCalls, hook: str, expected: object) -> None:
    """A private project of which the account is no member."""
    hidden = gitlab.host.repository("globex/secret", private=True)
    hidden.commit({"a.py": "1\n"})
    found = gitlab.call(hook, repository=gitlab.stored(hidden), **CALLS[hook])
    assert (tuple(found) if isinstance(expected, tuple) else found) == expected


def test_one_failure_does_not_last(gitlab: GitLabCalls) -> None:
    """The next call works; nothing of the failure is kept."""
    gitlab.host.fault(half_body(), times=1)
    with pytest.raises(ProviderUnavailable):
        call(gitlab, "scm_resolve_ref")
    assert call(gitlab, "scm_resolve_ref").name == "main"


def test_two_installations_do_not_share_answers(gitlab: GitLabCalls) -> None:
    """Connections are shared, credentials and answers are not."""
    gitlab.project()
    gitlab.host.tokens["other-token"] = User("bob")

    def offers(token: str) -> int:
        installation = gitlab.installed(token=token)
        page = gitlab.call("scm_offer_repositories", installation=installation, search="", cursor="")
        return len(page.offers)

    assert [offers("good-token"), offers("other-token"), offers("good-token")] == [1, 0, 1]


def test_a_failure_among_many_requests_ends_them(gitlab: GitLabCalls) -> None:
    """Those that wait for their turn are not sent."""
    project = gitlab.project()
    stored = [gitlab.stored(project, id=number) for number in range(100)]
    gitlab.host.fault(rate_limit(5), on="/projects/")
    with pytest.raises(RateLimited):
        gitlab.call("scm_sync_repositories", repositories=stored)
    assert len(gitlab.host.calls) < 50
