"""The hooks of Custom SCM. The plugin decides; the host saves."""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import uuid4

from pydantic import JsonValue

from scmhost.sdk import (
    AddRequest,
    Claim,
    Feature,
    FeatureText,
    Installation,
    InstallationDraft,
    Location,
    LocationCandidate,
    NoUrl,
    Offer,
    Provider,
    ProviderMetadata,
    Push,
    Refusal,
    Repository,
    RepositoryPages,
    UrlTemplates,
    escaping,
    hookimpl,
    join_url,
    read_any_url,
)

from .forms import InstallForm, UrlForm
from .push import read_push

PROVIDER: Final = Provider(
    key="custom_scm",
    name="CustomSCM",
    features=frozenset({Feature.COMMITS, Feature.STACKTRACE_LINK, Feature.PUSH_WEBHOOKS}),
    requires_feature_flag=True,
    metadata=ProviderMetadata(
        description="Bring your own source control: send commits, claim repositories, get links to source.",
        features=(
            FeatureText(feature=Feature.COMMITS, description="Claim the repositories that your commits made known."),
            FeatureText(
                feature=Feature.STACKTRACE_LINK, description="Link stack frames to the exact commit on your code host."
            ),
            FeatureText(
                feature=Feature.PUSH_WEBHOOKS,
                description="Take commits from push webhooks of GitHub, GitLab, Gitea or Bitbucket, or of your own.",
            ),
        ),
        author="The scmhost team",
        noun="Installation",
    ),
    install_form=InstallForm,
    configuration=UrlForm,
)


@hookimpl
def scm_register_providers() -> Sequence[Provider]:
    return (PROVIDER,)


@hookimpl
def scm_install(form: InstallForm) -> InstallationDraft:
    return InstallationDraft(
        name=form.name,
        # Two teams may use the same host and name, so that equal forms give two installations.
        external_id=uuid4().hex,
        metadata={"domain_name": join_url(form.url, escaping.path(form.name))},
        configuration=form.model_dump(mode="json", exclude={"name", "url"}, exclude_none=True),
    )


@hookimpl
def scm_offer_repositories(repositories: Sequence[Repository], search: str) -> Sequence[Offer]:
    text = search.casefold()
    return [
        Offer(identifier=str(repository.id), name=repository.name)
        for repository in repositories
        if text in repository.name.casefold()
    ]


@hookimpl
def scm_dispatch_repository(request: AddRequest, candidate: Repository | None) -> Claim | Refusal:
    if candidate is None:
        return Refusal(
            reason="not_found",
            message=f"There is no repository {request.identifier!r} here, or it is claimed or hidden already.",
        )
    # Without values: the row keeps the name and the URL that it has.
    return Claim()


@hookimpl
def scm_serialize_repository(repository: Repository) -> Mapping[str, JsonValue]:
    return {"provider": {"id": PROVIDER.id, "name": PROVIDER.name}, "externalSlug": repository.name}


@hookimpl
def scm_url_templates(installation: Installation, repository: Repository) -> UrlTemplates | None:
    return _pages(installation, repository).templates


@hookimpl
def scm_source_url(installation: Installation, repository: Repository, location: Location) -> str | NoUrl:
    return _pages(installation, repository).view(location)


@hookimpl
def scm_commit_url(installation: Installation, repository: Repository, sha: str) -> str | NoUrl:
    return _pages(installation, repository).commit(sha)


@hookimpl
def scm_compare_url(installation: Installation, repository: Repository, base: str, head: str) -> str | NoUrl:
    return _pages(installation, repository).compare(base, head)


@hookimpl
def scm_read_source_url(
    installation: Installation, url: str, repositories: Sequence[Repository]
) -> Sequence[LocationCandidate]:
    return read_any_url(url, UrlForm.model_validate(installation.configuration).pages(), repositories)


@hookimpl
def scm_read_push(headers: Mapping[str, str], body: bytes, secret: str) -> Sequence[Push]:
    return read_push(headers, body, secret)


def _pages(installation: Installation, repository: Repository) -> RepositoryPages:
    # Validated here, because a stored configuration may lack newer fields.
    return RepositoryPages(pages=UrlForm.model_validate(installation.configuration).pages(), repository=repository)
