"""The provider, its links, and the hooks of the other modules. The plugin decides; the host saves."""

from collections.abc import Sequence
from typing import Final

from scmhost.sdk import FEATURE_TEXTS, Feature, Provider, ProviderMetadata, hookimpl, link_hooks, preset

# pluggy finds the hooks of these modules as names of this one.
from .forms import GitLabConfiguration, GitLabInstallForm, GitLabSettings
from .history import scm_blame_lines, scm_compare_commits, scm_file_exists, scm_read_file, scm_resolve_ref  # noqa: F401
from .installing import (  # noqa: F401
    scm_begin_install,
    scm_finish_install,
    scm_install,
    scm_refresh_credentials,
    scm_uninstall,
)
from .projects import scm_dispatch_repository, scm_offer_repositories, scm_sync_repositories  # noqa: F401
from .webhooks import scm_read_push, scm_register_webhook, scm_unregister_webhook  # noqa: F401

PROVIDER: Final = Provider(
    key="gitlab",
    name="GitLab",
    features=frozenset(Feature),
    requires_feature_flag=True,
    metadata=ProviderMetadata(
        description="Connect gitlab.com or a GitLab instance of your own.",
        features=FEATURE_TEXTS,
        author="The scmhost team",
        noun="Installation",
    ),
    install_form=GitLabInstallForm,
    configuration=GitLabConfiguration,
    settings=GitLabSettings,
)


@hookimpl
def scm_register_providers() -> Sequence[Provider]:
    return (PROVIDER,)


scm_url_templates, scm_source_url, scm_commit_url, scm_compare_url, scm_read_source_url = link_hooks(
    preset("gitlab").pages
)
