"""Create, list, change and delete repositories, and uninstall what they are claimed by."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from scmhost.audit.queries import Action, record
from scmhost.infra.db.engine import Transaction
from scmhost.infra.db.errors import Duplicate
from scmhost.infra.errors import Conflict, InvalidInput, NotFound
from scmhost.infra.paging import Page, PageQuery
from scmhost.installations import queries as installation_queries
from scmhost.installations.install import calls_for
from scmhost.sdk import Organization, Repository, RepositoryStatus, UrlError, check_web_url
from scmhost.services import Services

from . import queries

MAX_NAME: Final = 200
GRACE: Final = timedelta(hours=1)
"""How long a repository with commits waits before it is deleted, as on Sentry."""


def create_repository(
    services: Services, organization: Organization, name: str, url: str | None = None
) -> tuple[Repository, bool]:
    """Create a repository by name and URL, without a provider.

    Returns:
        The repository, and whether it is new. A second call with the same name and URL returns the same repository.

    Raises:
        InvalidInput: the name or the URL cannot be accepted.
        Conflict: a repository of this name has another URL.
    """
    name, url = checked_name(name), checked_url(url)
    with services.store.write() as tx:
        known = queries.by_name(tx, organization.id, name)
        if known is not None and url not in (None, known.url):
            raise Conflict(f"Repository {known.name!r} exists already, with another URL; change it with PUT.")
        if known is not None:
            return known, False
        saved = queries.create(tx, organization.id, name, services.clock.now(), url=url)
        record(tx, services, organization, "repository.add", (saved.id, saved.name))
    services.plugins.notify("scm_repository_saved", organization=organization, repository=saved)
    return saved, True


def get_repository(services: Services, organization: Organization, repository_id: int) -> Repository:
    """Return one repository of the organization, in any status."""
    with services.store.read() as tx:
        return require_repository(tx, organization, repository_id)


def list_repositories(
    services: Services,
    organization: Organization,
    request: PageQuery,
    *,
    query: str = "",
    statuses: Collection[RepositoryStatus] | None = None,
    installation_id: int | None = None,
) -> Page[Repository]:
    """Return a page of repositories by name. ``query`` is a part of the name; without statuses all are listed."""
    with services.store.read() as tx:
        return queries.page(
            tx, organization.id, request, query=query, statuses=statuses, installation_id=installation_id
        )


def change_repository(
    services: Services, organization: Organization, repository_id: int, changes: Mapping[str, Any]
) -> Repository:
    """Change the name, URL, status or installation of a repository. Absent fields stay as they are.

    ``integrationId: None`` is an unclaim. Hiding loses no data. The status ``active`` cancels a scheduled deletion.

    Raises:
        NotFound: the organization has no such repository.
        Conflict: it is being deleted, or another repository has the name.
        InvalidInput: a value cannot be accepted.
        ProviderOff: the provider of the new installation is not on for this organization.
    """
    fields = _installation_fields(services, organization, changes.get("integrationId"))
    with services.store.write() as tx:
        repository = require_repository(tx, organization, repository_id)
        if repository.status is RepositoryStatus.DELETION_IN_PROGRESS:
            raise Conflict(f"Repository {repository.name!r} is being deleted now.")
        try:
            saved = _save_changes(tx, organization, repository, changes, fields)
        except Duplicate as error:
            raise Conflict("Another repository of this organization has that name.") from error
        if saved != repository:
            details = {name: value if value is None else str(value) for name, value in sorted(changes.items())}
            record(tx, services, organization, _action(repository, saved), (saved.id, saved.name), details)
    services.plugins.notify("scm_repository_saved", organization=organization, repository=saved)
    return saved


def _installation_fields(services: Services, organization: Organization, installation_id: int | None) -> dict[str, Any]:
    """Return the columns for a new installation. As for a claim, its provider must be on for the organization."""
    if installation_id is None:
        return {}
    with services.store.read() as tx:
        found = installation_queries.get(tx, organization.id, installation_id)
    if found is None:
        raise InvalidInput("Invalid integration id")
    calls_for(services, found.installation.provider, organization)
    return {"installation_id": installation_id, "provider": found.installation.provider}


def _save_changes(
    tx: Transaction,
    organization: Organization,
    repository: Repository,
    changes: Mapping[str, Any],
    fields: dict[str, Any],
) -> Repository:
    if "name" in changes:
        fields["name"] = checked_name(changes["name"])
    if "url" in changes:
        fields["url"] = checked_url(changes["url"])
    if changes.get("integrationId", ...) is None:
        queries.unclaim(tx, organization.id, repository.id)
    if "status" in changes:
        if repository.status is not RepositoryStatus.PENDING_DELETION:
            fields["status"] = changes["status"]
        elif changes["status"] is RepositoryStatus.ACTIVE:
            queries.cancel_deletion(tx, organization.id, repository.id)
    return queries.update_repository(tx, organization.id, repository.id, fields)


def _action(before: Repository, after: Repository) -> Action:
    if before.installation_id == after.installation_id:
        return "repository.edit"
    return "repository.unclaim" if after.installation_id is None else "repository.claim"


def delete_repository(services: Services, organization: Organization, repository_id: int) -> Repository:
    """Schedule a repository's deletion: now if it has no commits, else in an hour. A second call changes nothing."""
    with services.store.write() as tx:
        repository = require_repository(tx, organization, repository_id)
        if repository.status not in (RepositoryStatus.ACTIVE, RepositoryStatus.HIDDEN):
            return repository
        grace = GRACE if queries.has_commits(tx, organization.id, repository_id) else timedelta()
        queries.schedule_deletion(tx, organization.id, repository_id, services.clock.now() + grace)
        record(tx, services, organization, "repository.delete", (repository.id, repository.name))
        return require_repository(tx, organization, repository_id)


