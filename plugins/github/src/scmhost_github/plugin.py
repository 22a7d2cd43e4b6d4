"""The provider, its pages, and the hooks of the other modules. The plugin decides; the host saves."""

from collections.abc import Mapping, Sequence
from typing import Final

from pydantic import JsonValue

from scmhost.sdk import (
    Feature,
    FeatureText,
    Location,
    LocationCandidate,
    NoUrl,
    Provider,
    ProviderMetadata,
    Repository,
    RepositoryPages,
    UrlTemplates,
    hookimpl,
    preset,
    read_any_url,
)

# pluggy finds the hooks of these modules as names of this one.
from .api import scm_shutdown  # noqa: F401
from .app import (  # noqa: F401
    scm_begin_install,
    scm_finish_install,
    scm_install,
    scm_refresh_credentials,
    scm_uninstall,
)
from .commits import scm_blame_lines, scm_compare_commits, scm_file_exists, scm_read_file, scm_resolve_ref  # noqa: F401
from .forms import GitHubConfiguration, GitHubInstallForm, GitHubSettings
from .repositories import scm_dispatch_repository, scm_offer_repositories, scm_sync_repositories  # noqa: F401
from .webhooks import scm_read_push, scm_register_webhook, scm_route_delivery, scm_unregister_webhook  # noqa: F401

_TEXTS: Final = {
    Feature.COMMITS: "Add the repositories that GitHub grants; renames and transfers are followed.",
    Feature.STACKTRACE_LINK: "Link stack frames to files that are known to exist at the exact commit.",
    Feature.COMPARE_COMMITS: "Give a release its commits and changed files from its ref alone.",
    Feature.PUSH_WEBHOOKS: "Take commits when they are pushed, from the App or from webhooks of repositories.",
}

PROVIDER: Final = Provider(
    key="github",
    name="GitHub",
    features=frozenset(_TEXTS),
    metadata=ProviderMetadata(
        description="Link to source on GitHub, and read commits, files and pushes, through a GitHub App or a token.",
        features=tuple(FeatureText(feature=feature, description=text) for feature, text in _TEXTS.items()),
        author="The scmhost team",
    ),
    install_form=GitHubInstallForm,
    configuration=GitHubConfiguration,
    settings=GitHubSettings,
)


@hookimpl
def scm_register_providers() -> Sequence[Provider]:
    return (PROVIDER,)


@hookimpl
def scm_serialize_repository(repository: Repository) -> Mapping[str, JsonValue]:
    slug = repository.configuration.get("full_name") or repository.name
    return {"provider": {"id": PROVIDER.id, "name": PROVIDER.name}, "externalSlug": slug}


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
    return read_any_url(url, preset("github").pages, repositories)


def _pages_of(repository: Repository) -> RepositoryPages:
    return RepositoryPages(pages=preset("github").pages, repository=repository)
