"""Install with an access token or with an OAuth2 application, and renew its tokens."""

from collections.abc import Mapping

from pydantic import SecretStr

from scmhost.sdk import (
    ApiError,
    ApiRepository,
    Installation,
    InstallationDraft,
    ProviderUnauthorized,
    RefreshedCredentials,
    hookimpl,
    install_hooks,
    stable_id,
)

from .api import ForgejoUser, api_of, host_of, url_of
from .forms import ForgejoInstallForm, ForgejoSettings


async def _draft(
    form: ForgejoInstallForm, settings: ForgejoSettings, secrets: Mapping[str, SecretStr]
) -> InstallationDraft:
    """Return an installation. Both calls fail now, with a clear text, if the token may do too little."""
    instance = settings.instance(form.instance)
    api = api_of(instance.url, secrets)
    user = await api.get(ForgejoUser, "user")
    await api.get(list[ApiRepository], "user", "repos", params={"limit": 1})
    host = host_of(instance.url)
    return InstallationDraft(
        name=(form.name or f"{user.login} at {host}")[:200],
        external_id=stable_id(instance.url, user.id),
        metadata={"domain_name": host, "url": instance.url, "login": user.login, "user_id": user.id},
    )


scm_install, scm_begin_install, scm_finish_install = install_hooks(
    ForgejoInstallForm, lambda form, settings: settings.instance(form.instance).oauth, _draft
)


@hookimpl
async def scm_refresh_credentials(installation: Installation, settings: ForgejoSettings) -> RefreshedCredentials | None:
    try:
        return await settings.instance(url_of(installation)).oauth.refresh(installation)
    except (ApiError, ProviderUnauthorized):
        return None
