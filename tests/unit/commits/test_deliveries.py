"""Deliveries to the common address of a provider, and pushes that their deliveries do not list completely."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

import factories
from hosting import enabled
from plugins.webhook_forge import APP_SECRET, delivery
from scmhost.commits import queries as commit_queries
from scmhost.commits.complete import COMPLETE_PUSH
from scmhost.commits.push import receive_provider_delivery, receive_push
from scmhost.infra.db import jobs
from scmhost.infra.db.engine import Store
from scmhost.infra.db.jobs import QueuedJob
from scmhost.infra.errors import InvalidInput, NotFound, ProviderRefused, Unauthenticated, Unavailable
from scmhost.infra.paging import PageQuery
from scmhost.installations import queries as installation_queries
from scmhost.installations.delivery_queries import KEPT
from scmhost.installations.install import install_provider
from scmhost.installations.webhooks import REFUSALS_EVERY, create_secret, list_deliveries
from scmhost.plugins import Settings
from scmhost.repositories.claim import add_repository
from scmhost.sdk import AddRequest, Installation, Organization, ProviderError, Push, Repository, RepositoryStatus
from webhook_host import WebhookHost, new_organization, open_webhook_host


@pytest.fixture
def hooked(store: Store) -> Iterator[WebhookHost]:
    """An organization with an installation of a provider with a common address."""
    with open_webhook_host(store) as opened:
        yield opened


def push(*numbers: int, repository: str = "team/app", **fields: Any) -> Push:
    return Push.model_validate(
        {"repository": repository, "commits": tuple(factories.draft(each) for each in numbers), **fields}
    )


def deliver(hooked: WebhookHost, *pushes: Push, secret: str = APP_SECRET, **fields: str) -> dict[int, int] | None:
    """Deliver pushes to the common address. Return the number of new commits by repository; None if ignored."""
    headers, body = delivery(secret, *pushes, **fields)
    received = receive_provider_delivery(hooked.services, "webhook_forge", headers, body)
    return None if received is None else {item.repository.id: len(item.saved.new) for item in received[0]}


def in_another_organization(hooked: WebhookHost, group: str = "team") -> tuple[Organization, Installation, Repository]:
    other = new_organization(hooked.services, "other")
    owner = install_provider(hooked.services, other, "webhook_forge", {"group": group}).installation
    request = AddRequest(identifier="team/app", fields={})
    return other, owner, add_repository(hooked.services, other, "webhook_forge", owner.id, request).saved


def shas(hooked: WebhookHost, repository: Repository) -> set[str]:
    with hooked.services.store.read() as tx:
        page = commit_queries.page(tx, repository.organization_id, repository.id, PageQuery())
    return {commit.sha for commit in page.items}


def reload(hooked: WebhookHost, **table: object) -> None:
    """Apply other settings of the plugin."""
    hooked.services.plugins.reload(Settings(plugins={"webhook_forge": enabled(**table)}))


def test_delivery_is_saved_for_its_installation(hooked: WebhookHost) -> None:
    """The plugin names the installation; the same delivery again changes nothing."""
    repository = hooked.claim()
    assert deliver(hooked, push(1, 2)) == {repository.id: 2}
    assert deliver(hooked, push(1, 2)) == {repository.id: 0}


def test_delivery_is_saved_for_every_organization_with_the_installation(hooked: WebhookHost) -> None:
    """Two organizations may have installed the same account of the code host; a third account gets nothing."""
    repository = hooked.claim()
    _, _, theirs = in_another_organization(hooked)
    foreign = install_provider(hooked.services, hooked.organization, "webhook_forge", {"group": "elsewhere"})
    hooked.claim("elsewhere/app", foreign.installation)
    assert deliver(hooked, push(1)) == {repository.id: 1, theirs.id: 1}


def test_organization_for_which_the_provider_is_off_gets_nothing(hooked: WebhookHost) -> None:
    """The delivery is saved for the others."""
    repository = hooked.claim()
    other, _, _ = in_another_organization(hooked)
    reload(hooked, deny={"organizations": [other.slug]})
    assert deliver(hooked, push(1)) == {repository.id: 1}


def test_killed_plugin_is_not_called(hooked: WebhookHost) -> None:
    """The answer is that of an address that does not exist."""
    reload(hooked, kill=True)
    with pytest.raises(NotFound, match="no webhook here"):
        deliver(hooked, push(1))


@pytest.mark.parametrize("provider", ["nobody", "", "webhook\x00forge", "\ud800"])
def test_provider_without_common_address_has_none(hooked: WebhookHost, provider: str) -> None:
    """The error is that of any address without a webhook."""
    with pytest.raises(NotFound, match="no webhook here"):
        receive_provider_delivery(hooked.services, provider, {}, b"")


def test_strangers_cannot_tell_which_installations_exist(hooked: WebhookHost) -> None:
    """Without the signature, the answers for an installation that is here and for one that is not are the same."""
    hooked.claim()
    errors = []
    for group in ("team", "nobody", "te\x00am"):
        with pytest.raises(Unauthenticated) as error:
            deliver(hooked, push(1), secret="a guess", group=group)
        errors.append(str(error.value))
    assert len(set(errors)) == 1


def test_signed_delivery_for_an_unknown_installation_is_ignored(hooked: WebhookHost) -> None:
    """Nothing is saved, although another installation stands in for the check of the signature."""
    repository = hooked.claim()
    assert deliver(hooked, push(1), group="nobody") is None
    assert shas(hooked, repository) == set()


def test_event_that_is_no_push_is_ignored(hooked: WebhookHost) -> None:
    """The plugin decides by the headers, before any signature is checked."""
    assert deliver(hooked, event="ping", secret="a guess") is None


def test_without_any_installation_nothing_can_check_the_signature(hooked: WebhookHost) -> None:
    """A delivery is then refused, signed or not."""
    with hooked.services.store.write() as tx:
        installation_queries.delete_installation(tx, hooked.organization.id, hooked.installation.id)
    with pytest.raises(Unauthenticated):
        deliver(hooked, push(1))


def test_installation_that_needs_attention_is_not_named(hooked: WebhookHost) -> None:
    """At both addresses, the answer is that of an installation that is not here."""
    hooked.claim()
    hooked.run()
    secret = hooked.secret()
    in_another_organization(hooked, "another")
    with hooked.services.store.write() as tx:
        installation_queries.set_configuration(tx, hooked.organization.id, hooked.installation.id, {"unknown": 1})
    assert deliver(hooked, push(1)) is None
    with pytest.raises(Unauthenticated):
        deliver(hooked, push(1), secret="a guess")
    with pytest.raises(NotFound, match="no webhook here"):
        receive_push(hooked.services, hooked.installation.id, *delivery(secret, push(1)))


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b'{"group": ', b"{}"])
def test_malformed_delivery_is_refused_by_the_plugin(hooked: WebhookHost, body: bytes) -> None:
    """The host parses nothing, and the plugin's text is the answer."""
    with pytest.raises(ProviderRefused, match="no delivery"):
        receive_provider_delivery(hooked.services, "webhook_forge", {"X-Event": "push"}, body)


