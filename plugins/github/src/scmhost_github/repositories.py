"""The repositories of an installation: offered, added and kept up to date, with their webhooks and pushes."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import AliasPath, BaseModel, Field

from scmhost.sdk import (
    FULL_NAME,
    AddRequest,
    ApiRepository,
    BodyPages,
    Decision,
    DeliveryRoute,
    GitPushBody,
    HostRepository,
    Installation,
    OfferPage,
    ProviderForbidden,
    Push,
    RegisteredWebhook,
    Repository,
    RepositoryUpdate,
    add_repository,
    check_signature,
    hookimpl,
    offer_page,
    put_webhook,
    read_body,
    require_signature,
)

from .api import PAGE, Id, api_of, app_api, external_id, is_app, repository_api
from .forms import GitHubSettings

MOST_LISTED: Final = 2048
"""The most commits that a delivery lists. GitHub does not count the others."""


class _DeliveredTo(BaseModel):
    installation: Id | None = Field(None, validation_alias=AliasPath("installation", "id"))


class _PushBody(GitPushBody):
    repository_id: Id = Field(validation_alias=AliasPath("repository", "id"))
    repository_url: str = Field(validation_alias=AliasPath("repository", "html_url"))


@hookimpl
async def scm_offer_repositories(
    installation: Installation, search: str, cursor: str, settings: GitHubSettings
) -> OfferPage:
    api, url, text = api_of(installation, settings), settings.of(installation).url, search.casefold()
    if is_app(installation):
        listed = api.below("installation", "repositories", pages=BodyPages("repositories"))
    else:
        listed = api.below("user", "repos")

    # GitHub's search would also find repositories of others, so that its lists are filtered.
    def show(one: ApiRepository) -> HostRepository | None:
        return one.found(url) if text in one.full_name.casefold() and _is_wanted(installation, one) else None

    params = {"page": "1", "per_page": PAGE}
    return await offer_page(listed, ApiRepository, show, cursor=cursor, params=params, enough=PAGE)


@hookimpl
async def scm_dispatch_repository(
    installation: Installation, request: AddRequest, candidate: Repository | None, settings: GitHubSettings
) -> Decision:
    api, instance = api_of(installation, settings), settings.of(installation)

    # Every token can read all public repositories.
    async def find(name: str) -> HostRepository | None:
        found = await api.find(ApiRepository, "repos", *name.split("/"))
        if found and is_app(installation):
            owner = await app_api(instance).find(dict[str, Any], "repos", *found.full_name.split("/"), "installation")
            found = found if owner and str(owner.get("id")) == installation.metadata.get("installation_id") else None
        return found.found(instance.url) if found and _is_wanted(installation, found) else None

    return await add_repository(request, candidate, find, base_url=instance.url, fields=("path",), names=FULL_NAME)


@hookimpl
async def scm_sync_repositories(
    installation: Installation, repositories: Sequence[Repository], settings: GitHubSettings
) -> Sequence[RepositoryUpdate]:
    api = api_of(installation, settings).below("repositories", conditional=True)
    return await ApiRepository.follow(api, repositories, settings.of(installation).url)


@hookimpl
def scm_route_delivery(headers: Mapping[str, str], body: bytes, settings: GitHubSettings) -> DeliveryRoute | None:
    # The body does not name the instance; the secret that signed the delivery identifies it.
    for name, instance in settings.instances.items():
        secret = instance.app.webhook_secret if instance.app else None
        if secret and check_signature(secret.get_secret_value(), body, headers.get("x-hub-signature-256", "")):
            if headers.get("x-github-event") != "push":
                return None
            number = read_body(_DeliveredTo, body).installation
            return DeliveryRoute(external_id=external_id(name, number), secret=secret) if number else None
    raise ProviderForbidden("X-Hub-Signature-256 is missing, or was not made with the webhook secret of an App.")


@hookimpl
def scm_read_push(
    headers: Mapping[str, str], body: bytes, secret: str, repositories: Sequence[Repository]
) -> Sequence[Push]:
    require_signature(headers, body, secret, "x-hub-signature-256")
    if headers.get("x-github-event") != "push":
        return ()
    pushed = read_body(_PushBody, body)
    unlisted = int(len(pushed.commits or ()) >= MOST_LISTED)
    # The id is the same after a rename, of which the host may not know yet.
    return (pushed.push(repositories, str(pushed.repository_id), pushed.repository_url, unlisted),)


@hookimpl
async def scm_register_webhook(
    installation: Installation, repository: Repository, address: str, secret: str, settings: GitHubSettings
) -> RegisteredWebhook:
    if is_app(installation):
        # GitHub sends the pushes of all installations of an App to the address in the App's settings.
        return RegisteredWebhook(external_id="app")
    config = {"url": address, "content_type": "json", "secret": secret, "insecure_ssl": "0"}
    body = {"active": True, "events": ["push"], "config": config}
    hooks = repository_api(installation, repository, settings).below("hooks")
    return await put_webhook(hooks, address, body, update="PATCH", params={"per_page": PAGE})


@hookimpl
async def scm_unregister_webhook(
    installation: Installation, repository: Repository, webhook: RegisteredWebhook, settings: GitHubSettings
) -> None:
    if not is_app(installation):
        await repository_api(installation, repository, settings).delete("hooks", webhook.external_id)


def _is_wanted(installation: Installation, found: ApiRepository) -> bool:
    owner = str(installation.metadata.get("owner") or "")
    return not owner or found.full_name.partition("/")[0].casefold() == owner.casefold()
