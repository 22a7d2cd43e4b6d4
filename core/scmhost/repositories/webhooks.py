"""Register the webhooks of repositories at their code hosts, and remove them, as jobs.

A repository that an installation claims gets a webhook; one that it loses, that is hidden or that will be deleted loses
it. A claim never waits for a code host: its transaction saves what is wanted, and a job does it.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from scmhost.infra.db import jobs
from scmhost.infra.db.engine import Transaction
from scmhost.infra.db.jobs import QueuedJob
from scmhost.infra.errors import Conflict, ScmhostError
from scmhost.installations import queries as installation_queries
from scmhost.installations.install import get_installation
from scmhost.installations.webhooks import DELIVERIES, current_secret
from scmhost.organizations import queries as organization_queries
from scmhost.plugins import PluginFault, ProviderCalls
from scmhost.plugins.isolation.circuit_breaker import seconds_of
from scmhost.sdk import (
    Installation,
    JsonObject,
    Organization,
    ProviderError,
    RegisteredWebhook,
    Repository,
    RepositoryStatus,
)
from scmhost.services import Services

from . import queries, webhook_queries
from .webhook_queries import RepositoryWebhook

_log = structlog.get_logger(__name__)

SYNC_WEBHOOK: Final = "sync_webhook"
"""The kind of the job that registers or removes one webhook. Its key is ``<installation id>:<repository id>``."""

REMOVAL_SECONDS: Final = 20.0
"""How long the removal of an installation may wait for its code host."""

_HOOK: Final = "scm_register_webhook"
_MAX_REASON: Final = 500


def webhooks_blocker(services: Services) -> str | None:
    """Return why this host registers no webhooks, or None."""
    if not services.register_webhooks:
        return "host.register_webhooks is false"
    missing = [name for name in ("url", "webhook_key") if getattr(services, name) is None]
    return f"the operator must set host.{' and host.'.join(missing)}" if missing else None


def delivery_address(services: Services, installation_id: int) -> str:
    """Return the address to which a code host sends the pushes of an installation."""
    return f"{services.url}{DELIVERIES.format(installation_id=installation_id)}"


def request_webhook(tx: Transaction, services: Services, before: Repository | None, after: Repository) -> None:
    """Schedule what a change of a repository means for its webhook. Call this in the transaction of the change."""
    old, new = _owner(before), _owner(after)
    if old == new:
        return
    now = services.clock.now()
    if old is not None and webhook_queries.request_removal(tx, after.organization_id, old, after.id, now):
        _put_jobs(tx, services, after.organization_id, old, [after.id])
    if new is not None and _registers(services, after.provider):
        webhook_queries.request(tx, new, [after], now)
        _put_jobs(tx, services, after.organization_id, new, [after.id])


def request_all(services: Services, organization: Organization, installation_id: int) -> list[RepositoryWebhook]:
    """Schedule that all webhooks of an installation are registered again. Return them.

    Raises:
        NotFound: the organization has no such installation.
        Conflict: this host registers no webhooks, or the plugin cannot.
    """
    installation = get_installation(services, organization, installation_id).installation
    blocker = webhooks_blocker(services)
    if blocker:
        raise Conflict(f"Webhooks are not registered here: {blocker}.")
    if not services.plugins.calls_for(installation.provider, organization).has(_HOOK):
        raise Conflict(
            f"The plugin of {installation.provider} does not register webhooks; enter them at the code host."
        )
    with services.store.write() as tx:
        _request_all(tx, services, installation)
        return webhook_queries.of_installation(tx, organization.id, installation_id)


def list_webhooks(services: Services, organization: Organization, installation_id: int) -> list[RepositoryWebhook]:
    """Return the webhooks of an installation by repository, with those that are to be removed.

    Raises:
        NotFound: the organization has no such installation.
    """
    get_installation(services, organization, installation_id)
    with services.store.read() as tx:
        return webhook_queries.of_installation(tx, organization.id, installation_id)


def webhooks_of(services: Services, repositories: Sequence[Repository]) -> dict[int, RepositoryWebhook]:
    """Return the webhooks of repositories of one organization by the repositories' ids."""
    with services.store.read() as tx:
        return webhook_queries.of_repositories(tx, repositories)


