"""Offer, add and synchronize projects. A project keeps its number when it is renamed or moved to another group."""

from collections.abc import Sequence

from scmhost.sdk import (
    AddRequest,
    Decision,
    HostRepository,
    Installation,
    OfferPage,
    Repository,
    RepositoryUpdate,
    add_repository,
    follow_repositories,
    hookimpl,
    offer_page,
)

from .client import LARGEST_PAGE, GitLabProject, api_of
from .forms import GitLabSettings


@hookimpl
async def scm_offer_repositories(
    installation: Installation, search: str, cursor: str, settings: GitLabSettings
) -> OfferPage:
    group = _group(installation)
    place = ("groups", group, "projects") if group else ("projects",)
    # GitLab ends numbered pages at 50,000 projects. Its other pages are for lists by id, and not for all searches.
    keyset = None if search or group else "keyset"
    own = {"include_subgroups": True} if group else {"membership": True, "pagination": keyset}
    order = {"order_by": "path" if group else "id", "sort": "asc", "per_page": LARGEST_PAGE}
    filters = {"archived": False, "simple": True, "search": search or None}
    namespaces = {"search_namespaces": True} if search and not group else {}
    api, instance = api_of(installation, settings).below(*place), settings.of(installation)
    params = {**own, **order, **filters, **namespaces}
    return await offer_page(
        api,
        GitLabProject,
        lambda project: project.found(instance),
        cursor=cursor,
        params=params,
        by=("id_after", "cursor", "page"),
    )


@hookimpl
async def scm_dispatch_repository(
    installation: Installation, request: AddRequest, candidate: Repository | None, settings: GitLabSettings
) -> Decision:
    api, instance, group = api_of(installation, settings), settings.of(installation), _group(installation)

    async def find(name: str) -> HostRepository | None:
        project = await api.find(GitLabProject, "projects", name)
        is_in_group = project and (not group or project.path.casefold().startswith(f"{group.casefold()}/"))
        return project.found(instance) if project and is_in_group else None

    return await add_repository(
        request,
        candidate,
        find,
        base_url=instance.url,
        fields=("project",),
        ssh_host=instance.ssh_host,
        within=f"the group {group}" if group else "",
    )


@hookimpl
async def scm_sync_repositories(
    installation: Installation, repositories: Sequence[Repository], settings: GitLabSettings
) -> Sequence[RepositoryUpdate]:
    api, instance = api_of(installation, settings), settings.of(installation)

    async def find(repository: Repository) -> HostRepository | None:
        project = await api.find(GitLabProject, "projects", str(repository.external_id))
        if project and project.marked_for_deletion_on:
            # GitLab renames a project that is going to be deleted.
            old_name = repository.configuration.get("path")
            project = project.model_copy(update={"path": old_name or project.path})
        return project.found(instance) if project else None

    # Without a valid token GitLab answers 401 here, and 404 for each project.
    await api.request("GET", "user")
    return await follow_repositories(repositories, find, name_field="path")


def _group(installation: Installation) -> str:
    # The host calls no hook with a configuration that the model refuses.
    return str(installation.configuration.get("group", ""))
