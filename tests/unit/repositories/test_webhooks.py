"""Webhooks that jobs register at a code host and remove from it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest
from pydantic import SecretStr

import factories
from hosting import enabled
from plugins.webhook_forge import delivery
from scmhost.admin.background import delete_due_repositories
from scmhost.commits.push import receive_push
from scmhost.infra.db.engine import Store
from scmhost.infra.errors import Conflict, NotFound
from scmhost.installations.install import install_provider
from scmhost.installations.webhooks import ROTATION, create_secret, delete_secret, list_secrets
from scmhost.plugins import Settings
from scmhost.repositories import manage, webhook_queries
from scmhost.repositories.manage import delete_repository, uninstall
from scmhost.repositories.webhooks import list_webhooks, request_all, unregister_all, webhooks_of
from scmhost.sdk import (
    ProviderError,
    Push,
    RateLimited,
    RepositoryStatus,
)
from use_cases import WEBHOOK_KEY, recorded
from webhook_host import URL, WebhookHost, open_webhook_host


@pytest.fixture
def hooked(store: Store) -> Iterator[WebhookHost]:
    """An organization with an installation whose plugin registers webhooks, and an empty code host."""
    with open_webhook_host(store) as opened:
        yield opened


def test_claimed_repository_gets_a_webhook(hooked: WebhookHost) -> None:
    """A claim does not wait for the code host: a job registers the address of the installation and its secret."""
    repository = hooked.claim()
    assert (hooked.state(repository), hooked.forge.calls) == (("pending", None), [])
    assert hooked.run() == 1
    assert hooked.state(repository) == ("registered", None)
    address = f"{URL}/hooks/{hooked.installation.id}/"
    assert hooked.forge.webhooks == {"hook of team/app": (address, hooked.secret())}
    assert hooked.run() == 0


def test_registered_secret_signs_deliveries(hooked: WebhookHost) -> None:
    """A delivery that is signed with the secret that the code host has is accepted."""
    hooked.claim()
    hooked.run()
    ((_, secret),) = hooked.forge.webhooks.values()
    headers, body = delivery(secret, Push(repository="team/app", commits=(factories.draft(1),)))
    (saved,), _ = receive_push(hooked.services, hooked.installation.id, headers, body)
    assert len(saved.saved.new) == 1


def test_all_repositories_have_one_secret(hooked: WebhookHost) -> None:
    """The first registration creates the secret, which is recorded; the others use it."""
    for name in ("team/app", "team/other"):
        hooked.claim(name)
    hooked.run()
    assert len({secret for _, secret in hooked.forge.webhooks.values()}) == 1
    assert [action for action, _ in recorded(hooked.services, hooked.organization)].count("webhook-secret.create") == 1


@pytest.mark.parametrize(
    "changes", [{"integrationId": None}, {"status": RepositoryStatus.HIDDEN}], ids=["unclaimed", "hidden"]
)
def test_webhook_is_removed_with_its_repository(hooked: WebhookHost, changes: dict[str, object]) -> None:
    """Unclaimed and hidden repositories lose their webhooks; a hidden one that is shown again gets one again."""
    repository = hooked.claim()
    hooked.run()
    hooked.change(repository, **changes)
    assert hooked.forge.webhooks
    hooked.run()
    assert (hooked.forge.webhooks, hooked.state(repository)) == ({}, None)
    if "status" in changes:
        hooked.change(repository, status=RepositoryStatus.ACTIVE)
        hooked.run()
        assert hooked.state(repository) == ("registered", None)


def test_webhook_of_deleted_repository_is_removed(hooked: WebhookHost) -> None:
    """The plugin gets the repository as it was, also after its row is gone."""
    repository = hooked.claim()
    hooked.run()
    delete_repository(hooked.services, hooked.organization, repository.id)
    assert delete_due_repositories(hooked.services) == 1
    hooked.run()
    assert hooked.forge.webhooks == {}
    assert hooked.forge.calls[-1] == "unregister hook of team/app of team/app (team/app)"
    assert list_webhooks(hooked.services, hooked.organization, hooked.installation.id) == []


def test_repository_that_was_never_registered_is_not_removed(hooked: WebhookHost) -> None:
    """A repository that is claimed and unclaimed before the job runs costs no request to the code host."""
    repository = hooked.claim()
    hooked.change(repository, integrationId=None)
    hooked.run()
    assert hooked.forge.calls == []
    assert list_webhooks(hooked.services, hooked.organization, hooked.installation.id) == []


def test_shared_webhook_is_removed_with_the_last_repository(hooked: WebhookHost) -> None:
    """Repositories with the same id at the code host share one webhook."""
    hooked.forge.by_group = True
    first, second = hooked.claim("team/one"), hooked.claim("team/two")
    hooked.run()
    hooked.change(first, integrationId=None)
    hooked.run()
    assert list(hooked.forge.webhooks) == ["team"]
    assert (hooked.state(first), hooked.state(second)) == (None, ("registered", None))
    hooked.change(second, integrationId=None)
    hooked.run()
    assert hooked.forge.webhooks == {}


def test_webhook_that_was_removed_during_a_registration_is_registered_again(hooked: WebhookHost) -> None:
    """The removal of a shared webhook repeats the registrations that were under way."""
    hooked.forge.by_group = True
    first = hooked.claim("team/one")
    hooked.run()
    hooked.change(first, integrationId=None)
    second = hooked.claim("team/two")
    hooked.run()
    assert (list(hooked.forge.webhooks), hooked.state(second)) == (["team"], ("registered", None))


def test_moved_repository_has_the_webhook_of_its_new_installation(hooked: WebhookHost) -> None:
    """The old installation removes its webhook, and the new one registers its own."""
    other = install_provider(hooked.services, hooked.organization, "webhook_forge", {"group": "other"}).installation
    hooked.forge.by_group = True
    repository = hooked.claim()
    hooked.run()
    moved = hooked.change(repository, integrationId=other.id)
    hooked.run()
    assert hooked.forge.webhooks.keys() == {"other"}
    assert hooked.forge.webhooks["other"][0] == f"{URL}/hooks/{other.id}/"
    assert hooked.state(moved) == ("registered", None)


def test_failure_is_visible_and_tried_again(hooked: WebhookHost) -> None:
    """The claim stays; the state has the plugin's reason until a later attempt succeeds."""
    repository = hooked.claim()
    hooked.forge.error = ProviderError("The token may not change webhooks.")
    hooked.run()
    assert hooked.state(repository) == ("failed", "The token may not change webhooks")
    hooked.forge.error = None
    assert hooked.run() == 0
    assert hooked.run(seconds=3600) == 1
    assert hooked.state(repository) == ("registered", None)


