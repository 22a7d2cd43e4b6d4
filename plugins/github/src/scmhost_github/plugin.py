"""The provider, its installation with a token or through a GitHub App, and the hooks of the other modules."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

from pydantic import AliasPath, AwareDatetime, BaseModel, Field, JsonValue, SecretStr

from scmhost.sdk import (
    FEATURE_TEXTS,
    ApiNotFound,
    BodyPages,
    Feature,
    Installation,
    InstallationDraft,
    Provider,
    ProviderError,
    ProviderForbidden,
    ProviderMetadata,
    RedirectTo,
    RefreshedCredentials,
    Repository,
    hookimpl,
    link_hooks,
    named_instance,
    preset,
    stable_id,
)

from .api import PAGE, Id, api_of, app_api, app_of, client, external_id, is_app

# pluggy finds the hooks of these modules as names of this one.
from .commits import scm_blame_lines, scm_compare_commits, scm_file_exists, scm_read_file, scm_resolve_ref  # noqa: F401
from .forms import GitHubConfiguration, GitHubInstallForm, GitHubInstance, GitHubSettings
from .repositories import (  # noqa: F401
    scm_dispatch_repository,
    scm_offer_repositories,
    scm_read_push,
    scm_register_webhook,
    scm_route_delivery,
    scm_sync_repositories,
    scm_unregister_webhook,
)

PROVIDER: Final = Provider(
    key="github",
    name="GitHub",
    features=frozenset(Feature),
    metadata=ProviderMetadata(
        description="Link to source on GitHub, and read commits, files and pushes, through a GitHub App or a token.",
        features=FEATURE_TEXTS,
        author="The scmhost team",
    ),
    install_form=GitHubInstallForm,
    configuration=GitHubConfiguration,
    settings=GitHubSettings,
)


class _User(BaseModel):
    id: Id
    login: str


class _AppInstallation(BaseModel):
    id: Id
    app_id: int
    account: str = Field(min_length=1, max_length=100, validation_alias=AliasPath("account", "login"))
    suspended_at: str | None = None


class _AccessToken(BaseModel):
    token: SecretStr
    expires_at: AwareDatetime


@hookimpl
def scm_register_providers() -> Sequence[Provider]:
    return (PROVIDER,)


@hookimpl
def scm_serialize_repository(repository: Repository) -> Mapping[str, JsonValue]:
    slug = repository.configuration.get("full_name") or repository.name
    return {"provider": {"id": PROVIDER.id, "name": PROVIDER.name}, "externalSlug": slug}


scm_url_templates, scm_source_url, scm_commit_url, scm_compare_url, scm_read_source_url = link_hooks(
    preset("github").pages
)


@hookimpl
async def scm_install(form: GitHubInstallForm, settings: GitHubSettings) -> InstallationDraft:
    instance = named_instance(settings.instances, form.instance)
    if form.token is None:
        raise ProviderError("Enter a token; a GitHub App can only be installed in a browser.")
    user = await client(instance.api, form.token.get_secret_value()).get(_User, "user")
    return InstallationDraft(
        name=form.owner or user.login,
        external_id=stable_id(form.instance, user.id, form.owner.casefold()),
        metadata={**_facts(form.instance, instance, form.owner or user.login), "kind": "token", "owner": form.owner},
        secrets={"token": form.token},
    )


@hookimpl
async def scm_begin_install(
    form: GitHubInstallForm, callback_url: str, state: str, settings: GitHubSettings
) -> RedirectTo | InstallationDraft:
    if form.token is not None:
        return await scm_install(form, settings)
    instance = named_instance(settings.instances, form.instance)
    app, saved = app_of(instance), {"instance": form.instance, "owner": form.owner}
    if not form.owner:
        page = f"{instance.url}/{'apps' if instance.is_cloud else 'github-apps'}/{app.slug}/installations/new"
        return RedirectTo(url=f"{page}?{urlencode({'state': state})}", saved=saved)
    if not app.client_id:
        raise ProviderError("Leave out the owner: the operator has given no client_id of the GitHub App.")
    # GitHub sends nobody back from the page of an App that is installed already.
    return app.at(instance.url).begin(callback_url, state, saved)


@hookimpl
async def scm_finish_install(
    query: Mapping[str, str], saved: Mapping[str, JsonValue], settings: GitHubSettings
) -> InstallationDraft:
    name, owner, number = str(saved.get("instance")), str(saved.get("owner", "")), query.get("installation_id", "")
    instance = named_instance(settings.instances, name)
    if "error" in query:
        raise ProviderError("You declined at GitHub, or the operator's App has another callback URL; install again.")
    if query.get("setup_action") == "request":
        raise ProviderError("An owner of the account has to approve the App on GitHub first; install again after that.")
    if not (owner or (number.isascii() and number.isdigit())):
        raise ProviderError("GitHub sent no installation; choose an account and its repositories there.")
    # The number comes from the browser: it may be that of another customer.
    if owner or app_of(instance).check_person:
        number = await _shown_to_person(query, saved, owner or number, instance)
    found = await app_api(instance).find(_AppInstallation, "app", "installations", number)
    if not found or found.suspended_at or found.app_id != app_of(instance).id or str(found.id) != number:
        raise ProviderError(
            f"GitHub has no installation {number} of the App {app_of(instance).slug}, or it is suspended."
        )
    token = await _access_token(number, instance)
    return InstallationDraft(
        name=found.account,
        external_id=external_id(name, found.id),
        metadata={**_facts(name, instance, found.account), "kind": "app", "installation_id": number},
        secrets={"token": token.token},
        secrets_expire_at=token.expires_at,
    )


@hookimpl
async def scm_refresh_credentials(installation: Installation, settings: GitHubSettings) -> RefreshedCredentials | None:
    if not is_app(installation):
        return None
    try:
        token = await _access_token(str(installation.metadata["installation_id"]), settings.of(installation))
    except (ApiNotFound, ProviderForbidden):
        raise ProviderError("The GitHub App was uninstalled or suspended; install it again on GitHub.") from None
    return RefreshedCredentials(secrets={"token": token.token}, expires_at=token.expires_at)


@hookimpl
async def scm_uninstall(installation: Installation, settings: GitHubSettings) -> None:
    # The App stays installed on GitHub, because another organization here may use it.
    if is_app(installation):
        await api_of(installation, settings).request("DELETE", "installation", "token")


def _facts(name: str, instance: GitHubInstance, account: str) -> dict[str, Any]:
    return {"domain_name": f"{instance.url.partition('://')[2]}/{account}", "instance": name, "account": account}


async def _access_token(number: str, instance: GitHubInstance) -> _AccessToken:
    return (await app_api(instance).request("POST", "app", "installations", number, "access_tokens")).read(_AccessToken)


async def _shown_to_person(
    query: Mapping[str, str], saved: Mapping[str, JsonValue], wanted: str, instance: GitHubInstance
) -> str:
    """Return the number of an installation, by number or account, that GitHub shows to the person who installs."""
    app = app_of(instance)
    if not query.get("code") or app.client_secret is None:
        raise ProviderError("GitHub sent no code; the operator enables Request user authorization for the App.")
    tokens = await app.at(instance.url).finish(query, saved)
    person = client(instance.api, tokens.access_token.get_secret_value())
    shown = person.below("user", "installations", pages=BodyPages("installations"))
    async for one in shown.items(_AppInstallation, params={"per_page": PAGE}):
        if wanted.casefold() in (str(one.id), one.account.casefold()):
            return str(one.id)
    raise ProviderForbidden(f"GitHub does not show installation {wanted} to you; install the App for your own account.")
