"""Webhooks: registered at repositories, routed from the App's address, verified and read."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fake_hosts import openapi
from fake_hosts.base import Call, FakeHost, Hook, Reply
from fake_hosts.github import WEBHOOK_SECRET, signed
from fake_hosts.repository import EMPTY, history
from github_calls import GitHubCalls, app_settings
from scmhost.sdk import (
    DeliveryRoute,
    ProviderError,
    ProviderForbidden,
    Push,
    RegisteredWebhook,
    Repository,
)
from scmhost_github.forms import GitHubSettings

ADDRESS = "https://scmhost.example.com/hooks/3/"
SECRET = "the-secret-of-the-webhook"


def headers_of(body: bytes, event: str = "push", secret: str = SECRET) -> dict[str, str]:
    return {name.lower(): value for name, value in signed("", event, body, secret).headers.items()}


def read(
    github: GitHubCalls,
    body: bytes,
    event: str = "push",
    secret: str = SECRET,
    *repositories: Repository,
    **headers: str,
) -> list[Push]:
    given = {**headers_of(body, event, secret), **headers}
    pushes = github.call("scm_read_push", headers=given, body=body, secret=SECRET, repositories=repositories)
    return list(pushes)


def route(github: GitHubCalls, body: bytes, event: str = "push", secret: str = WEBHOOK_SECRET) -> DeliveryRoute | None:
    found: DeliveryRoute | None = github.call("scm_route_delivery", headers=headers_of(body, event, secret), body=body)
    return found


def register(
    github: GitHubCalls, stored: Repository, address: str = ADDRESS, secret: str = SECRET
) -> RegisteredWebhook:
    made: RegisteredWebhook = github.call("scm_register_webhook", repository=stored, address=address, secret=secret)
    return made


def test_a_webhook_is_registered_changed_and_removed(github: GitHubCalls) -> None:
    """The second time the one of the address is changed; other webhooks stay."""
    stored = github.stored(github.repository())
    other = register(github, stored, "https://elsewhere.example.com/")
    first = register(github, stored)
    assert register(github, stored, secret="another") == first
    assert [(hook.url, hook.secret) for hook in github.host.hooks] == [
        ("https://elsewhere.example.com/", SECRET),
        (ADDRESS, "another"),
    ]
    sent = github.host.calls[-1].json
    assert (sent["events"], sent["active"], sent["config"]["content_type"]) == (["push"], True, "json")
    assert sent["config"]["insecure_ssl"] == "0"
    for _ in range(2):
        # The second time it is not there any more.
        github.call("scm_unregister_webhook", repository=stored, webhook=first)
    assert [str(hook.id) for hook in github.host.hooks] == [other.external_id]


def test_a_webhook_is_found_on_a_later_page(github: GitHubCalls) -> None:
    """GitHub lists webhooks in pages, too."""
    stored = github.stored(github.repository())
    github.host.largest_page = 1
    made = [register(github, stored, f"{ADDRESS}{number}") for number in range(3)]
    assert register(github, stored, f"{ADDRESS}2") == made[2]
    assert len(github.host.hooks) == 3


def test_a_list_without_an_end_is_left(github: GitHubCalls) -> None:
    """A confused proxy may name one more page for ever."""
    stored = github.stored(github.repository())

    def endless(host: FakeHost, call: Call) -> Reply:
        return Reply([{"id": 1}], headers={"Link": f'<{host.url}{call.path}?page=2>; rel="next"'})

    github.host.fault(endless, on="GET .*/hooks$")
    register(github, stored)
    assert len(github.host.hooks) == 1
    assert len(github.asked()) == 3


def test_a_webhook_needs_a_token_that_may_make_it(github: GitHubCalls) -> None:
    """The error has GitHub's reason, and not the secret."""
    stored = github.stored(github.repository())
    github.host.tokens["good-token"].scopes = frozenset({"contents"})
    with pytest.raises(ProviderForbidden, match="Resource not accessible by personal access token") as refused:
        register(github, stored)
    assert SECRET not in str(refused.value)


