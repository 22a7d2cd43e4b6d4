"""Offer, add and follow repositories."""

import asyncio
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from scmhost.sdk import (
    AddRequest,
    ApiClient,
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
    join_url,
    read_remote,
)

from .api import PAGE, ForgejoRepository, ForgejoSearch, client_of, host_of, url_of

MOST_AT_A_TIME: Final = 8
"""How many repositories are asked for at a time."""

_PAGE_NUMBER: Final = re.compile(r"[1-9][0-9]{0,8}")
_FULL_NAME: Final = re.compile(r"[^/\s]+/[^/\s]+")


@hookimpl
async def scm_offer_repositories(installation: Installation, search: str, cursor: str) -> OfferPage:
    if cursor and not _PAGE_NUMBER.fullmatch(cursor):
        raise ProviderError(f"{cursor[:40]!r} is no cursor of this provider")
    params = {"page": cursor or "1", "limit": PAGE}
    api = client_of(installation)
    if search:
        user = installation.metadata.get("user_id")
        answer = await api.request("GET", "repos", "search", params={"q": search, "uid": user, **params})
        found = answer.read(ForgejoSearch).data
    else:
        answer = await api.request("GET", "user", "repos", params=params)
        found = answer.read(list[ForgejoRepository])
    offers = [
        Offer(identifier=item.full_name, name=item.full_name, default_branch=item.default_branch or None)
        for item in found[:1_000]
    ]
    following = (answer.next_params or {}).get("page", "")
    is_next = _PAGE_NUMBER.fullmatch(following) and following != cursor
    return OfferPage(offers=tuple(offers), next=following if is_next else None)


@hookimpl
async def scm_dispatch_repository(
    installation: Installation, request: AddRequest, candidate: Repository | None
) -> Claim | Create | Refusal:
    api, url = client_of(installation), url_of(installation)
    for name in dict.fromkeys(_names(request, candidate, url)):
        found = await api.find(ForgejoRepository, "repos", *name.split("/"))
        if found is not None:
            facts = {"external_id": str(found.id), "url": join_url(url, found.full_name), **_configured(found)}
            return Claim(**facts) if candidate else Create(name=found.full_name, **facts)
    return Refusal(
        reason="not_found",
        message=f"{host_of(url)} has no repository {request.identifier[:200]!r} that the token may read; "
        "write its name as owner/name.",
    )


@hookimpl
async def scm_sync_repositories(
    installation: Installation, repositories: Sequence[Repository]
) -> Sequence[RepositoryUpdate]:
    api, places = client_of(installation), asyncio.Semaphore(MOST_AT_A_TIME)

    async def changed(repository: Repository) -> RepositoryUpdate | None:
        async with places:
            return await _update(api, url_of(installation), repository)

    known = [repository for repository in repositories if (repository.external_id or "").isdigit()]
    updates = await asyncio.gather(*map(changed, known))
    return [update for update in updates if update is not None]


async def _update(api: ApiClient, url: str, repository: Repository) -> RepositoryUpdate | None:
    before = repository.configuration
    found = await api.find(ForgejoRepository, "repositories", str(repository.external_id))
    if found is None:
        gone = {**before, "gone": True}
        return RepositoryUpdate(repository_id=repository.id, configuration=gone, state="deleted")
    now = _configured(found)["configuration"]
    if now == before:
        return None
    # A name that a person chose stays; one that was the name on the server follows it.
    follows = repository.name.casefold() == str(before.get("full_name")).casefold()
    was_away = before.get("archived") or before.get("gone")
    return RepositoryUpdate(
        repository_id=repository.id,
        name=found.full_name if follows and found.full_name != repository.name else None,
        url=join_url(url, found.full_name),
        configuration=now,
        state="archived" if found.archived else "active" if was_away else None,
    )


def _names(request: AddRequest, candidate: Repository | None, url: str) -> Iterator[str]:
    """Yield the names that may be meant. A number is the id of the candidate."""
    texts = [request.identifier, candidate.name if candidate else ""]
    yield from (text for text in texts if _FULL_NAME.fullmatch(text) and ".." not in text.split("/"))
    if candidate and candidate.url and candidate.url.startswith(f"{url}/"):
        yield from (path for path in [read_remote(candidate.url).path] if _FULL_NAME.fullmatch(path))


def _configured(found: ForgejoRepository) -> dict[str, Any]:
    fields = {"full_name": found.full_name, "default_branch": found.default_branch, "archived": found.archived}
    return {"configuration": fields}
