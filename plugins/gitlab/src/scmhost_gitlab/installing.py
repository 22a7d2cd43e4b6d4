"""Install with a token, or with a confirmation at GitLab (OAuth 2.0 with PKCE), and renew what that gave."""

from collections.abc import Mapping

from pydantic import SecretStr

from scmhost.sdk import (
    ApiNotFound,
    Installation,
    InstallationDraft,
    ProviderError,
    RefreshedCredentials,
    hookimpl,
    install_hooks,
    shared_client,
    stable_id,
)

from .client import GitLabAnswer, rest_api
from .forms import GitLabConfiguration, GitLabInstallForm, GitLabSettings


class GitLabAccount(GitLabAnswer):
    id: int
    username: str


class GitLabGroup(GitLabAnswer):
    full_path: str


async def _draft(
    form: GitLabInstallForm, settings: GitLabSettings, secrets: Mapping[str, SecretStr]
) -> InstallationDraft:
    """Return the installation of the account that the credentials belong to, without secrets."""
    instance, group = settings.named(form.instance), form.group
    api = rest_api(instance, secrets)
    account = await api.get(GitLabAccount, "user")
    if group:
        try:
            # As GitLab spells it: the paths of projects are compared with it.
            group = (await api.get(GitLabGroup, "groups", group, params={"with_projects": False})).full_path
        except ApiNotFound:
            raise ProviderError(f"{account.username} sees no group {group!r} at {instance.url}.") from None
    return InstallationDraft(
        name=form.name or group[:200] or account.username[:200],
        external_id=stable_id(instance.url, account.id, group.casefold()),
        metadata={"domain_name": instance.url, "account": account.username[:200]},
        configuration=GitLabConfiguration(group=group).model_dump(),
    )


scm_install, scm_begin_install, scm_finish_install = install_hooks(
    GitLabInstallForm, lambda form, settings: settings.named(form.instance).oauth, _draft
)


@hookimpl
async def scm_refresh_credentials(installation: Installation, settings: GitLabSettings) -> RefreshedCredentials | None:
    return await settings.of(installation).oauth.refresh(installation)


@hookimpl
async def scm_uninstall(installation: Installation, settings: GitLabSettings) -> None:
    access_token = installation.secrets.get("access_token")
    # A token that a person gave may have other uses.
    if access_token is not None:
        instance = settings.of(installation)
        form = instance.oauth.form({"token": access_token.get_secret_value()})
        await shared_client(instance.url).request("POST", "oauth", "revoke", form=form)