def test_an_app_has_one_webhook_for_all(github: GitHubCalls) -> None:
    """GitHub sends the pushes of its installations to the address in the App's settings: nothing is registered."""
    app = github.repository()
    github.installation = github.with_app(app)
    made = [register(github, github.stored(app, id=number)) for number in (1, 2)]
    assert made[0] == made[1] == RegisteredWebhook(external_id="app")
    github.call("scm_unregister_webhook", repository=github.stored(app), webhook=made[0])
    assert github.asked() == []


def test_a_push_is_read(github: GitHubCalls) -> None:
    """With the id of the repository, which is the same after a rename."""
    app = github.repository()
    before = app.commit({"a.py": "1\n", "b.py": "1\n"})
    after = app.commit({"a.py": "2\n", "b.py": None, "c.py": "1\n"}, "Mend it")
    delivery = github.host.push_delivery(Hook(1, app, ADDRESS, SECRET), "refs/heads/main", before, after)
    [push] = read(github, delivery.body, "push", SECRET, github.stored(app))
    assert (push.repository, push.ref) == (f"{github.host.url}/team/app", "refs/heads/main")
    assert (push.base, push.head, push.unlisted) == (before, after, 0)
    [commit] = push.commits
    assert (commit.sha, commit.message, commit.author_email) == (after, "Mend it", "ada@example.com")
    assert {(one.type, one.path) for one in commit.changes} == {("M", "a.py"), ("D", "b.py"), ("A", "c.py")}
    [unknown] = read(github, delivery.body)
    assert unknown.repository == f"{github.host.url}/team/app"


@pytest.mark.parametrize("end", ["before", "after"])
def test_new_and_deleted_branches_have_one_end(github: GitHubCalls, end: str) -> None:
    """GitHub sends zeros for the missing one."""
    app = github.repository()
    sha = app.commit({"a.py": "1\n"})
    ends = (EMPTY, sha) if end == "before" else (sha, EMPTY)
    delivery = github.host.push_delivery(Hook(1, app, ADDRESS, SECRET), "refs/heads/x", *ends)
    [push] = read(github, delivery.body)
    assert (push.base, push.head) == ((None, sha) if end == "before" else (sha, None))


def test_a_long_push_is_not_complete(github: GitHubCalls, monkeypatch: pytest.MonkeyPatch) -> None:
    """The host reads the others with a comparison of both ends."""
    monkeypatch.setattr("fake_hosts.github.MOST_PUSHED", 3)
    monkeypatch.setattr("scmhost_github.repositories.MOST_LISTED", 3)
    app = github.repository()
    before = app.commit({"a.py": "1\n"})
    shas = history(app, 5)
    delivery = github.host.push_delivery(Hook(1, app, ADDRESS, SECRET), "refs/heads/main", before, shas[-1])
    [push] = read(github, delivery.body)
    assert (len(push.commits), push.unlisted, push.base, push.head) == (3, 1, before, shas[-1])


BODY: dict[str, Any] = {"ref": "refs/heads/main", "repository": {"id": 1, "html_url": "https://github.com/a/b"}}


@pytest.mark.parametrize("event", ["ping", "installation", "pull_request", ""])
def test_other_events_are_ignored(github: GitHubCalls, event: str) -> None:
    """They are signed all the same."""
    assert read(github, json.dumps(BODY).encode(), event) == []
    assert route(github, json.dumps({**BODY, "installation": {"id": 7}}).encode(), event) is None