def test_failure_for_one_organization_does_not_cost_the_others(
    hooked: WebhookHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error is raised after all have been saved, so that the code host sends the delivery again."""
    repository = hooked.claim()
    _, _, theirs = in_another_organization(hooked)
    broken = iter([Unavailable("the database is locked")])
    write = hooked.services.store.write

    def write_or_fail() -> object:
        for error in broken:
            raise error
        return write()

    monkeypatch.setattr(hooked.services.store, "write", write_or_fail)
    with pytest.raises(Unavailable):
        deliver(hooked, push(1))
    assert [len(shas(hooked, each)) for each in (repository, theirs)] == [0, 1]
    assert deliver(hooked, push(1)) == {repository.id: 1, theirs.id: 0}


def test_too_many_commits_are_refused(hooked: WebhookHost) -> None:
    """The limit of a request counts at the common address too."""
    repository = hooked.claim()
    limits = hooked.services.limits.model_copy(update={"commits_per_request": 1})
    hooked.services = replace(hooked.services, limits=limits)
    with pytest.raises(InvalidInput, match="commits_per_request"):
        deliver(hooked, push(1, 2))
    assert shas(hooked, repository) == set()


def test_plugin_gets_the_active_repositories(hooked: WebhookHost) -> None:
    """Those of other installations and hidden ones are left out."""
    hooked.claim()
    hidden = hooked.claim("team/hidden")
    hooked.change(hidden, status=RepositoryStatus.HIDDEN)
    deliver(hooked, push(1))
    assert hooked.forge.seen == ["team/app"]


def test_stand_in_does_not_pass_its_repositories(hooked: WebhookHost) -> None:
    """A delivery for another installation must not be read with the repositories of this one."""
    hooked.claim()
    deliver(hooked, push(1), group="nobody")
    assert hooked.forge.seen == []


def completions(hooked: WebhookHost) -> Sequence[QueuedJob]:
    """Return the jobs that are to complete pushes."""
    with hooked.services.store.read() as tx:
        return jobs.with_key_prefix(tx, hooked.organization.id, COMPLETE_PUSH, "")


HEAD, BASE = "f" * 40, "b" * 40


@pytest.mark.parametrize(
    ("base", "asked"), [(BASE, BASE), (None, None), ("0" * 40, None)], ids=["known", "missing", "new branch"]
)
def test_long_push_is_completed_by_a_job(hooked: WebhookHost, base: str | None, asked: str | None) -> None:
    """The commits that the delivery lists are saved at once, and the others when the provider has listed them."""
    repository = hooked.claim()
    hooked.run()
    hooked.forge.commits = [factories.draft(number) for number in range(1, 6)]
    headers, body = delivery(hooked.secret(), push(1, unlisted=4, base=base, head=HEAD))
    (saved,), notes = receive_push(hooked.services, hooked.installation.id, headers, body)
    assert (len(saved.saved.new), len(notes), "a job fetches the others" in notes[0]) == (1, 1, True)
    hooked.run()
    assert hooked.forge.compared == [(asked, HEAD)]
    assert shas(hooked, repository) == {commit.sha for commit in hooked.forge.commits}


def test_nothing_of_a_long_push_is_left_out(hooked: WebhookHost) -> None:
    """The limit of a request does not count for the job, which saves piece by piece."""
    repository = hooked.claim()
    hooked.run()
    hooked.forge.commits = [factories.draft(number) for number in range(1, 6)]
    deliver(hooked, push(1, unlisted=4, head=HEAD))
    limits = hooked.services.limits.model_copy(update={"commits_per_request": 2})
    hooked.services = replace(hooked.services, limits=limits)
    hooked.run()
    assert len(shas(hooked, repository)) == 5


@pytest.mark.parametrize(
    "fields", [{"unlisted": 3}, {"unlisted": 3, "head": "0" * 40}], ids=["no head", "deleted branch"]
)
def test_push_without_an_end_cannot_be_completed(hooked: WebhookHost, fields: dict[str, Any]) -> None:
    """It is only noted how many commits are missing."""
    hooked.claim()
    hooked.run()
    headers, body = delivery(APP_SECRET, push(1, **fields))
    received = receive_provider_delivery(hooked.services, "webhook_forge", headers, body)
    assert received is not None
    assert "at least 3 are missing" in received[1][0]
    assert completions(hooked) == []


def test_complete_push_needs_no_job(hooked: WebhookHost) -> None:
    """A delivery that lists all commits is complete, whatever its ends are."""
    hooked.claim()
    deliver(hooked, push(1, base=BASE, head=HEAD))
    assert completions(hooked) == []


def test_repeated_long_push_is_completed_once(hooked: WebhookHost) -> None:
    """The later job replaces the earlier one."""
    hooked.claim()
    hooked.run()
    for _ in range(2):
        deliver(hooked, push(1, unlisted=1, head=HEAD))
    hooked.run()
    assert len(hooked.forge.compared) == 1


def test_failed_completion_is_tried_again(hooked: WebhookHost) -> None:
    """The commits appear when the code host answers."""
    repository = hooked.claim()
    hooked.run()
    deliver(hooked, push(1, unlisted=1, head=HEAD))
    hooked.forge.error = ProviderError("Not now.")
    hooked.run()
    hooked.forge.error, hooked.forge.commits = None, [factories.draft(9)]
    hooked.run(seconds=3600)
    assert factories.draft(9).sha in shas(hooked, repository)


@pytest.mark.parametrize(
    "changes", [{"integrationId": None}, {"status": RepositoryStatus.HIDDEN}], ids=["unclaimed", "hidden"]
)
def test_completion_of_a_repository_that_is_gone_ends(hooked: WebhookHost, changes: dict[str, object]) -> None:
    """The provider is not asked."""
    repository = hooked.claim()
    hooked.run()
    deliver(hooked, push(1, unlisted=1, head=HEAD))
    hooked.change(repository, **changes)
    assert len(completions(hooked)) == 1
    hooked.run()
    assert (completions(hooked), hooked.forge.compared) == ([], [])


def outcomes(hooked: WebhookHost) -> list[tuple[str, str]]:
    """Return what became of the last deliveries, the newest first."""
    return [
        (each.outcome, each.detail)
        for each in list_deliveries(hooked.services, hooked.organization, hooked.installation.id)
    ]


def deliver_here(hooked: WebhookHost, *pushes: Push, secret: str | None = None) -> None:
    headers, body = delivery(hooked.secret() if secret is None else secret, *pushes)
    receive_push(hooked.services, hooked.installation.id, {"X-Odd-Event": "push\x1b[31m", **headers}, body)


def test_last_deliveries_are_stored_without_their_bodies(hooked: WebhookHost) -> None:
    """Each has its event, what it has changed, or why it has changed nothing."""
    hooked.claim()
    create_secret(hooked.services, hooked.organization, hooked.installation.id)
    deliver_here(hooked, push(1, 2))
    deliver_here(hooked, push(1, 2))
    deliver_here(hooked, push(3, repository="nobody"))
    deliver_here(hooked)
    with pytest.raises(Unauthenticated):
        deliver_here(hooked, push(4), secret="a guess")
    assert outcomes(hooked) == [
        ("refused", "The delivery is not signed with a secret of this webhook."),
        ("ignored", "It is not a push with commits."),
        ("ignored", "Repository 'nobody' is not one of this installation's active repositories; it was left out."),
        ("unchanged", "team/app: 0 new, 2 known."),
        ("saved", "team/app: 2 new, 0 known."),
    ]
    newest = list_deliveries(hooked.services, hooked.organization, hooked.installation.id)[0]
    assert (newest.event, newest.received_at) == ("push\\x1b[31m", hooked.services.clock.now())


def test_refused_deliveries_are_few_and_displace_no_others(hooked: WebhookHost) -> None:
    """Anybody can send them: one is stored in a minute, and half of the places are for those of the code host."""
    hooked.claim()
    create_secret(hooked.services, hooked.organization, hooked.installation.id)
    for number in range(KEPT):
        deliver_here(hooked, push(number + 1))
    for _ in range(KEPT):
        for _ in range(2):
            with pytest.raises(Unauthenticated):
                deliver_here(hooked, push(1), secret="a guess")
        hooked.services.clock.turn(REFUSALS_EVERY.total_seconds())  # type: ignore[attr-defined]
    assert Counter(outcome for outcome, _ in outcomes(hooked)) == {"saved": KEPT // 2, "refused": KEPT // 2}
    assert outcomes(hooked)[-1] == ("saved", "team/app: 1 new, 0 known.")
