"""Checks of the doctor: the key of webhooks, and webhooks that are registered at code hosts."""

from typing import Final

from scmhost.repositories.webhooks import webhooks_blocker
from scmhost.services import Services

from . import queries as admin_queries
from .host_checks import Finding, Findings, each
from .queries import TenantRow, WebhookRow

REGISTER_AGAIN: Final = "fix the cause, then: scmhost webhooks register --org SLUG --installation ID"


def check_webhook_key(services: Services) -> Findings:
    """Report webhooks whose secrets cannot be derived, because the operator's key is missing."""
    with services.store.read() as tx:
        count = admin_queries.count_webhooks(tx, services.clock.now())
    if count and services.webhook_key is None:
        yield Finding(
            "error",
            "webhooks",
            f"there is no webhook_key, so every delivery is answered 404; installations with a webhook: {count}",
            "set SCMHOST_WEBHOOK_KEY, or webhook_key under [host], to the key with which they were created",
            services.plugins.settings.source.place("host"),
        )


def check_registered_webhooks(services: Services) -> Findings:
    """Report webhooks that code hosts do not have, or have with another address, and why none are registered."""
    with services.store.read() as tx:
        rows, installations = admin_queries.troubled_webhooks(tx, services.url), admin_queries.all_installations(tx)
    yield from each([row for row in rows if row.state == "failed"], _failed)
    yield from each([row for row in rows if row.state != "failed"], _moved)
    yield from _none_registered(services, installations)


def _none_registered(services: Services, installations: list[TenantRow]) -> Findings:
    providers = sorted({row.detail for row in installations})
    able = [key for key in providers if services.plugins.has_hook(key, "scm_register_webhook")]
    # An operator who has turned them off knows it.
    if not able or not services.register_webhooks:
        return
    blocker = webhooks_blocker(services)
    if blocker:
        problem = f"the plugins of {', '.join(able)} could register webhooks, but {blocker}"
        place = services.plugins.settings.source.place("host")
        yield Finding("note", "webhooks", problem, "set it, or register_webhooks = false under [host]", place)
        return
    with services.store.read() as tx:
        yield from each(admin_queries.installations_without_webhooks(tx, able), _without)


def _without(row: TenantRow) -> Finding:
    # They were claimed by an earlier version, or before the operator had set the address or the key.
    problem = f"{row.name!r} has repositories that were claimed before webhooks were registered: {row.count}"
    return Finding("note", f"installation {row.id} of {row.organization}", problem, _command(row.organization, row.id))


def _failed(row: WebhookRow) -> Finding:
    action = "registered" if row.wanted else "removed"
    problem = f"the webhook of {row.repository!r} could not be {action}: {row.reason or 'for an unknown reason'}"
    return Finding("warning", _subject(row), problem, _command(row.organization, row.installation_id))


def _moved(row: WebhookRow) -> Finding:
    problem = f"the webhook of {row.repository!r} was registered with {row.address}, which is not under host.url"
    return Finding("warning", _subject(row), problem, _command(row.organization, row.installation_id))


def _command(organization: str, installation_id: int) -> str:
    return f"scmhost webhooks register --org {organization} --installation {installation_id}"


def _subject(row: WebhookRow) -> str:
    return f"installation {row.installation_id} of {row.organization}"
