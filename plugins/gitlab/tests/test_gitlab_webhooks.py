"""Webhooks: registered at a project, removed, and what their deliveries say."""

import json
from typing import Any

import pytest

from fake_hosts.base import Delivery, User, status
from fake_hosts.gitlab import MOST_PUSHED
from fake_hosts.repository import EMPTY, BareRepository, history
from gitlab_calls import GitLabCalls
from scmhost.sdk import (
    CommitDraft,
    FileChange,
    ProviderError,
    ProviderForbidden,
    ProviderUnavailable,
    Push,
    RegisteredWebhook,
    Repository,
)
from scmhost_gitlab.webhooks import scm_read_push

ADDRESS = "https://scmhost.example.com/hooks/3/"
SECRET = "a-secret-of-the-host"


def register(gitlab: GitLabCalls, project: BareRepository, address: str = ADDRESS, secret: str = SECRET) -> Any:
    return gitlab.call("scm_register_webhook", repository=gitlab.stored(project), address=address, secret=secret)


def delivered(gitlab: GitLabCalls, project: BareRepository) -> list[Delivery]:
    """Register a webhook whose deliveries are kept."""
    kept: list[Delivery] = []

    def keep(delivery: Delivery) -> int:
        kept.append(delivery)
        return 200

    gitlab.host.deliver = keep
    register(gitlab, project)
    return kept


def read(delivery: Delivery, *repositories: Repository, secret: str = SECRET) -> list[Push]:
    headers = {name.lower(): value for name, value in delivery.headers.items()}
    return list(scm_read_push(headers, delivery.body, secret, repositories))


def test_a_webhook_is_registered_once(gitlab: GitLabCalls) -> None:
    """The same address again changes the webhook, such as its secret; others stay as they are."""
    project, other = gitlab.project(), gitlab.project("acme/till")
    gitlab.host.largest_page = 2
    for number in range(3):
        register(gitlab, project, f"https://ci.example.com/{number}", "other")
    first = register(gitlab, project)
    register(gitlab, other)
    assert register(gitlab, project, secret="new") == first
    mine = [hook for hook in gitlab.host.hooks if hook.url == ADDRESS and hook.repository is project]
    assert [(str(hook.id), hook.secret) for hook in mine] == [(first.external_id, "new")]
    assert (mine[0].fields["push_events"], mine[0].fields["tag_push_events"]) == (True, False)
    assert len(gitlab.host.hooks) == 5
    assert SECRET not in f"{first!r}"


def test_a_webhook_is_removed(gitlab: GitLabCalls) -> None:
    """One that is not there any more is no error."""
    project = gitlab.project()
    webhook = register(gitlab, project)
    for _ in range(2):
        gitlab.call("scm_unregister_webhook", repository=gitlab.stored(project), webhook=webhook)
    assert gitlab.host.hooks == []


def test_a_token_that_may_only_read_registers_nothing(gitlab: GitLabCalls) -> None:
    """GitLab refuses; the secret is not repeated."""
    project = gitlab.project()
    gitlab.host.tokens["good-token"].scopes = frozenset({"read_api"})
    for hook, more in (
        ("scm_register_webhook", {"address": ADDRESS, "secret": SECRET}),
        ("scm_unregister_webhook", {"webhook": RegisteredWebhook(external_id="1")}),
    ):
        with pytest.raises(ProviderForbidden) as caught:
            gitlab.call(hook, repository=gitlab.stored(project), **more)
        assert SECRET not in str(caught.value)


def test_a_refusal_of_gitlab_does_not_show_the_secret(gitlab: GitLabCalls) -> None:
    """GitLab may repeat what was sent, such as the address with its secret."""
    project = gitlab.project()
    gitlab.host.fault(status(422, {"error": f"Invalid url given {ADDRESS} {SECRET}"}), on="POST")
    with pytest.raises(ProviderError, match="Invalid url given") as caught:
        register(gitlab, project)
    assert SECRET not in str(caught.value)
    assert not isinstance(caught.value, ProviderUnavailable)


