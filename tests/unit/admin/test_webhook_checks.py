"""The doctor's checks of webhooks at code hosts."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from scmhost.admin.doctor import check_jobs
from scmhost.admin.host_checks import REGISTER_AGAIN, check_registered_webhooks
from scmhost.infra.db.engine import Store
from scmhost.repositories.webhooks import request_all
from scmhost.sdk import ProviderError, RepositoryStatus
from scmhost.services import Services
from webhook_host import URL, WebhookHost, open_webhook_host


@pytest.fixture
def hooked(store: Store) -> Iterator[WebhookHost]:
    """An organization with an installation whose plugin registers webhooks."""
    with open_webhook_host(store) as opened:
        yield opened


def found(services: Services) -> list[tuple[str, str, str]]:
    return [(each.severity, each.problem, each.remedy) for each in check_registered_webhooks(services)]


def test_registered_webhooks_are_no_finding(hooked: WebhookHost) -> None:
    """Neither are pending ones."""
    hooked.claim()
    assert found(hooked.services) == []
    hooked.run()
    assert found(hooked.services) == []


def test_failed_webhooks_are_warnings(hooked: WebhookHost) -> None:
    """The problem has the plugin's reason, the remedy the command."""
    repository, other = hooked.claim("team/app"), hooked.claim("team/other")
    hooked.run()
    hooked.forge.error = ProviderError("The token may not change webhooks.")
    hooked.change(repository, integrationId=None)
    hooked.claim("team/new")
    hooked.run()
    reason = "The token may not change webhooks"
    remedy = f"scmhost webhooks register --org acme --installation {hooked.installation.id}"
    assert found(hooked.services) == [
        ("warning", f"the webhook of 'team/app' could not be removed: {reason}", remedy),
        ("warning", f"the webhook of 'team/new' could not be registered: {reason}", remedy),
    ]
    assert hooked.state(other) == ("registered", None)


def test_other_address_is_a_warning(hooked: WebhookHost) -> None:
    """After a change of host.url the code host still sends to the old one."""
    hooked.claim()
    hooked.run()
    ((severity, problem, _),) = found(replace(hooked.services, url=f"{URL}/moved"))
    assert (severity, f"was registered with {URL}/hooks/" in problem) == ("warning", True)
    # "_" and "%" are no wildcards.
    assert len(found(replace(hooked.services, url=URL.replace("scmhost.", "scmhost_")))) == 1


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"url": None}, "the plugins of webhook_forge could register webhooks, but the operator must set host.url"),
        ({"url": None, "register_webhooks": False}, None),
    ],
    ids=["no address", "off on purpose"],
)
def test_missing_settings_are_a_note(hooked: WebhookHost, fields: dict[str, object], problem: str | None) -> None:
    """An operator who has turned webhooks off is left alone."""
    findings = found(replace(hooked.services, **fields))  # type: ignore[arg-type]
    assert [(each[0], each[1]) for each in findings] == ([("note", problem)] if problem else [])


def test_repositories_from_before_are_a_note(hooked: WebhookHost) -> None:
    """They are counted, until somebody registers their webhooks; hidden ones need none."""
    working = hooked.services
    hooked.services = replace(working, url=None)
    hidden = [hooked.claim(name) for name in ("a", "b", "c")][-1]
    hooked.change(hidden, status=RepositoryStatus.HIDDEN)
    hooked.services = working
    hooked.claim("d")
    ((severity, problem, remedy),) = found(working)
    assert (severity, problem) == (
        "note",
        "'team' has repositories that were claimed before webhooks were registered: 2",
    )
    assert remedy == f"scmhost webhooks register --org acme --installation {hooked.installation.id}"
    request_all(working, hooked.organization, hooked.installation.id)
    assert found(working) == []


def test_failed_job_has_a_fitting_remedy(hooked: WebhookHost) -> None:
    """A job that is not tried again any more names the command."""
    hooked.claim()
    hooked.forge.error = ProviderError("No.")
    for _ in range(14):
        hooked.run(seconds=5 * 3600)
    (finding,) = check_jobs(hooked.services)
    assert (finding.severity, finding.remedy) == ("warning", REGISTER_AGAIN)
