"""Repositories: the list, and one repository with its commits; claim, unclaim, synchronize, hide, delete."""

from collections.abc import Callable, Collection, Mapping
from typing import Final

from starlette.responses import Response

from scmhost.commits.show import commits_of_repository
from scmhost.infra.errors import Conflict, InvalidInput, NotFound, ProviderRefused
from scmhost.infra.paging import PageQuery
from scmhost.installations.install import get_installation, list_installations
from scmhost.installations.queries import StoredInstallation
from scmhost.repositories.claim import add_repository, create_repository
from scmhost.repositories.idle import idle_reasons
from scmhost.repositories.manage import change_repository, delete_repository, get_repository, list_repositories
from scmhost.repositories.sync import request_sync, sync_status
from scmhost.repositories.webhooks import webhooks_of
from scmhost.sdk import AddRequest, Repository, RepositoryStatus

from .visit import Visit, get, post

_LISTED: Final = 50
_COMMITS: Final = 40
_SIZES: Final = (_LISTED, 20, 5)
_MOST_INSTALLATIONS: Final = 100

REFUSALS: Final = (InvalidInput, ProviderRefused, Conflict)
"""The errors that a form shows beside its fields."""

_SHOWN: Final = frozenset({RepositoryStatus.ACTIVE, RepositoryStatus.HIDDEN})
_FILTERS: Final[Mapping[str, tuple[str, Collection[RepositoryStatus]]]] = {
    "": ("Active and hidden", _SHOWN),
    "unclaimed": ("Unclaimed", frozenset({RepositoryStatus.ACTIVE})),
    "hidden": ("Hidden", frozenset({RepositoryStatus.HIDDEN})),
    "deleted": ("To be deleted", frozenset(RepositoryStatus) - _SHOWN),
}


def show_repositories(visit: Visit) -> Response:
    """A page of repositories by name, each with the first reason why it is idle."""
    return _list_page(visit)


def add_by_name(visit: Visit) -> Response:
    """Add an unclaimed repository by its name and address."""
    organization = visit.require_admin()
    try:
        saved, created = create_repository(visit.acting, organization, visit.field("name"), visit.field("url") or None)
    except REFUSALS as error:
        return _list_page(visit, 400, problem=error)
    return visit.redirect(_path(visit, saved), f"Repository {saved.name} {'is added' if created else 'was there'}.")


def show_repository(visit: Visit) -> Response:
    """One repository: what is wrong with it, and its commits."""
    return _repository_page(visit, _repository(visit))


def change(visit: Visit) -> Response:
    """Perform the action of a button of the page."""
    visit.require_admin()
    repository = _repository(visit)
    act = _ACTS.get(visit.path("act"))
    if act is None:
        raise NotFound("A repository has no such action.")
    try:
        message = act(visit, repository)
    except REFUSALS as error:
        return _repository_page(visit, repository, 400, problem=str(error))
    return visit.redirect(_path(visit, repository), message)


def _claim(visit: Visit, repository: Repository) -> str:
    installation = get_installation(visit.services, visit.organization, visit.field_id("installation")).installation
    request = AddRequest(identifier=str(repository.id))
    saved = add_repository(visit.acting, visit.organization, installation.provider, installation.id, request).saved
    return f"{saved.name} is claimed for {installation.name}."


def _unclaim(visit: Visit, repository: Repository) -> str:
    change_repository(visit.acting, visit.organization, repository.id, {"integrationId": None})
    return "It is unclaimed. Its commits and code mappings stay."


def _sync(visit: Visit, repository: Repository) -> str:
    if repository.installation_id is None:
        raise InvalidInput("An unclaimed repository has no code host to compare it with; claim it first.")
    status = request_sync(visit.acting, visit.organization, repository.installation_id)
    return status.fault or "Its installation is compared with the code host in the background."


def _set_status(status: RepositoryStatus, message: str) -> Callable[[Visit, Repository], str]:
    def act(visit: Visit, repository: Repository) -> str:
        change_repository(visit.acting, visit.organization, repository.id, {"status": status})
        return message

    return act


def _set_url(visit: Visit, repository: Repository) -> str:
    change_repository(visit.acting, visit.organization, repository.id, {"url": visit.field("url") or None})
    return "The address is saved."


def _delete(visit: Visit, repository: Repository) -> str:
    delete_repository(visit.acting, visit.organization, repository.id)
    return "It is to be deleted, with its commits and code mappings. Until then you can keep it."


_ACTS: Final[Mapping[str, Callable[[Visit, Repository], str]]] = {
    "claim": _claim,
    "unclaim": _unclaim,
    "sync": _sync,
    "hide": _set_status(RepositoryStatus.HIDDEN, "It is hidden. Nothing is lost."),
    "show": _set_status(RepositoryStatus.ACTIVE, "It is shown again."),
    "keep": _set_status(RepositoryStatus.ACTIVE, "It is kept."),
    "address": _set_url,
    "delete": _delete,
}


def _repository(visit: Visit) -> Repository:
    return get_repository(visit.services, visit.organization, visit.path_id("repository"))


def _path(visit: Visit, repository: Repository) -> str:
    return f"{visit.organization_path}/repositories/{repository.id}"


def installations_by_id(visit: Visit) -> dict[int, StoredInstallation]:
    """Return the first installations of the organization, by id."""
    listed = list_installations(visit.services, visit.organization, PageQuery(size=_MOST_INSTALLATIONS))
    return {each.installation.id: each for each in listed.items}


def _list_page(visit: Visit, status: int = 200, problem: Exception | None = None) -> Response:
    chosen = visit.query("status") if visit.query("status") in _FILTERS else ""
    page = list_repositories(
        visit.services,
        visit.organization,
        visit.page_query(_LISTED),
        query=visit.query("query"),
        statuses=_FILTERS[chosen][1],
        only_unclaimed=chosen == "unclaimed",
    )
    return visit.page_that_fits(
        "repositories.html",
        _SIZES,
        status,
        page=page,
        reasons=idle_reasons(visit.services, visit.organization, page.items),
        installations=installations_by_id(visit),
        filters=[(key, title) for key, (title, _) in _FILTERS.items()],
        chosen=chosen,
        query=visit.query("query"),
        problem=problem,
    )


def _repository_page(visit: Visit, repository: Repository, status: int = 200, problem: str = "") -> Response:
    services, organization = visit.services, visit.organization
    installations = installations_by_id(visit)
    synced = sync_status(services, organization, repository.installation_id) if repository.installation_id else None
    return visit.page_that_fits(
        "repository.html",
        (_COMMITS, 10, 3),
        status,
        repository=repository,
        path=_path(visit, repository),
        reasons=idle_reasons(services, organization, [repository])[repository.id],
        installations=installations,
        installation=installations.get(repository.installation_id or 0),
        commits=commits_of_repository(services, organization, repository.id, visit.page_query(_COMMITS)),
        webhook=webhooks_of(services, [repository]).get(repository.id),
        synced=synced,
        problem=problem,
    )


VIEWS: Final = (
    get("/organizations/{organization}/repositories", show_repositories),
    post("/organizations/{organization}/repositories", add_by_name),
    get("/organizations/{organization}/repositories/{repository}", show_repository),
    post("/organizations/{organization}/repositories/{repository}/{act}", change),
)
