"""Webhooks of a fake Forgejo: registered, delivered and verified."""

import hmac
import json
from collections.abc import Mapping
from typing import Any

import pytest

from fake_hosts.base import Delivery, Hook
from fake_hosts.repository import EMPTY, history
from forgejo_team import Team, added, run
from scmhost.sdk import FileChange, ProviderError, ProviderForbidden, Push, RegisteredWebhook
from scmhost_forgejo import plugin

ADDRESS = "https://scmhost.example/hooks/5"


def registered(team: Team, secret: str = "s3cret") -> RegisteredWebhook:  # noqa: S107 - a test's secret
    return run(plugin.scm_register_webhook, team.installation, team.repository, ADDRESS, secret)


def delivered(team: Team, before: str, after: str, ref: str = "refs/heads/main") -> Delivery:
    return team.host.push_delivery(Hook(1, team.app, ADDRESS, "s3cret"), ref, before, after)


def read(team: Team, delivery: Delivery, secret: str = "s3cret", **headers: str | None) -> list[Push]:  # noqa: S107
    given: Mapping[str, str | None] = {
        **{name.lower(): value for name, value in delivery.headers.items()},
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    present = {name: value for name, value in given.items() if value is not None}
    return list(plugin.scm_read_push(present, delivery.body, secret, [team.repository]))


def test_a_webhook_is_registered_for_pushes(team: Team) -> None:
    """With the address and the secret, as JSON."""
    webhook = registered(team)
    [hook] = team.host.hooks
    assert (hook.url, hook.secret, hook.fields["events"]) == (ADDRESS, "s3cret", ["push"])
    assert hook.fields["config"]["content_type"] == "json"
    assert "s3cret" not in webhook.model_dump_json()


def test_a_new_secret_replaces_the_webhook(team: Team) -> None:
    """There is one webhook of this address afterwards; those of others stay. For the host it is the same."""
    other = "https://other.example/"
    team.host.hooks.append(Hook(99, team.app, other, "x", {"type": "gitea", "config": {"url": other}}))
    webhooks = [registered(team), registered(team, "a new one")]
    assert webhooks[0] == webhooks[1]
    assert [(hook.url, hook.secret) for hook in team.host.hooks] == [(other, "x"), (ADDRESS, "a new one")]


def test_a_webhook_is_found_among_many(team: Team) -> None:
    """Also on a later page."""
    team.host.largest_page = 3
    for number in range(7):
        url = f"https://other.example/{number}"
        team.host.hooks.append(Hook(100 + number, team.app, url, "x", {"type": "gitea", "config": {"url": url}}))
    webhooks = [registered(team), registered(team)]
    assert [hook.url for hook in team.host.hooks].count(ADDRESS) == 1
    run(plugin.scm_unregister_webhook, team.installation, team.repository, webhooks[0])
    assert len(team.host.hooks) == 7


def test_webhooks_of_two_repositories_are_two(team: Team) -> None:
    """The host removes each with its own repository."""
    other = added(team.host, team.host.repository("ada/tools"))
    second = run(plugin.scm_register_webhook, team.installation, other, ADDRESS, "s3cret")
    assert registered(team) != second
    run(plugin.scm_unregister_webhook, team.installation, other, second)
    assert [hook.repository for hook in team.host.hooks] == [team.app]


def test_a_webhook_is_removed_once(team: Team) -> None:
    """One that is not there any more is no error, and neither is a repository that is gone."""
    webhook = registered(team)
    for _ in range(2):
        run(plugin.scm_unregister_webhook, team.installation, team.repository, webhook)
    assert team.host.hooks == []
    team.host.repositories.clear()
    run(plugin.scm_unregister_webhook, team.installation, team.repository, webhook)


def test_a_push_is_read(team: Team) -> None:
    """With all facts of its commits."""
    before = team.app.head()
    after = team.app.commit({"a.py": "1", "src/cart.py": None, "src/gone.py": "back"}, "Third\n\nWith a body")
    [push] = read(team, delivered(team, before, after))
    assert (push.repository, push.ref, push.unlisted) == (team.repository.url, "refs/heads/main", 0)
    assert (push.base, push.head) == (before, after)
    [commit] = push.commits
    assert (commit.sha, commit.message, commit.author_name) == (after, "Third\n\nWith a body\n", "Ada")
    assert commit.timestamp
    assert set(commit.changes) == {
        FileChange(path="a.py", type="A"),
        FileChange(path="src/cart.py", type="D"),
        FileChange(path="src/gone.py", type="A"),
    }


def test_a_long_push_names_what_it_leaves_out(team: Team) -> None:
    """The server lists five commits; base and head lead to the others."""
    before = team.app.head()
    shas = history(team.app, 12)
    [push] = read(team, delivered(team, before, shas[-1]))
    assert (len(push.commits), push.unlisted, push.base, push.head) == (5, 7, before, shas[-1])


def test_a_new_branch_has_no_base(team: Team) -> None:
    """Zeros stand for no commit."""
    [push] = read(team, delivered(team, EMPTY, team.app.head(), "refs/heads/new"))
    assert (push.base, push.ref, push.head) == (None, "refs/heads/new", team.app.head())


def test_a_deleted_branch_is_no_push(team: Team) -> None:
    """It has no commits."""
    assert read(team, delivered(team, team.app.head(), EMPTY)) == []


def test_a_renamed_repository_is_known_by_its_id(team: Team) -> None:
    """The body has the new name, the host the old one."""
    before = team.app.head()
    after = team.app.commit({"a.py": "1"})
    team.app.rename("group", "shop")
    assert read(team, delivered(team, before, after))[0].repository == team.repository.url


def test_a_foreign_repository_is_named(team: Team) -> None:
    """The host decides what becomes of it."""
    delivery = delivered(team, team.app.resolve("main~1") or "", team.app.head())
    headers = {name.lower(): value for name, value in delivery.headers.items()}
    [push] = plugin.scm_read_push(headers, delivery.body, "s3cret", [])
    assert push.repository == "team/app"


@pytest.mark.parametrize("kept", ["x_forgejo", "x_gitea", "x_hub"])
def test_each_signature_is_enough(team: Team, kept: str) -> None:
    """Older servers send fewer headers."""
    absent: dict[str, Any] = {
        f"{name}_signature{end}": None
        for name, end in (("x_forgejo", ""), ("x_gitea", ""), ("x_gogs", ""), ("x_hub", "_256"))
        if name != kept
    }
    assert len(read(team, delivered(team, EMPTY, team.app.head()), **absent)) == 1


@pytest.mark.parametrize("event", ["x_forgejo", "x_gitea", "x_gogs"])
def test_each_name_of_the_event_is_enough(team: Team, event: str) -> None:
    """Gitea does not send the header of Forgejo."""
    names = ("x_forgejo", "x_gitea", "x_gogs")
    headers: dict[str, Any] = {f"{name}_event": "push" if name == event else None for name in names}
    assert len(read(team, delivered(team, EMPTY, team.app.head()), **headers)) == 1


def test_other_events_are_ignored(team: Team) -> None:
    """Their signature is checked, too."""
    delivery = delivered(team, EMPTY, team.app.head())
    assert read(team, delivery, x_forgejo_event="issues") == []
    with pytest.raises(ProviderForbidden):
        read(team, delivery, "wrong", x_forgejo_event="issues")


@pytest.mark.parametrize("secret", ["", "wrong", "s3cret "])
def test_a_wrong_secret_is_refused(team: Team, secret: str) -> None:
    """Before the body is parsed."""
    with pytest.raises(ProviderForbidden, match="is missing, or was made with another secret"):
        read(team, delivered(team, EMPTY, team.app.head()), secret)


def test_a_delivery_without_a_signature_is_refused(team: Team) -> None:
    """Everybody could send it."""
    none: dict[str, Any] = dict.fromkeys(("x_forgejo_signature", "x_gitea_signature", "x_hub_signature_256"))
    with pytest.raises(ProviderForbidden):
        read(team, delivered(team, EMPTY, team.app.head()), **none)


@pytest.mark.parametrize(
    "change",
    [
        {"ref": None},
        {"commits": "x"},
        {"commits": [{"id": ""}]},
        {"commits": [{"id": "a" * 40, "added": [7]}]},
        {"repository": {"id": 1, "full_name": "x"}},
        {"total_commits": "many"},
    ],
)
def test_a_body_with_wrong_fields_is_refused(team: Team, change: dict[str, Any]) -> None:
    """The text names the field."""
    body = json.dumps(json.loads(delivered(team, EMPTY, team.app.head()).body) | change).encode()
    signed = _signed(body)
    with pytest.raises(ProviderError, match="the push cannot be read: ") as caught:
        read(team, signed)
    assert type(caught.value) is ProviderError


@pytest.mark.parametrize("body", [b"", b"x", b"[]", b'{"a": "\xff"}', b"[" * 100_000])
def test_a_body_that_is_no_push_is_refused(team: Team, body: bytes) -> None:
    """Whatever the bytes are."""
    with pytest.raises(ProviderError, match="cannot be read"):
        read(team, _signed(body))


def test_an_odd_time_costs_no_commit(team: Team) -> None:
    """The commit has no time."""
    fields = json.loads(delivered(team, EMPTY, team.app.head()).body)
    fields["commits"][0] |= {"timestamp": "0001-99-01", "author": None, "added": None}
    [push] = read(team, _signed(json.dumps(fields).encode()))
    assert (push.commits[0].timestamp, push.commits[0].author_name) == (None, None)


def _signed(body: bytes) -> Delivery:

    signature = hmac.new(b"s3cret", body, "sha256").hexdigest()
    return Delivery(ADDRESS, {"X-Forgejo-Event": "push", "X-Forgejo-Signature": signature}, body)