def test_fault_of_the_plugin_is_visible(hooked: WebhookHost) -> None:
    """The reason names the plugin."""
    repository = hooked.claim()
    hooked.forge.error = ZeroDivisionError("a bug")
    hooked.run()
    state = hooked.state(repository)
    assert state is not None
    assert (state[0], "webhook_forge" in str(state[1])) == ("failed", True)


def test_rate_limit_is_waited_for(hooked: WebhookHost) -> None:
    """While the code host asks for a pause, the registration is pending and not failed."""
    repository = hooked.claim()
    hooked.forge.error = RateLimited("Too many requests.", retry_after=600)
    hooked.run()
    assert hooked.state(repository) == ("pending", "Too many requests")


def test_failed_removal_is_tried_again(hooked: WebhookHost) -> None:
    """The webhook stays in the list of its installation, as not wanted, until it is removed."""
    repository = hooked.claim()
    hooked.run()
    hooked.change(repository, integrationId=None)
    hooked.forge.error = ProviderError("Not now.")
    hooked.run()
    (left,) = list_webhooks(hooked.services, hooked.organization, hooked.installation.id)
    assert (left.wanted, left.state, left.reason) == (False, "failed", "Not now")
    hooked.forge.error = None
    hooked.run(seconds=3600)
    assert list_webhooks(hooked.services, hooked.organization, hooked.installation.id) == []


def test_new_secret_is_registered(hooked: WebhookHost) -> None:
    """After a rotation the code host gets the new secret; nothing else changes."""
    hooked.claim()
    hooked.run()
    new = create_secret(hooked.services, hooked.organization, hooked.installation.id)
    hooked.run()
    assert [secret for _, secret in hooked.forge.webhooks.values()] == [new.text]
    assert [
        secret.expires_at is None
        for secret in list_secrets(hooked.services, hooked.organization, hooked.installation.id)
    ] == [True, False]


def test_webhook_with_the_former_id_is_removed(hooked: WebhookHost) -> None:
    """Some code hosts cannot change a secret, so that the plugin makes a new webhook; a failure does not undo it."""
    repository = hooked.claim()
    hooked.run()
    hooked.forge.renumbered = " 2"
    create_secret(hooked.services, hooked.organization, hooked.installation.id)
    hooked.run()
    assert list(hooked.forge.webhooks) == ["hook of team/app 2"]
    assert hooked.forge.calls[-1] == "unregister hook of team/app of team/app (team/app)"
    hooked.forge.renumbered, begin = " 3", hooked.forge.begin

    def fail_to_remove(call: str) -> None:
        begin(call)
        if call.startswith("unregister"):
            raise ProviderError("No.")

    hooked.forge.begin = fail_to_remove  # type: ignore[method-assign]
    try:
        request_all(hooked.services, hooked.organization, hooked.installation.id)
        hooked.run()
    finally:
        del hooked.forge.begin
    assert (hooked.state(repository), len(hooked.forge.webhooks)) == (("registered", None), 2)