def test_a_push_has_its_commits(gitlab: GitLabCalls) -> None:
    """With authors, times, files and both ends."""
    project = gitlab.project()
    before = project.commit({"a.py": "1\n", "b.py": "1\n"})
    kept = delivered(gitlab, project)
    after = gitlab.host.push(project, {"a.py": "2\n", "b.py": None, "c.py": "1\n"}, "Change all, fixes SHOP-7")
    ((push,),) = [read(delivery, gitlab.stored(project)) for delivery in kept]
    assert (push.repository, push.ref) == (f"{gitlab.host.url}/acme/shop/cart", "refs/heads/main")
    assert (push.base, push.head, push.unlisted) == (before, after, 0)
    (commit,) = push.commits
    assert (commit.sha, commit.message, commit.author_email) == (after, "Change all, fixes SHOP-7\n", "ada@example.com")
    assert commit.timestamp is not None
    assert {(change.type, change.path) for change in commit.changes} == {("M", "a.py"), ("D", "b.py"), ("A", "c.py")}


def test_a_long_push_says_what_it_leaves_out(gitlab: GitLabCalls) -> None:
    """GitLab lists twenty commits; the host reads the others between the two ends."""
    project = gitlab.project()
    before = project.commit({"a.py": "1\n"})
    kept = delivered(gitlab, project)
    pushed = history(project, MOST_PUSHED + 5)
    gitlab.host.pushed(project, "refs/heads/main", before, pushed[-1])
    (push,) = read(kept[0], gitlab.stored(project))
    assert (len(push.commits), push.unlisted, push.base, push.head) == (MOST_PUSHED, 5, before, pushed[-1])
    completed = gitlab.call(
        "scm_compare_commits", repository=gitlab.stored(project), base=push.base, head=push.head, seconds=30
    )
    assert [commit.sha for commit in completed.commits] == pushed[::-1]


def test_a_new_branch_has_no_base_and_a_deleted_one_no_commits(gitlab: GitLabCalls) -> None:
    """GitLab writes zeros where there is no commit."""
    project = gitlab.project()
    sha = project.commit({"a.py": "1\n"})
    kept = delivered(gitlab, project)
    gitlab.host.pushed(project, "refs/heads/topic", EMPTY, sha)
    gitlab.host.pushed(project, "refs/heads/topic", sha, EMPTY)
    (created,), deleted = (read(delivery) for delivery in kept)
    assert (created.base, created.head, created.ref) == (None, sha, "refs/heads/topic")
    assert deleted == []


def test_a_push_to_a_renamed_project_reaches_its_repository(gitlab: GitLabCalls) -> None:
    """The project's number finds it before the next synchronization; without it, the address in the body."""
    project = gitlab.project("acme/cart")
    stored = gitlab.stored(project, name="Cart", url=None)
    kept = delivered(gitlab, project)
    project.rename("acme", "basket")
    gitlab.host.push(project, {"a.py": "1\n"})
    other = gitlab.stored(project, id=6, external_id="999")
    assert read(kept[0], other, stored)[0].repository == "Cart"
    assert read(kept[0], stored.model_copy(update={"url": "https://x.example/cart"}))[0].repository.endswith("/cart")
    assert read(kept[0], other)[0].repository == f"{gitlab.host.url}/acme/basket"


@pytest.mark.parametrize(
    ("token", "secret"), [("wrong", SECRET), ("", SECRET), (None, SECRET), ("", ""), (SECRET + "x", SECRET), ("é", "è")]
)
def test_a_delivery_needs_the_secret(token: str | None, secret: str) -> None:
    """Before the body is parsed, and for every event."""
    headers = {"x-gitlab-event": "Push Hook", **({} if token is None else {"x-gitlab-token": token})}
    for event in ("Push Hook", "Note Hook"):
        with pytest.raises(ProviderForbidden, match="X-Gitlab-Token"):
            scm_read_push({**headers, "x-gitlab-event": event}, b"{", secret, ())