def unregister_all(services: Services, organization: Organization, installation: Installation) -> tuple[str, ...]:
    """Remove all webhooks of an installation that is about to be removed itself. Call this outside of a transaction.

    Returns:
        A sentence for each webhook that could not be removed. The code host still sends its pushes, in vain.
    """
    with services.store.read() as tx:
        rows = webhook_queries.of_installation(tx, organization.id, installation.id)
    # Repositories that share a webhook have the same id.
    left = {row.external_id: row for row in rows if row.external_id}
    if not left:
        return ()
    calls = services.plugins.calls(installation.provider)
    idle = services.plugins.idle_reason(installation.provider, organization)
    if calls is None or idle:
        return (
            f"Webhooks that stay at the code host: {len(left)}, because its plugin is off: {idle or 'it is gone'}.",
        )
    problems: list[str] = []
    deadline = time.monotonic() + REMOVAL_SECONDS
    for number, row in enumerate(left.values()):
        if time.monotonic() > deadline:
            problems.append(f"Webhooks that stay at the code host: {len(left) - number}, because it is too slow.")
            break
        try:
            calls.unregister_webhook(installation, _as_owned(installation, row.repository), _registered(row))
        except (ProviderError, PluginFault) as error:
            problems.append(f"The webhook of {row.repository.name!r} was not removed: {_sentence(error)}.")
    return tuple(problems)


def register_webhooks(services: Services, job: QueuedJob) -> None:
    """Schedule that all webhooks of an installation are registered again, with its current secret."""
    with services.store.write() as tx:
        found = installation_queries.get(tx, job.organization_id, int(job.key))
        if jobs.finish(tx, job) and found and webhooks_blocker(services) is None:
            _request_all(tx, services, found.installation)


@dataclass(frozen=True, slots=True)
class _Work:
    """A webhook to register or to remove, and what is needed for it."""

    organization: Organization
    installation: Installation
    repository: Repository
    webhook: RepositoryWebhook


def sync_webhook(services: Services, job: QueuedJob) -> None:
    """Register the webhook of a repository, or remove it, as its row requires.

    Raises:
        ProviderError, PluginFault, ScmhostError: it failed; the row has the reason.
    """
    with services.store.read() as tx:
        work = _read_work(tx, job)
    if work is None:
        with services.store.write() as tx:
            jobs.finish(tx, job)
        return
    try:
        if work.webhook.wanted:
            _register(services, job, work)
        else:
            _unregister(services, job, work)
    except (ProviderError, ScmhostError) as error:
        # A code host that asked for a pause has not failed: the job waits for its end.
        state: webhook_queries.WebhookState = "failed" if seconds_of(error) is None else "pending"
        with services.store.write() as tx:
            webhook_queries.save_problem(tx, work.webhook, state, _sentence(error), services.clock.now())
        raise


def _read_work(tx: Transaction, job: QueuedJob) -> _Work | None:
    """Return what a job is to do; None if the installation or the webhook is gone."""
    installation_id, repository_id = map(int, job.key.split(":"))
    organization = organization_queries.get_organization(tx, job.organization_id)
    found = installation_queries.get(tx, job.organization_id, installation_id)
    webhook = webhook_queries.get(tx, job.organization_id, installation_id, repository_id)
    if organization is None or found is None or webhook is None:
        return None
    stored = queries.get(tx, organization.id, repository_id)
    # Another installation has changed it, or it is deleted: the plugin gets it as it was.
    usable = stored is not None and stored.installation_id in (None, installation_id)
    repository = stored if stored is not None and usable else webhook.repository
    return _Work(organization, found.installation, _as_owned(found.installation, repository), webhook)


def _register(services: Services, job: QueuedJob, work: _Work) -> None:
    blocker = webhooks_blocker(services)
    if blocker:
        with services.store.write() as tx:
            # A new attempt changes nothing before the operator does; then all are registered on demand.
            if jobs.finish(tx, job):
                webhook_queries.save_problem(tx, work.webhook, "failed", blocker, services.clock.now())
        return
    calls = services.plugins.calls_for(work.installation.provider, work.organization)
    secret = current_secret(services, work.organization, work.installation)
    address = delivery_address(services, work.installation.id)
    # Outside of a transaction: a code host may take seconds to answer.
    registered = calls.register_webhook(work.installation, work.repository, address, secret)
    if registered is None:
        raise Conflict(f"the plugin of {work.installation.provider} does not register webhooks any more")
    with services.store.write() as tx:
        final = jobs.finish(tx, job)
        saved = webhook_queries.save_registered(
            tx, work.webhook, registered, address, services.clock.now(), final=final
        )
        if not saved:
            _adopt(tx, services, work, registered, address)
        shared = webhook_queries.is_shared(tx, work.webhook)
    former = work.webhook.registered
    # A code host that cannot change a secret needs a new webhook for it.
    if former is not None and former.external_id != registered.external_id and not shared:
        _remove_former(calls, work, former)


