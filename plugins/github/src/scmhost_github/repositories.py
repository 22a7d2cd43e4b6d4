"""The repositories of an installation: offered, added and kept up to date."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from pydantic import BaseModel, Field

from scmhost.sdk import (
    AddRequest,
    ApiNotFound,
    Claim,
    Create,
    Installation,
    Offer,
    OfferPage,
    ProviderError,
    Refusal,
    Repository,
    RepositoryUpdate,
    hookimpl,
    remaining_seconds,
)

from .api import PAGE, Id, all_of, api_of, instance_of, is_app, pages
from .app import app_api
from .forms import GitHubInstance, GitHubSettings

# The time for one more page of offers, in seconds.
_RESERVE: Final = 4.0
_FULL_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}")
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,15}")


class GitHubRepository(BaseModel):
    """A repository. ``full_name`` has its owner and its name."""

    id: Id
    full_name: str = Field(pattern=rf"^{_FULL_NAME.pattern}$")
    default_branch: str | None = None
    archived: bool = False

    def facts(self, instance: GitHubInstance) -> dict[str, Any]:
        """Return what the host stores of it."""
        state = "archived" if self.archived else "active"
        configuration = {"full_name": self.full_name, "state": state}
        return {"url": f"{instance.url}/{self.full_name}", "configuration": configuration}


class _Granted(BaseModel):
    repositories: tuple[GitHubRepository, ...]


class _Numbered(BaseModel):
    id: Id


@hookimpl
async def scm_offer_repositories(
    installation: Installation, search: str, cursor: str, settings: GitHubSettings
) -> OfferPage:
    if not _NUMBER.fullmatch(cursor or "1"):
        raise ProviderError(f"{cursor[:20]!r} is no page of repositories.")
    api, text, found = api_of(installation, settings), search.casefold(), dict[str, Offer]()
    following: int | None = int(cursor or "1")
    # GitHub's search would also find repositories of others, so that its lists are filtered.
    while following is not None:
        if is_app(installation):
            granted, following = await anext(pages(api, _Granted, "installation", "repositories", page=following))
            listed: Sequence[GitHubRepository] = granted.repositories
        else:
            listed, following = await anext(pages(api, list[GitHubRepository], "user", "repos", page=following))
        for one in listed:
            if text in one.full_name.casefold() and _is_wanted(installation, one):
                found[one.full_name] = Offer(
                    identifier=one.full_name, name=one.full_name, default_branch=one.default_branch
                )
        if len(found) >= PAGE or remaining_seconds() < _RESERVE:
            break
    return OfferPage(offers=tuple(found.values()), next=str(following) if following else None)


@hookimpl
async def scm_dispatch_repository(
    installation: Installation, request: AddRequest, candidate: Repository | None, settings: GitHubSettings
) -> Claim | Create | Refusal:
    path = urlsplit(candidate.url or "").path.strip("/").removesuffix(".git") if candidate else ""
    texts = (request.fields.get("path"), request.identifier, candidate.name if candidate else None, path)
    name = next((text for text in texts if isinstance(text, str) and _FULL_NAME.fullmatch(text)), None)
    if name is None:
        return Refusal(reason="invalid", message=f"{request.identifier!r} is no repository; write OWNER/NAME.")
    found = await _find(installation, name, settings)
    if found is None:
        return Refusal(reason="not_found", message=f"GitHub has no repository {name!r} for this installation.")
    facts = {**found.facts(instance_of(installation, settings)), "external_id": str(found.id)}
    return Claim(**facts) if candidate else Create(name=found.full_name, **facts)


@hookimpl
async def scm_sync_repositories(
    installation: Installation, repositories: Sequence[Repository], settings: GitHubSettings
) -> Sequence[RepositoryUpdate]:
    api, instance = api_of(installation, settings), instance_of(installation, settings)

    # A rename and a transfer keep the id.
    async def update(repository: Repository) -> RepositoryUpdate | None:
        try:
            answer = await api.request("GET", "repositories", repository.external_id or "", conditional=True)
        except ApiNotFound:
            return _update(repository, {"configuration": {**repository.configuration, "state": "deleted"}})
        found = answer.read(GitHubRepository)
        if str(found.id) != repository.external_id:
            raise ProviderError(f"{api.host} answered with another repository than {repository.external_id}.")
        return _update(repository, found.facts(instance))

    known = [one for one in repositories if _NUMBER.fullmatch(one.external_id or "")]
    return [one for one in await all_of(update, known) if one is not None]


def _is_wanted(installation: Installation, found: GitHubRepository) -> bool:
    owner = str(installation.metadata.get("owner") or "")
    return not owner or found.full_name.partition("/")[0].casefold() == owner.casefold()


async def _find(installation: Installation, name: str, settings: GitHubSettings) -> GitHubRepository | None:
    """Return a repository that an installation may use. Every token can read all public ones."""
    found = await api_of(installation, settings).find(GitHubRepository, "repos", *name.split("/"))
    if found is None or not _is_wanted(installation, found):
        return None
    instance = instance_of(installation, settings)
    if not is_app(installation) or instance.app is None:
        return found
    path = ("repos", *found.full_name.split("/"), "installation")
    owner = await app_api(instance, instance.app).find(_Numbered, *path)
    return found if owner and str(owner.id) == installation.metadata.get("installation_id") else None


def _update(repository: Repository, facts: Mapping[str, Any]) -> RepositoryUpdate | None:
    """Return what differs from what the host stores of a repository; None for nothing."""
    old, new = repository.configuration, facts["configuration"]
    if new == old:
        return None
    is_renamed = new.get("full_name") != old.get("full_name")
    # A person may have given it another name here.
    is_own_name = repository.name.casefold() == str(old.get("full_name")).casefold()
    return RepositoryUpdate(
        repository_id=repository.id,
        name=new.get("full_name") if is_renamed and is_own_name else None,
        url=facts.get("url") if is_renamed else None,
        configuration=new,
        state=new["state"] if new["state"] != old.get("state") else None,
    )
