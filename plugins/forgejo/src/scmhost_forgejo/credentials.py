"""Install with an access token or with an OAuth2 application, and renew its tokens."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Annotated

from pydantic import Field, JsonValue, SecretStr

from scmhost.sdk import (
    ApiError,
    Installation,
    InstallationDraft,
    ProviderError,
    ProviderUnauthorized,
    RedirectTo,
    RefreshedCredentials,
    hookimpl,
)

from .api import ForgejoRepository, ForgejoUser, api_of, host_of, url_of
from .forms import ForgejoInstallForm, ForgejoInstance, ForgejoSettings

_Token = Annotated[SecretStr, Field(min_length=1, max_length=8_000)]


@hookimpl
async def scm_install(form: ForgejoInstallForm, settings: ForgejoSettings) -> InstallationDraft:
    if form.token is None:
        raise ProviderError("give an access token, or install in a browser if the operator has an OAuth2 application")
    instance = settings.instance(form.instance)
    return await _draft(instance, form.name, {"token": form.token})


@hookimpl
async def scm_begin_install(
    form: ForgejoInstallForm, callback_url: str, state: str, settings: ForgejoSettings
) -> RedirectTo | InstallationDraft:
    instance = settings.instance(form.instance)
    if form.token is not None:
        return await _draft(instance, form.name, {"token": form.token})
    return instance.oauth.begin(callback_url, state, {"instance": instance.url, "name": form.name})


@hookimpl
async def scm_finish_install(
    query: Mapping[str, str], saved: Mapping[str, JsonValue], callback_url: str, settings: ForgejoSettings
) -> InstallationDraft:
    instance = settings.instance(str(saved.get("instance")))
    tokens = await instance.oauth.finish(query, saved, callback_url)
    draft = await _draft(instance, str(saved.get("name") or ""), tokens.secrets)
    return draft.model_copy(update={"secrets_expire_at": tokens.expire_at})


@hookimpl
async def scm_refresh_credentials(installation: Installation, settings: ForgejoSettings) -> RefreshedCredentials | None:
    # An access token that was set later is in use, and nothing renews it.
    if installation.secrets.get("token"):
        return None
    try:
        return await settings.instance(url_of(installation)).oauth.refresh(installation)
    except (ApiError, ProviderUnauthorized):
        return None


async def _draft(instance: ForgejoInstance, name: str, credentials: Mapping[str, SecretStr]) -> InstallationDraft:
    """Return an installation. Both calls fail now, with a clear text, if the token may do too little."""
    api = api_of(instance.url, next(iter(credentials.values())))
    user = await api.get(ForgejoUser, "user")
    await api.get(list[ForgejoRepository], "user", "repos", params={"limit": 1})
    host = host_of(instance.url)
    identity = f"{instance.url}\n{user.id}".encode()
    return InstallationDraft(
        name=(name or f"{user.login} at {host}")[:200],
        # The same user twice has the same id, so that the host refuses the duplicate.
        external_id=sha256(identity).hexdigest(),
        metadata={"domain_name": host, "url": instance.url, "login": user.login, "user_id": user.id},
        secrets=dict(credentials),
    )
