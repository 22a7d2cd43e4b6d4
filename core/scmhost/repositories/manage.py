"""Create, find, list, change and delete repositories."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from scmhost.audit.queries import Action, Details, record
from scmhost.infra.db.engine import Transaction
from scmhost.infra.db.errors import Duplicate
from scmhost.infra.errors import Conflict, InvalidInput, NotFound
from scmhost.infra.paging import Page, PageRequest
from scmhost.installations import queries as installation_queries
from scmhost.installations.install import calls_for
from scmhost.sdk import Organization, Repository, RepositoryStatus, UrlError, check_web_url
from scmhost.services import Services

from . import queries


def uninstall(services: Services, organization: Organization, installation_id: int) -> None:
    """Delete an installation. Its repositories stay and become unclaimed."""
    with services.store.write() as tx:
        found = installation_queries.get(tx, organization.id, installation_id)
        if found is None or not installation_queries.delete_installation(tx, organization.id, installation_id):
            raise NotFound(f"Organization {organization.slug!r} has no installation with the id {installation_id}.")
        provider = found.installation.provider
        record(
            tx,
            services,
            organization,
            "integration.remove",
            (found.installation.id, found.installation.name),
            {"provider": provider},
        )


MAX_NAME: Final = 200
GRACE: Final = timedelta(hours=1)
"""How long a repository with commits waits before it is gone. The time is Sentry's."""


def create_repository(
    services: Services, organization: Organization, name: str, url: str | None = None
) -> tuple[Repository, bool]:
    """Create a repository by name and URL, without a provider. The second value says whether it is new.

    The same name and URL again give the repository that is there; another URL is a conflict.
    """
    name, url = checked_name(name), checked_url(url)
    with services.store.write() as tx:
        known = queries.by_name(tx, organization.id, name)
        if known is None:
            saved = queries.create(tx, organization.id, name, services.clock.now(), url=url)
            record(tx, services, organization, "repository.add", (saved.id, saved.name))
        elif known.url != url and url is not None:
            raise Conflict(f"Repository {known.name!r} exists already, with another URL; change it with PUT.")
        else:
            return known, False
    services.plugins.notify("scm_repository_saved", organization=organization, repository=saved)
    return saved, True


def get_repository(services: Services, organization: Organization, repository_id: int) -> Repository:
    """One repository of the organization, in whatever status."""
    with services.store.read() as tx:
        return require(tx, organization, repository_id)


def list_repositories(
    services: Services,
    organization: Organization,
    request: PageRequest,
    *,
    query: str = "",
    statuses: Collection[RepositoryStatus] | None = None,
    installation_id: int | None = None,
) -> Page[Repository]:
    """Repositories by name."""
    with services.store.read() as tx:
        return queries.page(
            tx, organization.id, request, query=query, statuses=statuses, installation_id=installation_id
        )


def change_repository(
    services: Services, organization: Organization, repository_id: int, changes: Mapping[str, Any]
) -> Repository:
    """Change name, URL, status or installation. Absent fields stay; a null installation is an unclaim.

    Hiding loses nothing; making a repository active again also cancels its deletion.
    """
    fields = _installation_fields(services, organization, changes)
    with services.store.write() as tx:
        repository = require(tx, organization, repository_id)
        if repository.status is RepositoryStatus.DELETION_IN_PROGRESS:
            raise Conflict(f"Repository {repository.name!r} is being deleted now.")
        saved = _save(tx, organization, repository, {**changes, **fields})
        if saved != repository:
            record(tx, services, organization, _change_of(repository, saved), (saved.id, saved.name), _told(changes))
    services.plugins.notify("scm_repository_saved", organization=organization, repository=saved)
    return saved


