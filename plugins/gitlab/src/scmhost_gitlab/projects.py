"""Offer, add and synchronize projects. A project keeps its number when it is renamed or moved to another group."""

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from scmhost.sdk import (
    AddRequest,
    Claim,
    Create,
    Decision,
    Installation,
    Offer,
    OfferPage,
    ProviderError,
    ProviderUnavailable,
    Refusal,
    Repository,
    RepositoryUpdate,
    UrlError,
    hookimpl,
    read_remote,
)

from .client import LARGEST_PAGE, GitLabProject, api_of, for_each, host_of, project_path
from .forms import GitLabInstance, GitLabSettings

_LONGEST_NAME: Final = 200
# What leads from one page to the next. A cursor comes back from the user, who must not add other parameters.
_CURSOR: Final = frozenset({"id_after", "cursor", "page"})
_SCP: Final = re.compile(r"[\w.-]+@[\w.-]+:")


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
    after = dict(parse_qsl(cursor))
    if not after.keys() <= _CURSOR or bool(after) != bool(cursor):
        raise ProviderError("The cursor is none of this list of projects; begin again without one.")
    answer = await api_of(installation, settings).request(
        "GET", *place, params={**own, **order, **filters, **namespaces, **after}
    )
    offers = [_offer(project) for project in answer.read(list[GitLabProject])]
    following = {name: value for name, value in (answer.next_params or {}).items() if name in _CURSOR}
    return OfferPage(offers=tuple(offers), next=urlencode(following) if following not in ({}, after) else None)


@hookimpl
async def scm_dispatch_repository(
    installation: Installation, request: AddRequest, candidate: Repository | None, settings: GitLabSettings
) -> Decision:
    instance, api = settings.of(installation), api_of(installation, settings)
    texts, group = _texts(request, candidate), _group(installation)
    for text in texts:
        reference = read_reference(text, instance)
        project = await api.find(GitLabProject, "projects", reference) if reference else None
        if project and (not group or project.path.casefold().startswith(f"{group.casefold()}/")):
            facts = {"external_id": str(project.id), "url": project.url(instance)}
            configuration = {"path": project.path}
            if candidate:
                return Claim(**facts, configuration=configuration)
            return Create(name=_name(project), **facts, configuration=configuration)
    names = " or ".join(map(repr, texts)) or "of this repository"
    limit = f" in the group {group}" if group else ""
    return Refusal(reason="not_found", message=f"{instance.url} shows no project {names}{limit} to this installation.")


@hookimpl
async def scm_sync_repositories(
    installation: Installation, repositories: Sequence[Repository], settings: GitLabSettings
) -> Sequence[RepositoryUpdate]:
    api = api_of(installation, settings)

    async def update(repository: Repository) -> RepositoryUpdate | None:
        project = await api.find(GitLabProject, *project_path(repository))
        if project and str(project.id) != repository.external_id:
            raise ProviderUnavailable(f"{api.host} answered with another project than {repository.external_id}")
        return _update(repository, project, settings.of(installation))

    # Without a valid token GitLab answers 401 here, and 404 for each project.
    await api.request("GET", "user")
    found = await for_each(update, [repository for repository in repositories if repository.external_id])
    return [one for one in found if one is not None]


def read_reference(text: str, instance: GitLabInstance) -> str | None:
    """Return the number or the path of a project from what a user or a build job names; None for another host.

    Args:
        text: a number, a path, the URL of a page, or a clone URL with or without a user, a password or a token.
        instance: the instance whose project it must be.
    """
    text = text.strip().partition("/-/")[0]
    if "://" not in text and not _SCP.match(text):
        path = text.strip("/").removesuffix(".git")
        return path if path not in ("", ".", "..") else None
    try:
        remote = read_remote(text, "gitlab")
    except UrlError:
        return None
    prefix = urlsplit(instance.url).path.strip("/")
    path = remote.path.removeprefix(f"{prefix}/") if prefix else remote.path
    hosts = {host_of(remote.base_url or ""), (remote.host or "").lower()}
    return path if hosts & {host_of(instance.url), instance.ssh_host.lower() or host_of(instance.url)} else None


def _texts(request: AddRequest, candidate: Repository | None) -> list[str]:
    """Return what may name the project, the most certain first."""
    explicit = request.fields.get("project")
    if isinstance(explicit, str | int) and explicit:
        return [str(explicit)]
    if candidate is None:
        return [request.identifier]
    # The identifier is the name or the id of the candidate, which is none of GitLab's numbers.
    return [text for text in (candidate.url, candidate.name) if text and not text.isdecimal()]


def _update(repository: Repository, project: GitLabProject | None, instance: GitLabInstance) -> RepositoryUpdate | None:
    """Return what has changed since the repository was added or synchronized; None for nothing."""
    known = repository.configuration
    if project is None:
        facts = {**known, "state": "deleted"}
    # GitLab renames a project that is going to be deleted.
    elif project.archived or project.marked_for_deletion_on:
        facts = {**known, "state": "archived"}
    else:
        facts = {"path": project.path, "state": "active"}
    if facts == {"state": "active", **known}:
        return None
    old, new = str(known.get("path", "")), str(facts.get("path", ""))
    update = {"repository_id": repository.id, "configuration": facts, "state": facts["state"]}
    if project and new != old:
        # A name that a user chose stays.
        renamed = {"name": _name(project)} if repository.name.casefold() == old.casefold() else {}
        update |= {**renamed, "url": project.url(instance)}
    return RepositoryUpdate.model_validate(update)


def _offer(project: GitLabProject) -> Offer:
    identifier = project.path if len(project.path) <= _LONGEST_NAME else str(project.id)
    return Offer(identifier=identifier, name=_name(project), default_branch=project.default_branch)


def _name(project: GitLabProject) -> str:
    """Return the path of a project, or the end of one that is too long."""
    return project.path[-_LONGEST_NAME:].lstrip("/")


def _group(installation: Installation) -> str:
    # The host calls no hook with a configuration that the model refuses.
    return str(installation.configuration.get("group", ""))
