"""Install with a token, or with a confirmation at GitLab (OAuth 2.0 with PKCE), and renew what that gave."""

import hashlib
from collections.abc import Mapping

from pydantic import JsonValue, SecretStr

from scmhost.sdk import (
    ApiNotFound,
    Installation,
    InstallationDraft,
    ProviderError,
    RedirectTo,
    RefreshedCredentials,
    hookimpl,
    shared_client,
)

from .client import GitLabAnswer, rest_api
from .forms import GitLabConfiguration, GitLabInstallForm, GitLabInstance, GitLabSettings


class GitLabAccount(GitLabAnswer):
    id: int
    username: str


class GitLabGroup(GitLabAnswer):
    full_path: str


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
    return instance.oauth.begin(callback_url, state, {"url": instance.url, "group": form.group, "name": form.name})


@hookimpl
async def scm_finish_install(
    query: Mapping[str, str], saved: Mapping[str, JsonValue], callback_url: str, settings: GitLabSettings
) -> InstallationDraft:
    instance = next((one for one in settings.instances.values() if one.url == saved.get("url")), None)
    if instance is None:
        raise ProviderError("The operator has removed this instance of GitLab meanwhile; begin again.")
    tokens = await instance.oauth.finish(query, saved, callback_url)
    headers = {"Authorization": f"Bearer {tokens.access_token.get_secret_value()}"}
    draft = await _draft(instance, headers, str(saved.get("group", "")), str(saved.get("name", "")))
    # GitLab requires the address of the first request in each renewal.
    kept = {**tokens.secrets, "callback_url": SecretStr(callback_url)}
    return draft.model_copy(update={"secrets": kept, "secrets_expire_at": tokens.expire_at})


@hookimpl
async def scm_refresh_credentials(installation: Installation, settings: GitLabSettings) -> RefreshedCredentials | None:
    # Without a refresh token, a person gave the token, and only that person can replace it.
    callback_url = installation.secrets.get("callback_url")
    return await settings.of(installation).oauth.refresh(
        installation, callback_url.get_secret_value() if callback_url else ""
    )


@hookimpl
async def scm_uninstall(installation: Installation, settings: GitLabSettings) -> None:
    access_token = installation.secrets.get("access_token")
    # A token that a person gave may have other uses.
    if access_token is not None:
        instance = settings.of(installation)
        form = instance.oauth.form({"token": access_token.get_secret_value()})
        await shared_client(instance.url).request("POST", "oauth", "revoke", form=form)


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