def delete_repository(services: Services, organization: Organization, repository_id: int) -> Repository:
    """Schedule a repository's deletion: at once without commits, else after an hour. Again changes nothing."""
    with services.store.write() as tx:
        repository = require(tx, organization, repository_id)
        if repository.status not in (RepositoryStatus.ACTIVE, RepositoryStatus.HIDDEN):
            return repository
        wait = GRACE if queries.has_commits(tx, organization.id, repository_id) else timedelta()
        queries.schedule_deletion(tx, organization.id, repository_id, services.clock.now() + wait)
        record(tx, services, organization, "repository.delete", (repository.id, repository.name))
        return require(tx, organization, repository_id)


def require(tx: Transaction, organization: Organization, repository_id: int) -> Repository:
    """The repository with this id, or a NotFound that names it."""
    repository = queries.get(tx, organization.id, repository_id)
    if repository is None:
        raise NotFound(f"Organization {organization.slug!r} has no repository with the id {repository_id}.")
    return repository


def checked_name(name: str) -> str:
    """A repository's name, as it will be stored."""
    name = name.strip()
    if not name or len(name) > MAX_NAME or any(ord(mark) < ord(" ") for mark in name):
        raise InvalidInput(f"A repository's name has 1 to {MAX_NAME} characters and no control characters.", "name")
    return name


def checked_url(url: str | None) -> str | None:
    """A repository's web URL; blank means none."""
    if url is None or not url.strip():
        return None
    try:
        return check_web_url(url.strip())
    except UrlError as error:
        raise InvalidInput(f"Enter a valid URL: {error}.", "url") from error


def _change_of(before: Repository, after: Repository) -> Action:
    if before.installation_id == after.installation_id:
        return "repository.edit"
    return "repository.unclaim" if after.installation_id is None else "repository.claim"


def _told(changes: Mapping[str, Any]) -> Details:
    """What was asked for, as it is told: texts, numbers and null."""
    return {name: value if value is None else str(value) for name, value in sorted(changes.items())}


def _save(
    tx: Transaction, organization: Organization, repository: Repository, changes: Mapping[str, Any]
) -> Repository:
    fields: dict[str, Any] = {name: changes[name] for name in ("installation_id", "provider") if name in changes}
    if "name" in changes:
        fields["name"] = checked_name(changes["name"])
    if "url" in changes:
        fields["url"] = checked_url(changes["url"])
    if changes.get("integrationId", ...) is None:
        queries.unclaim(tx, organization.id, repository.id)
    try:
        if "status" in changes:
            fields |= _status_fields(tx, organization, repository, changes["status"])
        if fields:
            return queries.update_repository(tx, organization.id, repository.id, fields)
        return require(tx, organization, repository.id)
    except Duplicate as error:
        raise Conflict("Another repository of this organization has that name.") from error


def _installation_fields(services: Services, organization: Organization, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The columns behind ``integrationId``. As for a claim, the provider must be on for the organization."""
    if "integrationId" not in changes:
        return {}
    installation_id = changes["integrationId"]
    if installation_id is None:
        return {}
    with services.store.read() as tx:
        found = installation_queries.get(tx, organization.id, installation_id)
    if found is None:
        raise InvalidInput("Invalid integration id")
    calls_for(services, found.installation.provider, organization)
    return {"installation_id": installation_id, "provider": found.installation.provider}


def _status_fields(
    tx: Transaction, organization: Organization, repository: Repository, status: RepositoryStatus
) -> dict[str, Any]:
    if repository.status is RepositoryStatus.PENDING_DELETION:
        if status is RepositoryStatus.ACTIVE:
            queries.cancel_deletion(tx, organization.id, repository.id)
        return {}
    return {"status": status}


def address_of(url: str) -> str:
    """Host and path, without what may be left out, in one case. What is no URL has nothing in common with any."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    path = parts.path.strip("/").casefold().removesuffix(".git")
    return f"{parts.hostname}/{path}".casefold() if parts.hostname else ""


def path_of(url: str) -> str:
    """The path alone: what a repository is called on its host."""
    return address_of(url).partition("/")[2]