def test_deleted_secret_is_replaced(hooked: WebhookHost) -> None:
    """A secret that was deleted, or that expires soon, is no secret for a webhook."""
    hooked.claim()
    hooked.run()
    old = hooked.secret()
    newest = create_secret(hooked.services, hooked.organization, hooked.installation.id)
    delete_secret(hooked.services, hooked.organization, hooked.installation.id, newest.secret.id)
    hooked.run()
    ((_, registered),) = hooked.forge.webhooks.values()
    assert registered not in (old, newest.text)
    assert registered == hooked.secret()
    assert hooked.run(seconds=ROTATION.total_seconds() + 60) == 0
    assert len(list_secrets(hooked.services, hooked.organization, hooked.installation.id)) == 1


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"url": None}, "the operator must set host.url"),
        ({"webhook_key": None}, "the operator must set host.webhook_key"),
        ({"url": None, "webhook_key": None}, "the operator must set host.url and host.webhook_key"),
        ({"register_webhooks": False}, "host.register_webhooks is false"),
    ],
    ids=["no address", "no key", "neither", "off"],
)
def test_host_without_webhooks_registers_none(hooked: WebhookHost, fields: dict[str, object], reason: str) -> None:
    """A claim works; on demand, the error has the reason; a job from before shows it too."""
    earlier = hooked.claim("team/earlier")
    working, hooked.services = hooked.services, replace(hooked.services, **fields)  # type: ignore[arg-type]
    repository = hooked.claim()
    assert hooked.state(repository) is None
    with pytest.raises(Conflict, match=reason):
        request_all(hooked.services, hooked.organization, hooked.installation.id)
    hooked.run()
    assert (hooked.state(earlier), hooked.forge.calls) == (("failed", reason), [])
    hooked.services = working
    request_all(working, hooked.organization, hooked.installation.id)
    hooked.run()
    assert [hooked.state(each) for each in (earlier, repository)] == [("registered", None)] * 2


def test_active_repositories_are_registered_again_on_request(hooked: WebhookHost) -> None:
    """All active repositories of the installation are registered again; others are not."""
    repositories = [hooked.claim(name) for name in ("a", "b", "c")]
    hooked.change(repositories[2], status=RepositoryStatus.HIDDEN)
    hooked.run()
    hooked.forge.webhooks.clear()
    requested = request_all(hooked.services, hooked.organization, hooked.installation.id)
    assert [(each.repository.name, each.state) for each in requested] == [("a", "pending"), ("b", "pending")]
    hooked.run()
    assert sorted(hooked.forge.webhooks) == ["hook of a", "hook of b"]
    with pytest.raises(NotFound):
        request_all(hooked.services, hooked.organization, factories.NOBODY)


def test_repository_that_is_unclaimed_during_the_registration(hooked: WebhookHost) -> None:
    """A webhook that was registered too late is removed."""
    repository = hooked.claim()
    begin = hooked.forge.begin

    def unclaim_meanwhile(call: str) -> None:
        begin(call)
        if call.startswith("register"):
            hooked.change(repository, integrationId=None)

    hooked.forge.begin = unclaim_meanwhile  # type: ignore[method-assign]
    try:
        hooked.run()
    finally:
        del hooked.forge.begin
    assert hooked.forge.calls == ["register team/app", "unregister hook of team/app of team/app (team/app)"]
    assert hooked.forge.webhooks == {}


def test_webhook_that_is_registered_after_its_removal(hooked: WebhookHost) -> None:
    """If the removal ended before the registration did, the webhook is removed after all."""
    repository = hooked.claim()
    begin = hooked.forge.begin

    def unclaim_and_run(call: str) -> None:
        begin(call)
        if call.startswith("register"):
            hooked.change(repository, integrationId=None)
            hooked.run()

    hooked.forge.begin = unclaim_and_run  # type: ignore[method-assign]
    try:
        hooked.run()
    finally:
        del hooked.forge.begin
    assert hooked.forge.webhooks == {}
    assert list_webhooks(hooked.services, hooked.organization, hooked.installation.id) == []