def uninstall(services: Services, organization: Organization, installation_id: int) -> None:
    """Delete an installation. Its repositories stay and become unclaimed."""
    with services.store.write() as tx:
        found = installation_queries.get(tx, organization.id, installation_id)
        if found is None or not installation_queries.delete_installation(tx, organization.id, installation_id):
            raise NotFound(f"Organization {organization.slug!r} has no installation with the id {installation_id}.")
        removed = found.installation
        details = {"provider": removed.provider}
        record(tx, services, organization, "integration.remove", (removed.id, removed.name), details)


def require_repository(tx: Transaction, organization: Organization, repository_id: int) -> Repository:
    """Return the repository with this id.

    Raises:
        NotFound: the organization has no such repository.
    """
    repository = queries.get(tx, organization.id, repository_id)
    if repository is None:
        raise NotFound(f"Organization {organization.slug!r} has no repository with the id {repository_id}.")
    return repository


def checked_name(name: str) -> str:
    """Return a repository's name as it is stored, without outer blanks.

    Raises:
        InvalidInput: it is empty, too long, or has a control character.
    """
    name = name.strip()
    if not name or len(name) > MAX_NAME or any(ord(character) < ord(" ") for character in name):
        raise InvalidInput(f"A repository's name has 1 to {MAX_NAME} characters and no control characters.", "name")
    return name


def checked_url(url: str | None) -> str | None:
    """Return a repository's web URL, or None if it is blank.

    Raises:
        InvalidInput: it is not a web URL.
    """
    if url is None or not url.strip():
        return None
    try:
        return check_web_url(url.strip())
    except UrlError as error:
        raise InvalidInput(f"Enter a valid URL: {error}.", "url") from error


def address_of(url: str) -> str:
    """Return the host and the path of a URL in lower case, without ``.git``, to compare URLs; empty for other text."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    path = parts.path.strip("/").casefold().removesuffix(".git")
    return f"{parts.hostname}/{path}".casefold() if parts.hostname else ""


def path_of(url: str) -> str:
    """Return the path of a URL in lower case, without ``.git``: the name of the repository on its host."""
    return address_of(url).partition("/")[2]
