"""The plugin: its provider, the hooks for links, and the hooks of the other modules."""

from collections.abc import Sequence
from typing import Final

from scmhost.sdk import FEATURE_TEXTS, Feature, Provider, ProviderMetadata, hookimpl, link_hooks, preset

from .content import scm_compare_commits, scm_file_exists, scm_read_file, scm_resolve_ref
from .credentials import scm_begin_install, scm_finish_install, scm_install, scm_refresh_credentials
from .forms import ForgejoConfiguration, ForgejoInstallForm, ForgejoSettings
from .repositories import scm_dispatch_repository, scm_offer_repositories, scm_sync_repositories
from .webhooks import scm_read_push, scm_register_webhook, scm_unregister_webhook

__all__ = [
    "scm_begin_install",
    "scm_commit_url",
    "scm_compare_commits",
    "scm_compare_url",
    "scm_dispatch_repository",
    "scm_file_exists",
    "scm_finish_install",
    "scm_install",
    "scm_offer_repositories",
    "scm_read_file",
    "scm_read_push",
    "scm_read_source_url",
    "scm_refresh_credentials",
    "scm_register_providers",
    "scm_register_webhook",
    "scm_resolve_ref",
    "scm_source_url",
    "scm_sync_repositories",
    "scm_unregister_webhook",
    "scm_url_templates",
]

PROVIDER: Final = Provider(
    key="forgejo",
    name="Forgejo",
    features=frozenset(Feature),
    requires_feature_flag=True,
    metadata=ProviderMetadata(
        description="Connect Forgejo, Gitea and Codeberg: repositories, commits, files and webhooks.",
        features=FEATURE_TEXTS,
        author="The scmhost team",
    ),
    install_form=ForgejoInstallForm,
    configuration=ForgejoConfiguration,
    settings=ForgejoSettings,
)


@hookimpl
def scm_register_providers() -> Sequence[Provider]:
    return (PROVIDER,)


# The pages of Gitea have the same form.
scm_url_templates, scm_source_url, scm_commit_url, scm_compare_url, scm_read_source_url = link_hooks(
    preset("forgejo").pages
)
