"""Install with an access token or with an OAuth2 application, and renew its tokens."""

import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Annotated
from urllib.parse import urlencode

from pydantic import BaseModel, Field, JsonValue, SecretStr

from scmhost.sdk import (
    ApiClient,
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


class ForgejoTokens(BaseModel):
    """The answer of the token endpoint."""

    access_token: _Token
    refresh_token: _Token | None = None
    expires_in: int | None = Field(default=None, le=1_000_000_000)

    def named(self) -> dict[str, SecretStr]:
        """Return them as secrets of an installation."""
        renewing = {"refresh_token": self.refresh_token} if self.refresh_token else {}
        return {"access_token": self.access_token, **renewing}

    def expiry(self) -> datetime | None:
        """Return when the access token expires."""
        seconds = max(0, self.expires_in or 0)
        return datetime.now(UTC) + timedelta(seconds=seconds) if seconds else None


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
    if not instance.client_id:
        raise ProviderError(
            f"{host_of(instance.url)} has no OAuth2 application in the settings of the plugin; give an access token"
        )
    verifier = secrets.token_urlsafe(48)
    challenge = urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("=")
    query = {
        "client_id": instance.client_id,
        "redirect_uri": callback_url,
        "response_type": "code",
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    saved = {"instance": instance.url, "name": form.name, "verifier": verifier}
    return RedirectTo(url=f"{instance.url}/login/oauth/authorize?{urlencode(query)}", saved=saved)


@hookimpl
async def scm_finish_install(
    query: Mapping[str, str], saved: Mapping[str, JsonValue], callback_url: str, settings: ForgejoSettings
) -> InstallationDraft:
    instance = settings.instance(str(saved.get("instance")))
    if not query.get("code"):
        reason = query.get("error_description") or query.get("error") or "it sent no code"
        raise ProviderError(f"{host_of(instance.url)} did not agree: {reason[:200]}")
    asked = {
        "grant_type": "authorization_code",
        "code": query["code"],
        "redirect_uri": callback_url,
        "code_verifier": str(saved.get("verifier")),
    }
    tokens = await _tokens(instance, asked)
    draft = await _draft(instance, str(saved.get("name") or ""), tokens.named())
    return draft.model_copy(update={"secrets_expire_at": tokens.expiry()})


@hookimpl
async def scm_refresh_credentials(installation: Installation, settings: ForgejoSettings) -> RefreshedCredentials | None:
    refresh_token = installation.secrets.get("refresh_token")
    instance = settings.instance(url_of(installation))
    # An access token that was set later is in use, and nothing renews it.
    if refresh_token is None or installation.secrets.get("token") or not instance.client_id:
        return None
    asked = {"grant_type": "refresh_token", "refresh_token": refresh_token.get_secret_value()}
    try:
        tokens = await _tokens(instance, asked)
    except (ApiError, ProviderUnauthorized):
        return None
    return RefreshedCredentials(secrets=tokens.named(), expires_at=tokens.expiry())


async def _tokens(instance: ForgejoInstance, asked: Mapping[str, str]) -> ForgejoTokens:
    secret = instance.client_secret.get_secret_value() if instance.client_secret else ""
    form = {**asked, "client_id": instance.client_id, "client_secret": secret}
    client = ApiClient(instance.url)
    try:
        answer = await client.request("POST", "login", "oauth", "access_token", form=form)
    finally:
        await client.aclose()
    return answer.read(ForgejoTokens)


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