def test_a_wrong_signature_is_refused_before_the_body_is_read(github: GitHubCalls) -> None:
    """Of another secret, of another body, missing, and the old SHA-1 one."""
    body = b"{no json"
    for changes in ({"secret": "other"}, {"x-hub-signature-256": ""}, {"x-hub-signature-256": "sha1=00"}):
        with pytest.raises(ProviderForbidden, match="X-Hub-Signature-256"):
            read(github, body, **changes)
    with pytest.raises(ProviderForbidden):
        route(github, body, secret=SECRET)
    github.settings = github.configured(app_settings(webhook_secret=None))
    with pytest.raises(ProviderForbidden):
        route(github, body)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "Invalid JSON"),
        (b"{", "Invalid JSON"),
        (b"[]", "Input should be an object"),
        (b'{"ref": "x"}', "repository.id: Field required"),
        (json.dumps({**BODY, "commits": [{}]}).encode(), "commits.0.id: Field required"),
        (json.dumps({**BODY, "commits": [{"id": "x y"}]}).encode(), "String should match pattern"),
        (json.dumps({**BODY, "repository": {"id": 1, "html_url": ""}}).encode(), "at least 1 character"),
        (json.dumps({**BODY, "after": "a" * 90}).encode(), "at most 64 characters"),
    ],
)
def test_a_wrong_body_names_the_field(github: GitHubCalls, body: bytes, problem: str) -> None:
    """Without its values."""
    with pytest.raises(ProviderError, match=problem) as refused:
        read(github, body)
    assert not isinstance(refused.value, ProviderForbidden)
    assert "x y" not in str(refused.value)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.binary(max_size=20)
    | st.fixed_dictionaries(
        {},
        optional={
            "ref": st.text(max_size=5) | st.none(),
            "before": st.sampled_from([EMPTY, "a" * 40, 7, "\x00"]),
            "repository": st.sampled_from([{"id": 1, "html_url": "x"}, {"id": "1"}, [], None]),
            "commits": st.lists(st.sampled_from([{"id": "b" * 40, "added": ["", "\x00"]}, {}, None, 3])),
            "installation": st.sampled_from([{"id": 9}, {"id": -1}, {}, None, 5, {"id": 10**80}]),
        },
    ).map(lambda value: json.dumps(value).encode())
)
def test_any_signed_body_is_read_or_refused(github: GitHubCalls, body: bytes) -> None:
    """With values of the contract or an error of it."""
    for work in (lambda: read(github, body), lambda: route(github, body)):
        try:
            work()
        except ProviderError as error:
            assert not isinstance(error, ProviderForbidden)  # noqa: PT017 - both outcomes are right


def test_the_app_s_address_finds_the_installation(github: GitHubCalls) -> None:
    """By the number in the body; the signature says of which instance it is."""
    body = json.dumps({**BODY, "installation": {"id": 77}}).encode()
    found = route(github, body)
    assert found is not None
    assert (found.external_id, found.secret.get_secret_value()) == ("company/77", WEBHOOK_SECRET)
    assert WEBHOOK_SECRET not in repr(found)
    assert route(github, json.dumps(BODY).encode()) is None
    other = {"url": "https://ghe.example.com", "app": app_settings(webhook_secret="of-the-other")}
    both = {"first": {"app": app_settings(webhook_secret="of-the-first")}, "second": other}
    github.settings = GitHubSettings.model_validate({"instances": both})
    for name, secret in (("first", "of-the-first"), ("second", "of-the-other")):
        found = route(github, body, secret=secret)
        assert found is not None
        assert found.external_id == f"{name}/77"


@pytest.mark.skipif(openapi.IS_MISSING, reason=openapi.WHY_MISSING)
@pytest.mark.parametrize("event", ["push", "ping", "installation", "installation_repositories"])
def test_recorded_deliveries_are_read(github: GitHubCalls, event: str) -> None:
    """GitHub's own examples: pushes with all their commits and files, and no other event."""
    examples = openapi.webhook_examples(event)
    assert examples
    for example in examples:
        body = json.dumps(example).encode()
        pushes = read(github, body, event)
        found = route(github, body, event)
        if event != "push":
            assert (pushes, found) == ([], None)
            continue
        [push] = pushes
        assert (push.repository, push.ref) == (example["repository"]["html_url"], example["ref"])
        assert [one.sha for one in push.commits] == [one["id"] for one in example["commits"]]
        assert all(one.timestamp and one.author_email for one in push.commits)
        for read_commit, sent in zip(push.commits, example["commits"], strict=True):
            assert {one.path for one in read_commit.changes} == {*sent["added"], *sent["removed"], *sent["modified"]}
        number = example.get("installation", {}).get("id")
        assert (found and found.external_id) == (f"company/{number}" if number else None)
