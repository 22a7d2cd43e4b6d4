"""Compare repositories with their code hosts, as jobs: renamed, moved, archived or deleted there.

Each installation is due once in an interval, and whenever somebody asks. A job handles up to a hundred repositories and
is followed by another one for the next hundred.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal
from zlib import crc32

import structlog

from scmhost.infra.db import jobs
from scmhost.infra.db.jobs import QueuedJob
from scmhost.installations import queries as installation_queries
from scmhost.installations.install import get_installation
from scmhost.organizations import queries as organization_queries
from scmhost.plugins import ProviderCalls
from scmhost.plugins.credentials import NeedsAttention
from scmhost.sdk import Installation, JsonObject, Organization, Repository, RepositoryUpdate
from scmhost.services import Services

from . import sync_queries
from .apply_updates import apply_updates
from .sync_queries import Key, StoredSync

_log = structlog.get_logger(__name__)

SYNC_REPOSITORIES: Final = "sync_repositories"
"""The kind of the job. Its key is ``<installation id>:``."""

BATCH: Final = 100
"""The most repositories that the hook gets at once."""

MAX_NOTES: Final = 20

_HOOK: Final = "scm_sync_repositories"
# The most installations that a round of housekeeping schedules.
_PER_ROUND: Final = 100
# Installations that were due at once, such as after a pause of the service, are spread by a tenth of the interval.
_JITTER: Final = 0.1


@dataclass(frozen=True, slots=True)
class SyncStatus:
    """The synchronization of an installation: what is under way, and the last result.

    Attributes:
        state: ``waiting`` for a job, ``retrying`` after a fault, ``failed`` for good, or ``idle``.
        fault: the fault of the job, or why the code host was not asked the last time.
        last: the last result; None before the first.
    """

    state: Literal["waiting", "retrying", "failed", "idle"]
    fault: str | None
    last: StoredSync | None


@dataclass(frozen=True, slots=True)
class _Progress:
    """How far the jobs of one synchronization are, as the payload of the next one."""

    after: int = 0
    checked: int = 0
    changed: int = 0
    notes: tuple[str, ...] = ()
    more_notes: int = 0

    def payload(self) -> JsonObject:
        return {
            "after": self.after,
            "checked": self.checked,
            "changed": self.changed,
            "notes": list(self.notes),
            "more_notes": self.more_notes,
        }

    def plus(self, batch: Sequence[Repository], changed: int, notes: Sequence[str]) -> "_Progress":
        kept = (*self.notes, *notes)
        return _Progress(
            batch[-1].id if batch else self.after,
            self.checked + len(batch),
            self.changed + changed,
            kept[:MAX_NOTES],
            self.more_notes + max(0, len(kept) - MAX_NOTES),
        )

    def all_notes(self) -> list[str]:
        return [*self.notes, *([f"and {self.more_notes} more"] if self.more_notes else [])]


def request_sync(services: Services, organization: Organization, installation_id: int) -> SyncStatus:
    """Schedule a comparison of an installation's repositories with its code host, for now.

    Raises:
        NotFound: the organization has no such installation.
        ProviderOff: its provider is not on for this organization.
    """
    installation = get_installation(services, organization, installation_id).installation
    calls = services.plugins.calls_for(installation.provider, organization)
    if not calls.has(_HOOK):
        return replace(sync_status(services, organization, installation_id), fault=_no_hook(calls))
    now = services.clock.now()
    with services.store.write() as tx:
        jobs.put(tx, organization.id, SYNC_REPOSITORIES, f"{installation_id}:", _Progress().payload(), now)
    return sync_status(services, organization, installation_id)


def sync_status(services: Services, organization: Organization, installation_id: int) -> SyncStatus:
    """Return what is under way for an installation, and the last result.

    Raises:
        NotFound: the organization has no such installation.
    """
    get_installation(services, organization, installation_id)
    with services.store.read() as tx:
        last = sync_queries.get_sync(tx, (organization.id, installation_id))
        waiting = jobs.with_key_prefix(tx, organization.id, SYNC_REPOSITORIES, f"{installation_id}:")
    last = last if last and last.finished_at else None
    if not waiting:
        return SyncStatus("idle", last.fault if last else None, last)
    (job,) = waiting
    return SyncStatus("failed" if job.failed else "retrying" if job.fault else "waiting", job.fault, last)


def schedule_syncs(services: Services) -> int:
    """Schedule a job for each installation that is due. Return how many."""
    interval = timedelta(hours=services.sync_hours)
    providers = services.plugins.providers_with(_HOOK)
    if not interval or not providers:
        return 0
    now, longest = services.clock.now(), interval * (1 + _JITTER)
    with services.store.read() as tx:
        new = sync_queries.unscheduled(tx, providers, _PER_ROUND)
        due = sync_queries.due(tx, providers, now, longest, _PER_ROUND)
    if not new and not due:
        return 0
    with services.store.write() as tx:
        # Spread over the whole interval: after an upgrade all installations are new.
        sync_queries.schedule(tx, [(key, now + interval * _fraction(key, now)) for key in new])
        taken = [
            key
            for key in sorted(due)
            if sync_queries.take(tx, key, now, longest, now + interval * (1 + _JITTER * (_fraction(key, now) - 1)))
        ]
        for organization_id, installation_id in taken:
            payload = _Progress().payload()
            jobs.put(tx, organization_id, SYNC_REPOSITORIES, f"{installation_id}:", payload, now)
    return len(taken)


def _fraction(key: Key, now: datetime) -> float:
    """Return a number from 0 to 1 that differs between installations and days."""
    return crc32(f"{key}:{now.isoformat()}".encode()) / 0xFFFF_FFFF


def sync_repositories(services: Services, job: QueuedJob) -> None:
    """Ask the plugin for changes of up to a hundred repositories, save them, and schedule the job for the next ones.

    Raises:
        ProviderError, PluginFault: the provider failed; the job is tried again.
    """
    progress = _progress(job.payload)
    key = (job.organization_id, int(job.key.rstrip(":")))
    with services.store.read() as tx:
        organization = organization_queries.get_organization(tx, job.organization_id)
        stored = installation_queries.get(tx, *key)
        batch = sync_queries.repositories_after(tx, key, progress.after, BATCH)
    if organization is None or stored is None:
        _finish(services, job, key, None)
        return
    try:
        updates = _updates(services, organization, stored.installation, batch)
    except (_CannotAsk, NeedsAttention) as error:
        _finish(services, job, key, progress, fault=str(error))
        return
    changed: list[Repository] = []
    with services.store.write() as tx:
        notes: list[str] = []
        if updates:
            changed, notes = apply_updates(tx, services, organization, stored.installation, batch, updates)
        progress = progress.plus(batch, len(changed), notes)
        is_last = len(batch) < BATCH
        # Somebody may have asked again meanwhile; that job begins with the first repository.
        if not is_last and jobs.finish(tx, job):
            jobs.put(tx, key[0], SYNC_REPOSITORIES, job.key, progress.payload(), services.clock.now())
    for repository in changed:
        services.plugins.notify("scm_repository_saved", organization=organization, repository=repository)
    if is_last:
        _finish(services, job, key, progress)


def _no_hook(calls: ProviderCalls) -> str:
    return f"{calls.provider.name} does not report changes of repositories: its plugin has no {_HOOK}."


class _CannotAsk(Exception):
    """The plugin cannot be asked now, and asking again soon would not help."""


def _updates(
    services: Services, organization: Organization, installation: Installation, batch: Sequence[Repository]
) -> Sequence[RepositoryUpdate]:
    idle = services.plugins.idle_reason(installation.provider, organization)
    calls = services.plugins.calls(installation.provider)
    if idle or calls is None:
        raise _CannotAsk(idle or "Its plugin is gone.")
    if not calls.has(_HOOK):
        raise _CannotAsk(_no_hook(calls))
    # Outside of a transaction: a code host may take seconds to answer.
    return calls.sync_repositories(installation, batch) if batch else ()


def _finish(
    services: Services, job: QueuedJob, key: Key, progress: _Progress | None, *, fault: str | None = None
) -> None:
    """End the job, and save the result unless the installation is gone."""
    now = services.clock.now()
    with services.store.write() as tx:
        jobs.finish(tx, job)
        if progress and installation_queries.get(tx, *key):
            due_at = now + timedelta(hours=services.sync_hours)
            result = StoredSync(due_at, now, progress.checked, progress.changed, progress.all_notes(), fault)
            sync_queries.save_result(tx, key, result)
    if progress:
        counts = {"checked": progress.checked, "changed": progress.changed, "notes": len(progress.all_notes())}
        _log.info("repositories synchronized", organization=key[0], installation=key[1], fault=fault, **counts)


def _progress(payload: JsonObject) -> _Progress:
    def number(name: str) -> int:
        value = payload.get(name)
        return value if isinstance(value, int) else 0

    notes = payload.get("notes")
    texts = tuple(str(note) for note in notes) if isinstance(notes, Sequence) and not isinstance(notes, str) else ()
    return _Progress(number("after"), number("checked"), number("changed"), texts, number("more_notes"))
