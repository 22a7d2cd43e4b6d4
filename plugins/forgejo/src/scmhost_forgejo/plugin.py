"""The hooks of Forgejo. The plugin decides; the host saves."""

from collections.abc import Mapping, Sequence
from typing import Final

from pydantic import JsonValue

from scmhost.sdk import (
    AddRequest,
    Claim,
    CommitDraft,
    Create,
    Existence,
    Feature,
    FeatureText,
    Installation,
    InstallationDraft,
    Location,
    LocationCandidate,
    NoUrl,
    OfferPage,
    Pages,
    Provider,
    ProviderMetadata,
    Push,
    RedirectTo,
    RefreshedCredentials,
    Refusal,
    RegisteredWebhook,
    Repository,
    RepositoryPages,
    RepositoryUpdate,
    ResolvedRef,
    UrlTemplates,
    hookimpl,
    preset,
    read_any_url,
)

from . import content, credentials, webhooks
from .api import client_of, close_clients
from .forms import ForgejoConfiguration, ForgejoInstallForm, ForgejoSettings
from .repositories import dispatch, offer, sync

# The pages of Gitea have the same form.
_PAGES: Final[Pages] = preset("forgejo").pages

PROVIDER: Final = Provider(
    key="forgejo",
    name="Forgejo",
    features=frozenset(
        {Feature.COMMITS, Feature.STACKTRACE_LINK, Feature.COMPARE_COMMITS, Feature.PUSH_WEBHOOKS},
    ),
    requires_feature_flag=True,
    metadata=ProviderMetadata(
        description="Connect Forgejo, Gitea and Codeberg: repositories, commits, files and webhooks.",
        features=(
            FeatureText(feature=Feature.COMMITS, description="Add repositories that the token may read."),
            FeatureText(feature=Feature.STACKTRACE_LINK, description="Link stack frames to files that exist."),
            FeatureText(
                feature=Feature.COMPARE_COMMITS,
                description="Give a release its commits and changed files from its ref alone.",
            ),
            FeatureText(feature=Feature.PUSH_WEBHOOKS, description="Receive commits when they are pushed."),
        ),
        author="The scmhost team",
    ),
    install_form=ForgejoInstallForm,
    configuration=ForgejoConfiguration,
    settings=ForgejoSettings,
)


@hookimpl
def scm_register_providers() -> Sequence[Provider]:
    return (PROVIDER,)


@hookimpl
async def scm_shutdown() -> None:
    await close_clients()


@hookimpl
async def scm_install(form: ForgejoInstallForm, settings: ForgejoSettings) -> InstallationDraft:
    return await credentials.draft_with_token(form, settings)


@hookimpl
async def scm_begin_install(
    form: ForgejoInstallForm, callback_url: str, state: str, settings: ForgejoSettings
) -> RedirectTo | InstallationDraft:
    if form.token is not None:
        return await credentials.draft_with_token(form, settings)
    return credentials.redirect(form, callback_url, state, settings)


@hookimpl
async def scm_finish_install(
    query: Mapping[str, str], saved: Mapping[str, JsonValue], callback_url: str, settings: ForgejoSettings
) -> InstallationDraft:
    return await credentials.draft_after_redirect(query, saved, callback_url, settings)


@hookimpl
async def scm_refresh_credentials(installation: Installation, settings: ForgejoSettings) -> RefreshedCredentials | None:
    return await credentials.refresh(installation, settings)


@hookimpl
async def scm_offer_repositories(installation: Installation, search: str, cursor: str) -> OfferPage:
    return await offer(installation, search, cursor)


@hookimpl
async def scm_dispatch_repository(
    installation: Installation, request: AddRequest, candidate: Repository | None
) -> Claim | Create | Refusal:
    return await dispatch(installation, request, candidate)


@hookimpl
async def scm_sync_repositories(
    installation: Installation, repositories: Sequence[Repository]
) -> Sequence[RepositoryUpdate]:
    return await sync(installation, repositories)


@hookimpl
def scm_url_templates(repository: Repository) -> UrlTemplates | None:
    return _pages_of(repository).templates


@hookimpl
def scm_source_url(repository: Repository, location: Location) -> str | NoUrl:
    return _pages_of(repository).view(location)


@hookimpl
def scm_commit_url(repository: Repository, sha: str) -> str | NoUrl:
    return _pages_of(repository).commit(sha)


@hookimpl
def scm_compare_url(repository: Repository, base: str, head: str) -> str | NoUrl:
    return _pages_of(repository).compare(base, head)


@hookimpl
def scm_read_source_url(url: str, repositories: Sequence[Repository]) -> Sequence[LocationCandidate]:
    return read_any_url(url, _PAGES, repositories)


@hookimpl
async def scm_file_exists(installation: Installation, repository: Repository, location: Location) -> Existence:
    return await content.file_exists(client_of(installation), repository, location)


@hookimpl
async def scm_resolve_ref(installation: Installation, repository: Repository, ref: str | None) -> ResolvedRef | None:
    return await content.resolve(client_of(installation), repository, ref)


@hookimpl
async def scm_compare_commits(
    installation: Installation, repository: Repository, base: str | None, head: str, settings: ForgejoSettings
) -> Sequence[CommitDraft]:
    return await content.compare(client_of(installation), repository, base, head, settings)


@hookimpl
async def scm_read_file(installation: Installation, repository: Repository, ref: str, path: str) -> bytes | None:
    return await content.read_file(client_of(installation), repository, ref, path)


@hookimpl
async def scm_register_webhook(
    installation: Installation, repository: Repository, address: str, secret: str
) -> RegisteredWebhook:
    return await webhooks.register(client_of(installation), repository, address, secret)


@hookimpl
async def scm_unregister_webhook(
    installation: Installation, repository: Repository, webhook: RegisteredWebhook
) -> None:
    await webhooks.unregister(client_of(installation), repository, webhook)


@hookimpl
def scm_read_push(
    headers: Mapping[str, str], body: bytes, secret: str, repositories: Sequence[Repository]
) -> Sequence[Push]:
    return webhooks.read_push(headers, body, secret, repositories)


def _pages_of(repository: Repository) -> RepositoryPages:
    return RepositoryPages(pages=_PAGES, repository=repository)
