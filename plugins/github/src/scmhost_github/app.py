"""Install with a token or through a GitHub App, and the tokens of the App's installations."""

from collections.abc import Mapping
from hashlib import sha256
from time import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from pydantic import AliasPath, AwareDatetime, BaseModel, Field, JsonValue, SecretStr

from scmhost.sdk import (
    ApiNotFound,
    Installation,
    InstallationDraft,
    ProviderError,
    ProviderForbidden,
    RedirectTo,
    RefreshedCredentials,
    hookimpl,
)

from .api import Id, api_of, client, instance_of, is_app, pages
from .forms import GitHubApp, GitHubInstallForm, GitHubInstance, GitHubSettings

if TYPE_CHECKING:
    from scmhost.sdk import ApiClient


class _User(BaseModel):
    id: Id
    login: str


class _AppInstallation(BaseModel):
    id: Id
    app_id: int
    account: str = Field(min_length=1, max_length=100, validation_alias=AliasPath("account", "login"))
    suspended_at: str | None = None


class _AppInstallations(BaseModel):
    installations: tuple[_AppInstallation, ...]


class _AccessToken(BaseModel):
    token: SecretStr
    expires_at: AwareDatetime


class _PersonToken(BaseModel):
    access_token: SecretStr | None = None


def app_api(instance: GitHubInstance, app: GitHubApp) -> "ApiClient":
    """Return a client that identifies itself as the App, with a JWT of its private key."""
    # Only an App needs the cryptography, whose import takes long.
    import jwt  # noqa: PLC0415

    now = int(time())
    # GitHub accepts ten minutes at most, and clocks may differ by a minute.
    claims = {"iat": now - 60, "exp": now + 480, "iss": str(app.id)}
    return client(instance.api, jwt.encode(claims, app.key(), algorithm="RS256"))


@hookimpl
async def scm_install(form: GitHubInstallForm, settings: GitHubSettings) -> InstallationDraft:
    instance = settings.instance(form.instance)
    if form.token is None:
        raise ProviderError("Enter a token; a GitHub App can only be installed in a browser.")
    user = await client(instance.api, form.token.get_secret_value()).get(_User, "user")
    # The same user and owner twice have the same id, so that the host refuses the duplicate.
    identity = f"{form.instance}\n{user.id}\n{form.owner.casefold()}".encode()
    return InstallationDraft(
        name=form.owner or user.login,
        external_id=sha256(identity).hexdigest(),
        metadata={**_facts(form.instance, instance, form.owner or user.login), "kind": "token", "owner": form.owner},
        secrets={"token": form.token},
    )


@hookimpl
async def scm_begin_install(
    form: GitHubInstallForm, callback_url: str, state: str, settings: GitHubSettings
) -> RedirectTo | InstallationDraft:
    if form.token is not None:
        return await scm_install(form, settings)
    instance = settings.instance(form.instance)
    if instance.app is None:
        raise ProviderError(f"Enter a token: the operator has configured no GitHub App for {form.instance}.")
    if not form.owner:
        url = f"{instance.app_page}/installations/new?{urlencode({'state': state})}"
    elif instance.app.client_id:
        # GitHub sends nobody back from the page of an App that is installed already.
        asked = {"client_id": instance.app.client_id, "redirect_uri": callback_url, "state": state}
        url = f"{instance.url}/login/oauth/authorize?{urlencode(asked)}"
    else:
        raise ProviderError("Leave out the owner: the operator has given no client_id of the GitHub App.")
    return RedirectTo(url=url, saved={"instance": form.instance, "owner": form.owner})


@hookimpl
async def scm_finish_install(
    query: Mapping[str, str], saved: Mapping[str, JsonValue], settings: GitHubSettings
) -> InstallationDraft:
    name = str(saved.get("instance"))
    instance = settings.instance(name)
    number, owner = query.get("installation_id", ""), str(saved.get("owner", ""))
    if "error" in query:
        raise ProviderError("You declined at GitHub, or the operator's App has another callback URL; install again.")
    if query.get("setup_action") == "request":
        raise ProviderError("An owner of the account has to approve the App on GitHub first; install again after that.")
    if instance.app is None or not (owner or (number.isascii() and number.isdigit())):
        raise ProviderError("GitHub sent no installation; choose an account and its repositories there.")
    # The number comes from the browser: it may be that of another customer.
    if owner or instance.app.check_person:
        number = await _shown_to_person(query.get("code", ""), owner or number, instance, instance.app)
    try:
        found = await app_api(instance, instance.app).get(_AppInstallation, "app", "installations", number)
    except ApiNotFound:
        raise ProviderError(f"GitHub has no installation {number} of the App {instance.app.slug}.") from None
    if found.suspended_at or found.app_id != instance.app.id or str(found.id) != number:
        raise ProviderError(f"Installation {number} is suspended, or is not one of the App {instance.app.slug}.")
    token = await _access_token(number, instance, instance.app)
    return InstallationDraft(
        name=found.account,
        external_id=external_id(name, found.id),
        metadata={**_facts(name, instance, found.account), "kind": "app", "installation_id": number},
        secrets={"token": token.token},
        secrets_expire_at=token.expires_at,
    )


@hookimpl
async def scm_refresh_credentials(installation: Installation, settings: GitHubSettings) -> RefreshedCredentials | None:
    instance = instance_of(installation, settings)
    if not is_app(installation):
        return None
    if instance.app is None:
        raise ProviderError("The operator has removed the GitHub App from the settings.")
    try:
        token = await _access_token(str(installation.metadata["installation_id"]), instance, instance.app)
    except (ApiNotFound, ProviderForbidden):
        raise ProviderError("The GitHub App was uninstalled or suspended; install it again on GitHub.") from None
    return RefreshedCredentials(secrets={"token": token.token}, expires_at=token.expires_at)


@hookimpl
async def scm_uninstall(installation: Installation, settings: GitHubSettings) -> None:
    # The App stays installed on GitHub, because another organization here may use it.
    if is_app(installation):
        await api_of(installation, settings).request("DELETE", "installation", "token")


def external_id(instance: str, number: int) -> str:
    """Return the external id of an App's installation; each instance counts its own."""
    return f"{instance}/{number}"


def _facts(name: str, instance: GitHubInstance, account: str) -> dict[str, Any]:
    domain = f"{instance.url.partition('://')[2]}/{account}"
    return {"domain_name": domain, "instance": name, "account": account}


async def _access_token(number: str, instance: GitHubInstance, app: GitHubApp) -> _AccessToken:
    api = app_api(instance, app)
    return (await api.request("POST", "app", "installations", number, "access_tokens")).read(_AccessToken)


async def _shown_to_person(code: str, wanted: str, instance: GitHubInstance, app: GitHubApp) -> str:
    """Return the number of an installation, by number or account, that GitHub shows to the person who installs."""
    if not code or app.client_secret is None:
        raise ProviderError("GitHub sent no code; the operator enables Request user authorization for the App.")
    form = {"client_id": app.client_id, "client_secret": app.client_secret.get_secret_value(), "code": code}
    answer = await client(instance.url).request("POST", "login", "oauth", "access_token", form=form)
    token = answer.read(_PersonToken).access_token
    if token is None:
        raise ProviderError("GitHub does not accept the code any more; install again.")
    person = client(instance.api, token.get_secret_value())
    async for page, _ in pages(person, _AppInstallations, "user", "installations"):
        for one in page.installations:
            if wanted.casefold() in (str(one.id), one.account.casefold()):
                return str(one.id)
    raise ProviderForbidden(f"GitHub does not show installation {wanted} to you; install the App for your own account.")
