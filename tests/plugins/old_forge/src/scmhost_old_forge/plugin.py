"""The hooks of Old Forge. They return decisions; the host saves them."""

from collections.abc import Sequence

from scmhost.sdk import (
    AddRequest,
    Claim,
    Feature,
    Installation,
    InstallationDraft,
    Location,
    LocationCandidate,
    NoUrl,
    Offer,
    Provider,
    ProviderMetadata,
    Refusal,
    Repository,
    RepositoryPages,
    UrlTemplates,
    escaping,
    hookimpl,
    join_url,
    read_any_url,
)

from .forms import InstallForm, Settings
from .pages import PAGES

PROVIDER = Provider(
    key="old_forge",
    name="Old Forge",
    features=frozenset({Feature.COMMITS, Feature.STACKTRACE_LINK}),
    # YOURS: the description in the catalogue of providers.
    metadata=ProviderMetadata(description="Links stack frames to their source on Old Forge.", author=""),
    install_form=InstallForm,
    settings=Settings,
)


@hookimpl
def scm_register_providers() -> Sequence[Provider]:
    return (PROVIDER,)


@hookimpl
def scm_install(form: InstallForm) -> InstallationDraft:
    return InstallationDraft(
        name=form.team,
        # YOURS: the unique id of an installation; the same id again is refused as a duplicate.
        external_id=form.team,
        metadata={"domain_name": join_url(form.server, form.team)},
        configuration={"server": form.server},
    )


@hookimpl
def scm_offer_repositories(
    installation: Installation, repositories: Sequence[Repository], search: str
) -> Sequence[Offer]:
    return [
        Offer(identifier=str(repository.id), name=repository.name)
        for repository in repositories
        if _is_of(installation, repository) and search.casefold() in repository.name.casefold()
    ]


@hookimpl
def scm_dispatch_repository(
    installation: Installation, request: AddRequest, candidate: Repository | None
) -> Claim | Refusal:
    if candidate is None:
        return Refusal(reason="not_found", message=f"No unclaimed repository is {request.identifier!r}.")
    if not _is_of(installation, candidate):
        return Refusal(reason="invalid", message=f"{candidate.name} is not of the team {installation.name}.")
    return Claim(url=join_url(str(installation.configuration["server"]), escaping.path(candidate.name)))


@hookimpl
def scm_url_templates(repository: Repository) -> UrlTemplates | None:
    return RepositoryPages(pages=PAGES, repository=repository).templates


@hookimpl
def scm_source_url(repository: Repository, location: Location) -> str | NoUrl:
    return RepositoryPages(pages=PAGES, repository=repository).view(location)


@hookimpl
def scm_commit_url(repository: Repository, sha: str) -> str | NoUrl:
    return RepositoryPages(pages=PAGES, repository=repository).commit(sha)


@hookimpl
def scm_read_source_url(url: str, repositories: Sequence[Repository]) -> Sequence[LocationCandidate]:
    return read_any_url(url, PAGES, repositories)


# YOURS: which repositories belong to an installation.
def _is_of(installation: Installation, repository: Repository) -> bool:
    owner, slash, name = repository.name.partition("/")
    return owner == installation.name and bool(slash and name)
