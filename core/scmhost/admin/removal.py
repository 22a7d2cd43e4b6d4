"""Delete a project or an organization: after an hour, in which everything works as before and somebody may keep it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, cast

from scmhost.audit.queries import Action, AuditDraft, Details, add, record
from scmhost.infra.db import jobs
from scmhost.infra.db.engine import Transaction
from scmhost.infra.db.jobs import QueuedJob
from scmhost.infra.errors import Conflict, InvalidInput, NotFound
from scmhost.organizations.queries import Project, find_project, get_organization
from scmhost.releases.content_queries import delete_repository
from scmhost.repositories.manage import GRACE, uninstall
from scmhost.sdk import JsonObject, Organization
from scmhost.services import Actor, ActorKind, Services

from . import removal_queries as queries

REMOVE_PROJECT: Final = "remove_project"
REMOVE_ORGANIZATION: Final = "remove_organization"
"""The kinds of the jobs, whose keys are ids. The payload has the time at which they are due, and who asked for them."""


@dataclass(frozen=True, slots=True)
class Removal:
    """What is deleted with a project or an organization.

    Attributes:
        counts: how many rows, by what they are: ``{"code mappings": 3}``.
        due_at: when it is deleted; None unless a deletion is scheduled.
        done: whether it is deleted already, because nothing is lost with it.
    """

    counts: Mapping[str, int]
    due_at: datetime | None = None
    done: bool = False

    @property
    def text(self) -> str:
        """The numbers in words: ``code mappings (3), shared traces (1)``."""
        return ", ".join(f"{name} ({count:,})" for name, count in self.counts.items() if count) or "nothing else"


def removal_of(services: Services, organization: Organization, project: Project | None = None) -> Removal:
    """Return what would go with a project, or with the whole organization, and when it goes."""
    with services.store.read() as tx:
        job = _job(tx, organization, project)
        return Removal(_counts(tx, organization, project), _due_at(job) if job else None)


def due_removals(services: Services, organization: Organization) -> Mapping[int, datetime]:
    """Return when the organization and its projects are deleted, by id; those that stay have no entry."""
    with services.store.read() as tx:
        found = [
            job
            for kind in (REMOVE_PROJECT, REMOVE_ORGANIZATION)
            for job in jobs.with_key_prefix(tx, organization.id, kind, "")
        ]
    return {int(job.key): _due_at(job) for job in found}


def remove_project(services: Services, organization: Organization, project: Project) -> Removal:
    """Delete a project: at once if it has no rows, else in an hour. A second call changes nothing.

    Its releases and their commits stay.
    """
    with services.store.write() as tx:
        counts = _counts(tx, organization, project)
        existing = _job(tx, organization, project)
        if existing:
            return Removal(counts, _due_at(existing))
        record(tx, services, organization, "project.delete", (project.id, project.slug), _details(counts))
        if not any(counts.values()):
            queries.delete_project(tx, organization.id, project.id)
            return Removal(counts, done=True)
        return Removal(counts, _schedule(tx, services, organization, REMOVE_PROJECT, project.id))


def remove_organization(services: Services, organization: Organization) -> Removal:
    """Delete an organization with all that it has, in an hour. A second call changes nothing."""
    with services.store.write() as tx:
        counts = _counts(tx, organization, None)
        existing = _job(tx, organization, None)
        if existing:
            return Removal(counts, _due_at(existing))
        target = organization.id, organization.slug
        record(tx, services, organization, "org.delete", target, _details(counts))
        return Removal(counts, _schedule(tx, services, organization, REMOVE_ORGANIZATION, organization.id))


def keep(services: Services, organization: Organization, project: Project | None = None) -> None:
    """Cancel the deletion of a project, or of the organization, if there is one.

    Raises:
        Conflict: it is being deleted now.
    """
    name = project.slug if project else organization.slug
    with services.store.write() as tx:
        job = _job(tx, organization, project)
        if job is None:
            return
        if not jobs.cancel(tx, job):
            raise Conflict(f"{name!r} is being deleted now.")
        action: Action = "project.keep" if project else "org.keep"
        record(tx, services, organization, action, ((project or organization).id, name))


def check_confirmed(slug: str, typed: str) -> None:
    """Check that a person has typed the name of what is to be deleted.

    Raises:
        InvalidInput: it is another name.
    """
    if typed != slug:
        raise InvalidInput(f"To delete {slug!r}, type its name exactly.", "confirm")


def run_project_removal(services: Services, job: QueuedJob) -> None:
    """Delete the project of a job."""
    with services.store.write() as tx:
        if jobs.finish(tx, job):
            queries.delete_project(tx, job.organization_id, int(job.key))


def run_organization_removal(services: Services, job: QueuedJob) -> None:
    """Delete the organization of a job: access to it, its installations at code hosts, repositories, and the rest.

    Each repository has a transaction of its own, so that requests of other organizations do not wait. Another attempt
    continues with the remaining rows.
    """
    with services.store.write() as tx:
        organization = get_organization(tx, job.organization_id)
        if organization is None:
            return
        queries.delete_access(tx, organization.id)
        installations, repositories = (
            query(tx, organization.id) for query in (queries.installation_ids, queries.repository_ids)
        )
    for installation_id in installations:
        uninstall(services, organization, installation_id)
    for repository_id in repositories:
        with services.store.write() as tx:
            delete_repository(tx, organization.id, repository_id)
    with services.store.write() as tx:
        actor = Actor(cast("ActorKind", job.payload["kind"]), str(job.payload["actor"]))
        details: Details = {"repositories": len(repositories), "installations": len(installations)}
        if queries.delete_organization(tx, organization.id):
            # The log of the host is read after the organization is gone.
            draft = AuditDraft(actor, "org.delete", organization.slug, organization.id, dict(details))
            add(tx, None, draft, services.clock.now())


def _counts(tx: Transaction, organization: Organization, project: Project | None) -> dict[str, int]:
    if project is None:
        return queries.count_of_organization(tx, organization.id)
    if find_project(tx, organization.id, str(project.id)) is None:
        raise NotFound(f"Organization {organization.slug!r} has no project {project.slug!r}.")
    return queries.count_of_project(tx, organization.id, project.id)


def _details(counts: Mapping[str, int]) -> Details:
    return {name: count for name, count in counts.items() if count}


def _schedule(tx: Transaction, services: Services, organization: Organization, kind: str, key: int) -> datetime:
    due_at = services.clock.now() + GRACE
    payload: JsonObject = {"due": due_at.isoformat(), "kind": services.actor.kind, "actor": services.actor.name}
    jobs.put(tx, organization.id, kind, str(key), payload, due_at)
    return due_at


def _job(tx: Transaction, organization: Organization, project: Project | None) -> QueuedJob | None:
    kind, key = (REMOVE_PROJECT, project.id) if project else (REMOVE_ORGANIZATION, organization.id)
    found = jobs.with_key_prefix(tx, organization.id, kind, str(key))
    return next((job for job in found if job.key == str(key)), None)


def _due_at(job: QueuedJob) -> datetime:
    return datetime.fromisoformat(str(job.payload["due"]))