def test_all_webhooks_of_an_installation_are_removed(hooked: WebhookHost) -> None:
    """Before an installation is removed, each webhook is removed once; what fails is reported."""
    for name in ("a", "b"):
        hooked.claim(name)
    hooked.run()
    assert unregister_all(hooked.services, hooked.organization, hooked.installation) == ()
    assert hooked.forge.webhooks == {}
    hooked.forge.error = ProviderError("No.")
    problems = unregister_all(hooked.services, hooked.organization, hooked.installation)
    assert problems == ("The webhook of 'a' was not removed: No.", "The webhook of 'b' was not removed: No.")


def test_removing_an_installation_removes_its_webhooks(hooked: WebhookHost) -> None:
    """They are removed before the installation is; nothing is left to report."""
    hooked.claim()
    hooked.run()
    assert hooked.forge.webhooks
    assert uninstall(hooked.services, hooked.organization, hooked.installation.id) == []
    assert hooked.forge.webhooks == {}


def test_webhooks_that_are_left_are_reported_up_to_a_limit(
    hooked: WebhookHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number of the others is named, and all are in the log."""
    for name in "abcd":
        hooked.claim(name)
    hooked.run()
    hooked.forge.error = ProviderError("No.")
    monkeypatch.setattr(manage, "_MOST_NOTES", 3)
    notes = uninstall(hooked.services, hooked.organization, hooked.installation.id)
    assert notes == [
        "The webhook of 'a' was not removed: No.",
        "The webhook of 'b' was not removed: No.",
        "2 more problems like these are in the log.",
    ]


def test_removed_installation_leaves_no_webhooks(hooked: WebhookHost) -> None:
    """They are removed while its secrets still exist; what fails is returned, and does not keep the installation."""
    for name in ("a", "b"):
        hooked.claim(name)
    hooked.run()
    assert uninstall(hooked.services, hooked.organization, hooked.installation.id) == []
    assert hooked.forge.webhooks == {}
    other = install_provider(hooked.services, hooked.organization, "webhook_forge", {"group": "other"}).installation
    hooked.claim("c", other)
    hooked.run()
    hooked.forge.error = ProviderError("No.")
    notes = uninstall(hooked.services, hooked.organization, other.id)
    assert notes == ["The webhook of 'c' was not removed: No."]
    with pytest.raises(NotFound):
        list_webhooks(hooked.services, hooked.organization, other.id)


def test_slow_code_host_does_not_keep_an_installation(hooked: WebhookHost, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while the other webhooks are left, and their number is reported."""
    for name in ("a", "b", "c"):
        hooked.claim(name)
    hooked.run()
    moments = iter([0.0, 0.0, 1000.0])
    monkeypatch.setattr("scmhost.repositories.webhooks.time", SimpleNamespace(monotonic=lambda: next(moments)))
    problems = unregister_all(hooked.services, hooked.organization, hooked.installation)
    assert problems == ("Webhooks that stay at the code host: 2, because it is too slow.",)
    assert len(hooked.forge.webhooks) == 2


def test_webhooks_of_a_provider_that_is_off_are_left(hooked: WebhookHost) -> None:
    """Its plugin is not called."""
    hooked.claim()
    hooked.run()
    hooked.services.plugins.reload(Settings(plugins={"webhook_forge": enabled(kill=True)}))
    hooked.forge.calls.clear()
    (problem,) = unregister_all(hooked.services, hooked.organization, hooked.installation)
    assert (problem.startswith("Webhooks that stay at the code host: 1, because"), hooked.forge.calls) == (True, [])


def test_job_of_a_removed_installation_ends(hooked: WebhookHost) -> None:
    """Its webhooks are forgotten with it, and its jobs do nothing."""
    hooked.claim()
    uninstall(hooked.services, hooked.organization, hooked.installation.id)
    assert (hooked.run(), hooked.forge.calls) == (1, [])
    with hooked.services.store.read() as tx:
        assert webhook_queries.of_installation(tx, hooked.organization.id, hooked.installation.id) == []


def test_webhook_states_are_those_of_the_present_installation(hooked: WebhookHost) -> None:
    """A repository without an installation has no webhook, whatever is left to be removed."""
    repository = hooked.claim()
    hooked.run()
    unclaimed = hooked.change(repository, integrationId=None)
    assert webhooks_of(hooked.services, [unclaimed]) == {}
    assert webhooks_of(hooked.services, []) == {}


def test_two_keys_give_two_secrets(hooked: WebhookHost) -> None:
    """The registered secret is derived from the key of the operator."""
    hooked.claim()
    hooked.run()
    ((_, before),) = hooked.forge.webhooks.values()
    hooked.services = replace(hooked.services, webhook_key=SecretStr(WEBHOOK_KEY[::-1]))
    request_all(hooked.services, hooked.organization, hooked.installation.id)
    hooked.run(seconds=timedelta(minutes=1).total_seconds())
    ((_, after),) = hooked.forge.webhooks.values()
    assert before != after