@pytest.mark.parametrize("event", ["Tag Push Hook", "Note Hook", "Merge Request Hook", None])
def test_another_event_is_no_push(event: str | None) -> None:
    """Such as one that somebody added by hand; its body is not parsed."""
    headers = {"x-gitlab-token": SECRET, **({"x-gitlab-event": event} if event else {})}
    assert scm_read_push(headers, b"not JSON", SECRET, ()) == ()


def body(**fields: Any) -> dict[str, Any]:
    commit = {"id": "b" * 40, "message": "x", "timestamp": "2026-01-02T03:04:05Z", "author": {"name": "A", "email": ""}}
    values = {
        "object_kind": "push",
        "ref": "refs/heads/main",
        "before": "a" * 40,
        "after": "b" * 40,
        "project_id": 7,
        "project": {"web_url": "https://gitlab.example.com/acme/cart"},
        "commits": [commit],
        "total_commits_count": 1,
    }
    return {**values, **fields}


def pushed(value: Any) -> list[Push]:
    headers = {"x-gitlab-token": SECRET, "x-gitlab-event": "Push Hook"}
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return list(scm_read_push(headers, data, SECRET, ()))


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"[]",
        b"\xff",
        b"[" * 100_000,
        body(ref=7),
        body(object_kind="tag_push"),
        body(project={}),
        body(project_id="7"),
        body(after=""),
        body(after="no commit"),
        body(commits=[{"id": ""}]),
        body(commits=[{"id": "b" * 40, "message": 7}]),
        body(commits={"id": "b" * 40}),
        body(total_commits_count=-1),
        body(total_commits_count="many"),
    ],
)
def test_a_body_that_cannot_be_read_is_an_error(value: Any) -> None:
    """The error names the field, and repeats nothing of the body."""
    with pytest.raises(ProviderError, match=r"^The body of the push cannot be read: ") as caught:
        pushed(value)
    assert not isinstance(caught.value, ProviderForbidden)
    assert caught.value.__cause__ is None


def test_an_odd_value_does_not_cost_the_commit() -> None:
    """A time that is none and a path that no file has are left out."""
    (push,) = pushed(body(commits=[{"id": "b" * 40, "timestamp": "yesterday", "added": ["", "a.py"]}]))
    assert push.commits == (CommitDraft(sha="b" * 40, changes=(FileChange(path="a.py", type="A"),)),)


def test_missing_lists_are_empty() -> None:
    """GitLab sends null for some fields."""
    (push,) = pushed(body(commits=None, total_commits_count=0))
    assert (push.commits, push.unlisted) == ((), 0)
    (push,) = pushed(body(commits=[{"id": "b" * 40, "message": None, "added": None}]))
    assert (push.commits[0].message, push.commits[0].author_name, push.commits[0].changes) == (None, None, ())


def test_odd_characters_of_a_body_can_be_stored() -> None:
    """NUL and half characters become replacement characters."""
    raw = json.dumps(body()).replace('"message": "x"', '"message": "a\\u0000b"').encode()
    (push,) = pushed(raw)
    assert push.commits[0].message == "a�b"


def test_a_user_of_the_fake_may_do_less(gitlab: GitLabCalls) -> None:
    """The fake itself: a token of another user does not see the project's webhooks."""
    project = gitlab.project()
    gitlab.host.tokens["other-token"] = User("bob")
    other = gitlab.installed(token="other-token")
    with pytest.raises(ProviderError, match="404"):
        gitlab.call(
            "scm_register_webhook",
            installation=other,
            repository=gitlab.stored(project),
            address=ADDRESS,
            secret=SECRET,
        )
    assert gitlab.host.hooks == []