def _remove_former(calls: ProviderCalls, work: _Work, former: RegisteredWebhook) -> None:
    try:
        calls.unregister_webhook(work.installation, work.repository, former)
    except (ProviderError, PluginFault) as error:
        # Its deliveries are refused, because they are signed with a former secret or repeat those of the new one.
        fields = {"installation": work.installation.id, "repository": work.repository.id, "error": str(error)}
        _log.warning("former webhook not removed", **fields)


def _adopt(tx: Transaction, services: Services, work: _Work, registered: RegisteredWebhook, address: str) -> None:
    """Schedule the removal of a webhook that was registered after its repository had been taken away."""
    installation, now = work.installation, services.clock.now()
    if not installation_queries.lock(tx, installation.organization_id, installation.id):
        _log.warning("webhook left", installation=installation.id, repository=work.repository.id)
        return
    webhook_queries.request(tx, installation.id, [work.repository], now)
    webhook_queries.save_registered(tx, work.webhook, registered, address, now)
    webhook_queries.request_removal(tx, installation.organization_id, installation.id, work.repository.id, now)
    _put_jobs(tx, services, installation.organization_id, installation.id, [work.repository.id])


def _unregister(services: Services, job: QueuedJob, work: _Work) -> None:
    webhook, installation = work.webhook, work.installation
    with services.store.read() as tx:
        shared = webhook_queries.is_shared(tx, webhook)
    # One webhook of the code host may serve several repositories, such as those of a group.
    remove = webhook.registered is not None and not shared
    if remove:
        calls = services.plugins.calls_for(installation.provider, work.organization)
        calls.unregister_webhook(installation, work.repository, _registered(webhook))
    with services.store.write() as tx:
        webhook_queries.forget(tx, webhook, final=jobs.finish(tx, job))
        if remove:
            _repeat_concurrent(tx, services, webhook)


def _repeat_concurrent(tx: Transaction, services: Services, removed: RepositoryWebhook) -> None:
    """Register those again that may have got the id of a webhook while it was being removed."""
    rows = webhook_queries.of_installation(tx, removed.organization_id, removed.installation_id)
    affected = [
        row for row in rows if row.wanted and (row.state != "registered" or row.external_id == removed.external_id)
    ]
    webhook_queries.request(tx, removed.installation_id, [row.repository for row in affected], services.clock.now())
    ids = [row.repository_id for row in affected]
    _put_jobs(tx, services, removed.organization_id, removed.installation_id, ids)


def _request_all(tx: Transaction, services: Services, installation: Installation) -> None:
    organization_id = installation.organization_id
    owned = queries.of_installation(tx, organization_id, installation.id)
    # Hidden repositories and those to be deleted get no pushes.
    active = [repository for repository in owned if _owner(repository) == installation.id]
    webhook_queries.request(tx, installation.id, active, services.clock.now())
    # Read again, so that the rows to be removed get a new attempt too.
    rows = webhook_queries.of_installation(tx, organization_id, installation.id)
    _put_jobs(tx, services, organization_id, installation.id, [row.repository_id for row in rows])


def _put_jobs(
    tx: Transaction, services: Services, organization_id: int, installation_id: int, repository_ids: Iterable[int]
) -> None:
    payloads: dict[str, JsonObject] = {f"{installation_id}:{repository_id}": {} for repository_id in repository_ids}
    jobs.put_many(tx, organization_id, SYNC_WEBHOOK, payloads, services.clock.now())


def _owner(repository: Repository | None) -> int | None:
    """Return the installation that gets the pushes of a repository."""
    active = repository is not None and repository.status is RepositoryStatus.ACTIVE
    return repository.installation_id if repository is not None and active else None


def _registers(services: Services, provider: str | None) -> bool:
    return services.plugins.has_hook(provider, _HOOK) and webhooks_blocker(services) is None


def _as_owned(installation: Installation, repository: Repository) -> Repository:
    """Return a repository with the installation that it had: it may have been unclaimed since."""
    owner = {"provider": installation.provider, "installation_id": installation.id}
    return repository.model_copy(update=owner)


def _registered(row: RepositoryWebhook) -> RegisteredWebhook:
    registered = row.registered
    assert registered is not None  # noqa: S101 - callers have checked it
    return registered


def _sentence(error: Exception) -> str:
    """Return the text of an error as a part of a sentence."""
    return str(error)[:_MAX_REASON].rstrip(". ") or "its plugin gave no reason"
