"""Offer, add and follow repositories."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from scmhost.sdk import (
    AddRequest,
    Claim,
    Create,
    Installation,
    OfferPage,
    ProviderError,
    Refusal,
    Repository,
    RepositoryUpdate,
    for_each,
    hookimpl,
    read_remote,
    repository_update,
)

from .api import PAGE, ForgejoRepository, ForgejoSearch, client_of, host_of, url_of

# The contract's limit of a name.
_LONGEST_NAME: Final = 200

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
    offers = [item.found(url_of(installation)).offer() for item in found if len(item.full_name) <= _LONGEST_NAME]
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
            return found.found(url).decision(candidate)
    return Refusal(
        reason="not_found",
        message=f"{host_of(url)} has no repository {request.identifier[:200]!r} that the token may read; "
        "write its name as owner/name.",
    )


@hookimpl
async def scm_sync_repositories(
    installation: Installation, repositories: Sequence[Repository]
) -> Sequence[RepositoryUpdate]:
    api = client_of(installation)

    async def update(repository: Repository) -> RepositoryUpdate | None:
        found = await api.find(ForgejoRepository, "repositories", str(repository.external_id))
        shown = found.found(url_of(installation)) if found else None
        return repository_update(repository, shown, repository.configuration.get("full_name"))

    known = [repository for repository in repositories if (repository.external_id or "").isdigit()]
    return [one for _, one in await for_each(update, known) if one is not None]


def _names(request: AddRequest, candidate: Repository | None, url: str) -> Iterator[str]:
    """Yield the names that may be meant. A number is the id of the candidate."""
    texts = [request.identifier, candidate.name if candidate else ""]
    yield from (text for text in texts if _FULL_NAME.fullmatch(text) and ".." not in text.split("/"))
    if candidate and candidate.url and candidate.url.startswith(f"{url}/"):
        yield from (path for path in [read_remote(candidate.url).path] if _FULL_NAME.fullmatch(path))
