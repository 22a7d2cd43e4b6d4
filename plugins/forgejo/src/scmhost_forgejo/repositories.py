"""Offer, add and follow repositories."""

from collections.abc import Sequence

from scmhost.sdk import (
    FULL_NAME,
    AddRequest,
    ApiRepository,
    BodyPages,
    Decision,
    HostRepository,
    Installation,
    OfferPage,
    Repository,
    RepositoryUpdate,
    add_repository,
    hookimpl,
    offer_page,
)

from .api import PAGE, client_of, url_of


@hookimpl
async def scm_offer_repositories(installation: Installation, search: str, cursor: str) -> OfferPage:
    api, url, params = client_of(installation), url_of(installation), {"page": "1", "limit": PAGE}
    if search:
        listed = api.below("repos", "search", pages=BodyPages("data"))
        params |= {"q": search, "uid": installation.metadata.get("user_id")}
    else:
        listed = api.below("user", "repos")
    return await offer_page(listed, ApiRepository, lambda one: one.found(url), cursor=cursor, params=params)


@hookimpl
async def scm_dispatch_repository(
    installation: Installation, request: AddRequest, candidate: Repository | None
) -> Decision:
    api, url = client_of(installation), url_of(installation)

    async def find(name: str) -> HostRepository | None:
        found = await api.find(ApiRepository, "repos", *name.split("/"))
        return found.found(url) if found else None

    return await add_repository(request, candidate, find, base_url=url, names=FULL_NAME)


@hookimpl
async def scm_sync_repositories(
    installation: Installation, repositories: Sequence[Repository]
) -> Sequence[RepositoryUpdate]:
    return await ApiRepository.follow(client_of(installation).below("repositories"), repositories, url_of(installation))
