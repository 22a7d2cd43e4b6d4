"""The provider, its links, and the hooks of the other modules. The plugin decides; the host saves."""

from collections.abc import Sequence
from typing import Final

from scmhost.sdk import Feature, FeatureText, Provider, ProviderMetadata, hookimpl, link_hooks, preset

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

_TEXTS: Final = {
    Feature.COMMITS: "Add projects of your groups and subgroups; renames and moves are followed.",
    Feature.STACKTRACE_LINK: "Link stack frames to files that are known to exist at the exact commit.",
    Feature.COMPARE_COMMITS: "Give a release its commits and changed files from its ref alone.",
    Feature.PUSH_WEBHOOKS: "Register webhooks at projects, and take the commits of pushes from them.",
}

PROVIDER: Final = Provider(
    key="gitlab",
    name="GitLab",
    features=frozenset(_TEXTS),
    requires_feature_flag=True,
    metadata=ProviderMetadata(
        description="Connect gitlab.com or a GitLab instance of your own.",
        features=tuple(FeatureText(feature=feature, description=text) for feature, text in _TEXTS.items()),
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
