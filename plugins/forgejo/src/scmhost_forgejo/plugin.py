"""The plugin: its provider, the hooks for links, and the hooks of the other modules."""

from collections.abc import Sequence
from typing import Final

from scmhost.sdk import (
    Feature,
    FeatureText,
    Location,
    LocationCandidate,
    NoUrl,
    Pages,
    Provider,
    ProviderMetadata,
    Repository,
    RepositoryPages,
    UrlTemplates,
    hookimpl,
    preset,
    read_any_url,
)

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

# The pages of Gitea have the same form.
_PAGES: Final[Pages] = preset("forgejo").pages

PROVIDER: Final = Provider(
    key="forgejo",
    name="Forgejo",
    features=frozenset({Feature.COMMITS, Feature.STACKTRACE_LINK, Feature.COMPARE_COMMITS, Feature.PUSH_WEBHOOKS}),
    requires_feature_flag=True,
    metadata=ProviderMetadata(
        description="Connect Forgejo, Gitea and Codeberg: repositories, commits, files and webhooks.",
        features=(
            FeatureText(feature=Feature.COMMITS, description="Add repositories that the token may read."),
            FeatureText(feature=Feature.STACKTRACE_LINK, description="Link stack frames to files that exist."),
            FeatureText(feature=Feature.COMPARE_COMMITS, description="Give a release its commits from its ref alone."),
            FeatureText(feature=Feature.PUSH_WEBHOOKS, description="Receive commits when they are pushed."),
        ),
        author="The scmhost team",
    ),
    install_form=ForgejoInstallForm,
    configuration=ForgejoConfiguration,
    settings=ForgejoSettings,
)


@hookimpl
def scm_register_providers() -> Sequence[Provider]:
    return (PROVIDER,)


@hookimpl
def scm_url_templates(repository: Repository) -> UrlTemplates | None:
    return _pages_of(repository).templates


@hookimpl
def scm_source_url(repository: Repository, location: Location) -> str | NoUrl:
    return _pages_of(repository).view(location)


@hookimpl
def scm_commit_url(repository: Repository, sha: str) -> str | NoUrl:
    return _pages_of(repository).commit(sha)


@hookimpl
def scm_compare_url(repository: Repository, base: str, head: str) -> str | NoUrl:
    return _pages_of(repository).compare(base, head)


@hookimpl
def scm_read_source_url(url: str, repositories: Sequence[Repository]) -> Sequence[LocationCandidate]:
    return read_any_url(url, _PAGES, repositories)


def _pages_of(repository: Repository) -> RepositoryPages:
    return RepositoryPages(pages=_PAGES, repository=repository)
