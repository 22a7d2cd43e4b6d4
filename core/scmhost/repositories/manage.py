"""List, change and delete repositories, and delete the installations that claim them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Unpack

import structlog

from scmhost.audit.queries import Action, Details, record
from scmhost.infra.db.engine import Transaction
from scmhost.infra.db.errors import Duplicate
from scmhost.infra.errors import Conflict, InvalidInput, NotFound
from scmhost.infra.paging import Page, PageQuery
from scmhost.installations import queries as installation_queries
from scmhost.installations.install import get_installation
from scmhost.plugins import PluginFault, ProviderCalls
from scmhost.sdk import Installation, Organization, ProviderError, Repository, RepositoryStatus
from scmhost.sdk.provider import RepositoryPayload
from scmhost.services import Services

from . import queries, sync_queries
from .claim import DELETED, checked_name, checked_url
from .webhooks import request_webhook, unregister_all

_log = structlog.get_logger(__name__)

_MOST_NOTES: Final = 20


# Time to notice a mistake before data is lost.
GRACE: Final = timedelta(hours=1)
"""How long a repository with commits waits before it is deleted, as on Sentry."""


def get_repository(services: Services, organization: Organization, repository_id: int) -> Repository:
    """Return one repository of the organization, in any status."""
    with services.store.read() as tx:
        return require_repository(tx, organization, repository_id)


def list_repositories(
    services: Services,
    organization: Organization,
    request: PageQuery,
    **only: Unpack[queries.RepositoryFilters],
) -> Page[Repository]:
    """Return a page of repositories by name. ``query`` is a part of the name; without statuses all are listed."""
    with services.store.read() as tx:
        return queries.page(tx, organization.id, request, **only)


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
            request_webhook(tx, services, repository, saved)
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
        # The text of Sentry's API.
        raise InvalidInput("Invalid integration id")
    # For its error only: the provider must be on.
    services.plugins.calls_for(found.installation.provider, organization)
    return {"installation_id": installation_id, "provider": found.installation.provider}


def _save_changes(
    tx: Transaction,
    organization: Organization,
    repository: Repository,
    changes: Mapping[str, Any],
    fields: dict[str, Any],
) -> Repository:
    if fields.get("installation_id", repository.installation_id) != repository.installation_id:
        fields |= queries.UNKNOWN_TO_HOST
    if "name" in changes:
        fields["name"] = checked_name(changes["name"])
        # Otherwise the next report of the code host would look like a new name, and replace the user's.
        known = sync_queries.host_names(tx, organization.id, [repository.id])
        if repository.installation_id is not None and known == {repository.id: None}:
            fields["host_name"] = repository.name
    if "url" in changes:
        fields["url"] = checked_url(changes["url"])
    # The default distinguishes an absent field from null. Sentry ignores null, so that nothing can be detached there.
    if changes.get("integrationId", ...) is None:
        queries.unclaim(tx, organization.id, repository.id)
    if "status" in changes:
        if repository.status is not RepositoryStatus.PENDING_DELETION:
            fields["status"] = changes["status"]
        # Only an explicit restore cancels a deletion; hiding the repository must not.
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
        # Locked before the commits are searched for: a sender whose commits are not saved yet is waited for.
        repository = queries.get(tx, organization.id, repository_id, lock=True)
        if repository is None:
            raise _missing(organization, repository_id)
        # Clients repeat requests; a second one must not restart the time of grace.
        if repository.status not in (RepositoryStatus.ACTIVE, RepositoryStatus.HIDDEN):
            return repository
        # Without commits nothing is lost, and a test or a typo is gone at once.
        grace = GRACE if queries.with_commits(tx, organization.id, [repository_id]) else timedelta()
        queries.schedule_deletion(tx, organization.id, repository_id, services.clock.now() + grace)
        record(tx, services, organization, "repository.delete", (repository.id, repository.name))
        scheduled = require_repository(tx, organization, repository_id)
        request_webhook(tx, services, repository, scheduled)
        return scheduled


def uninstall(services: Services, organization: Organization, installation_id: int) -> list[str]:
    """Delete an installation. Its repositories stay and become unclaimed.

    Returns:
        What could not be cleaned up at the code host, as sentences. That does not keep the installation.

    Raises:
        NotFound: the organization has no such installation.
    """
    removed = get_installation(services, organization, installation_id).installation
    # Before the deletion, because hooks need the secrets; outside of the transaction, because they may call the host.
    # Webhooks first: the plugin may give up the access that they need.
    notes = [*unregister_all(services, organization, removed), *_clean_up(services, organization, removed)]
    for note in notes:
        _log.warning("not cleaned up", provider=removed.provider, installation=removed.id, problem=note)
    if len(notes) > _MOST_NOTES:
        notes[_MOST_NOTES - 1 :] = [f"{len(notes) - _MOST_NOTES + 1} more problems like these are in the log."]
    with services.store.write() as tx:
        # Another request may have deleted it meanwhile.
        if installation_queries.delete_installation(tx, organization.id, installation_id):
            details: Details = {"provider": removed.provider, **({"notes": [*notes]} if notes else {})}
            record(tx, services, organization, "integration.remove", (removed.id, removed.name), details)
    return notes


def _clean_up(services: Services, organization: Organization, removed: Installation) -> list[str]:
    """Call the plugin for an installation that is about to be deleted. Return what failed."""
    calls = services.plugins.calls(removed.provider)
    if calls is None or not calls.has("scm_uninstall"):
        return []
    idle = services.plugins.idle_reason(removed.provider, organization)
    if idle:
        return [f"The plugin did not clean up at the code host, because it is off: {idle}."]
    try:
        calls.uninstall(removed)
    except (ProviderError, PluginFault) as error:
        text = next(iter(str(error).splitlines()), type(error).__name__)
        return [f"The plugin could not clean up at the code host: {text}"]
    return []


def require_repository(tx: Transaction, organization: Organization, repository_id: int) -> Repository:
    """Return the repository with this id.

    Raises:
        NotFound: the organization has no such repository.
    """
    repository = queries.get(tx, organization.id, repository_id)
    if repository is None:
        raise _missing(organization, repository_id)
    return repository


def _missing(organization: Organization, repository_id: int) -> NotFound:
    return NotFound(f"Organization {organization.slug!r} has no repository with the id {repository_id}.")


MAX_PAGES: Final = 50
"""How many pages are cached for an organization."""


@dataclass(frozen=True, slots=True)
class ListedPage:
    """A page of repositories.

    Attributes:
        page: the page, without its repositories.
        answer: the repositories as JSON.
        calls: the providers' calls that shaped them. A reload of a plugin, or of its settings, makes new ones.
    """

    page: Page[None]
    answer: bytes
    calls: Mapping[str, ProviderCalls | None]

    def is_current(self, services: Services, organization: Organization) -> bool:
        """Return whether the same plugins would shape the page now. Flags may change at any time."""
        plugins = services.plugins
        return all(
            plugins.calls(key) is calls and plugins.idle_reason(key, organization) is None
            for key, calls in self.calls.items()
        )


Shaped = tuple[Page[Repository], Sequence[RepositoryPayload], bytes]
"""A page of repositories, their payloads, and the payloads as JSON."""


def listed_page(
    services: Services, organization: Organization, key: tuple[object, ...], read: Callable[[], Shaped]
) -> ListedPage:
    """Return the page of a request, whose parameters are its key. One that is not cached is read first."""
    # Before the repositories are read: those in the cache must be as new as it is.
    rows = services.store.caches.of(organization, services.clock.now())
    cached: ListedPage | None = rows.peek("repository page", key)
    if cached and cached.is_current(services, organization):
        return cached
    found, payloads, answer = read()
    keys = {repository.provider for repository in found.items if repository.provider is not None}
    listed = ListedPage(found.showing(()), answer, {name: services.plugins.calls(name) for name in sorted(keys)})
    # The reason why a provider is off, or failed, may end at any time.
    if all(payload.idle in (None, DELETED) for payload in payloads):
        rows.keep("repository page", key, listed, most=MAX_PAGES)
    return listed
