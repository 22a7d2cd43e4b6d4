"""Install with a token, or with a confirmation at GitLab (OAuth 2.0 with PKCE), and renew what that gave."""

import hashlib
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated
from urllib.parse import quote, urlencode

from pydantic import Field, JsonValue, SecretStr

from scmhost.sdk import (
    ApiNotFound,
    Installation,
    InstallationDraft,
    ProviderError,
    RedirectTo,
    RefreshedCredentials,
    hookimpl,
)

from .client import GitLabAnswer, client, rest_api
from .forms import GitLabConfiguration, GitLabInstallForm, GitLabInstance, GitLabSettings


class GitLabAccount(GitLabAnswer):
    id: int
    username: str


class GitLabGroup(GitLabAnswer):
    full_path: str


class GitLabTokens(GitLabAnswer):
    access_token: Annotated[str, Field(min_length=1)]
    refresh_token: str | None = None
    expires_in: Annotated[int, Field(ge=1, le=1_000_000_000)] | None = None

    def secrets(self, callback_url: str) -> dict[str, SecretStr]:
        # GitLab requires the address of the first request in each renewal.
        named = {"access_token": self.access_token, "refresh_token": self.refresh_token, "callback_url": callback_url}
        return {name: SecretStr(value) for name, value in named.items() if value}

    def expire_at(self) -> datetime | None:
        return datetime.now(UTC) + timedelta(seconds=self.expires_in) if self.expires_in else None


@hookimpl
async def scm_install(form: GitLabInstallForm, settings: GitLabSettings) -> InstallationDraft:
    instance = settings.named(form.instance)
    if form.token is None:
        raise ProviderError(f"Give an access token of {instance.url} in the field token.")
    headers = {"PRIVATE-TOKEN": form.token.get_secret_value()}
    draft = await _draft(instance, headers, form.group, form.name)
    return draft.model_copy(update={"secrets": {"token": form.token}})


@hookimpl
async def scm_begin_install(
    form: GitLabInstallForm, callback_url: str, state: str, settings: GitLabSettings
) -> RedirectTo | InstallationDraft:
    instance = settings.named(form.instance)
    if form.token is not None:
        draft: InstallationDraft = await scm_install(form, settings)
        return draft
    if not instance.client_id:
        raise ProviderError(
            f"Give an access token of {instance.url}, or ask the operator to set client_id of an application there."
        )
    verifier = secrets.token_urlsafe(64)
    query = {
        "client_id": instance.client_id,
        "redirect_uri": callback_url,
        "response_type": "code",
        "state": state,
        "scope": instance.scope,
        "code_challenge": _challenge(verifier),
        "code_challenge_method": "S256",
    }
    saved = {"url": instance.url, "verifier": verifier, "group": form.group, "name": form.name}
    return RedirectTo(url=f"{instance.url}/oauth/authorize?{urlencode(query, quote_via=quote)}", saved=saved)


@hookimpl
async def scm_finish_install(
    query: Mapping[str, str], saved: Mapping[str, JsonValue], callback_url: str, settings: GitLabSettings
) -> InstallationDraft:
    instance = next((one for one in settings.instances.values() if one.url == saved.get("url")), None)
    if instance is None:
        raise ProviderError("The operator has removed this instance of GitLab meanwhile; begin again.")
    if not query.get("code"):
        reason = query.get("error_description") or query.get("error") or "there is no code in the address"
        raise ProviderError(f"GitLab did not confirm the installation: {reason[:200]}")
    grant = {"grant_type": "authorization_code", "code": query["code"], "code_verifier": str(saved.get("verifier"))}
    tokens = await _request_tokens(instance, {**grant, "redirect_uri": callback_url})
    headers = {"Authorization": f"Bearer {tokens.access_token}"}
    draft = await _draft(instance, headers, str(saved.get("group", "")), str(saved.get("name", "")))
    return draft.model_copy(update={"secrets": tokens.secrets(callback_url), "secrets_expire_at": tokens.expire_at()})


@hookimpl
async def scm_refresh_credentials(installation: Installation, settings: GitLabSettings) -> RefreshedCredentials | None:
    instance = settings.of(installation)
    known = {name: secret.get_secret_value() for name, secret in installation.secrets.items()}
    # An access token that a person gave can only be replaced by that person.
    if "refresh_token" not in known or not instance.client_id:
        return None
    callback_url = known.get("callback_url", "")
    grant = {"grant_type": "refresh_token", "refresh_token": known["refresh_token"], "redirect_uri": callback_url}
    tokens = await _request_tokens(instance, grant)
    return RefreshedCredentials(secrets=tokens.secrets(callback_url), expires_at=tokens.expire_at())


@hookimpl
async def scm_uninstall(installation: Installation, settings: GitLabSettings) -> None:
    access_token = installation.secrets.get("access_token")
    # A token that a person gave may have other uses.
    if access_token is not None:
        instance = settings.of(installation)
        form = {**_application(instance), "token": access_token.get_secret_value()}
        await client(instance.url).request("POST", "oauth", "revoke", form=form)


async def _request_tokens(instance: GitLabInstance, grant: Mapping[str, str]) -> GitLabTokens:
    form = {**_application(instance), **grant}
    return (await client(instance.url).request("POST", "oauth", "token", form=form)).read(GitLabTokens)


def _application(instance: GitLabInstance) -> dict[str, str]:
    secret = {"client_secret": instance.client_secret.get_secret_value()} if instance.client_secret else {}
    return {"client_id": instance.client_id, **secret}


def _challenge(verifier: str) -> str:
    return urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


async def _draft(instance: GitLabInstance, headers: dict[str, str], group: str, name: str) -> InstallationDraft:
    """Return the installation of the account that the credentials belong to, without secrets."""
    api = rest_api(instance, headers)
    account = await api.get(GitLabAccount, "user")
    if group:
        try:
            # As GitLab spells it: the paths of projects are compared with it.
            group = (await api.get(GitLabGroup, "groups", group, params={"with_projects": False})).full_path
        except ApiNotFound:
            raise ProviderError(f"{account.username} sees no group {group!r} at {instance.url}.") from None
    identity = f"{instance.url}\n{account.id}\n{group.casefold()}".encode()
    return InstallationDraft(
        name=name or group[:200] or account.username[:200],
        # The same account and group twice has the same id, so that the host refuses the duplicate.
        external_id=hashlib.sha256(identity).hexdigest(),
        metadata={"domain_name": instance.url, "account": account.username[:200]},
        configuration=GitLabConfiguration(group=group).model_dump(),
    )
