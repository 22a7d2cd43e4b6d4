"""A plugin whose hooks return what a test sets, and that records the repositories and commits that were saved."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import JsonValue

from scmhost.sdk import (
    AddRequest,
    Claim,
    Create,
    Feature,
    Installation,
    InstallationDraft,
    NoUrl,
    Offer,
    OfferPage,
    Organization,
    Provider,
    ProviderForbidden,
    Push,
    Refusal,
    Repository,
    RepositoryUpdate,
    hookimpl,
)


class Script:
    """What each hook does. ``reset`` restores the defaults."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.offer: Callable[[Sequence[Repository], str], Sequence[Offer]] = lambda _repositories, _search: []
        self.offer_page: Callable[[str], OfferPage] | None = None
        """The page at a cursor, in place of ``offer``."""
        self.sync: Callable[[Sequence[Repository]], Sequence[RepositoryUpdate]] = lambda _repositories: []
        self.dispatch: Callable[[AddRequest, Repository | None], Claim | Create | Refusal] = _claim_or_create
        self.serialize: Callable[[Repository], Any] = lambda _repository: {}
        self.commit_url: Callable[[Repository, str], str | NoUrl] = lambda _, sha: f"https://forge.example/{sha}"
        self.push: Callable[[bytes], Sequence[Push]] = lambda _body: []
        self.secret: str | None = None
        """The secret that signed deliveries; None is any."""
        self.saved: list[str] = []


def _claim_or_create(request: AddRequest, candidate: Repository | None) -> Claim | Create:
    if candidate is None:
        return Create(name=request.identifier, external_id=f"id of {request.identifier}")
    return Claim(external_id=f"id of {candidate.name}", url=f"https://forge.example/{candidate.name}")


script = Script()


@hookimpl
def scm_register_providers() -> Sequence[Provider]:
    return [
        Provider(key="scripted", name="Scripted", features=frozenset({Feature.COMMITS}), requires_feature_flag=False)
    ]


@hookimpl
def scm_install() -> InstallationDraft:
    return InstallationDraft(name="scripted", external_id="1")


@hookimpl
def scm_offer_repositories(repositories: Sequence[Repository], search: str, cursor: str) -> Sequence[Offer] | OfferPage:
    return script.offer(repositories, search) if script.offer_page is None else script.offer_page(cursor)


@hookimpl
def scm_sync_repositories(repositories: Sequence[Repository]) -> Sequence[RepositoryUpdate]:
    return script.sync(repositories)


@hookimpl
def scm_dispatch_repository(request: AddRequest, candidate: Repository | None) -> Claim | Create | Refusal:
    return script.dispatch(request, candidate)


@hookimpl
def scm_serialize_repository(repository: Repository) -> Mapping[str, JsonValue]:
    shaped: Mapping[str, JsonValue] = script.serialize(repository)
    return shaped


@hookimpl
def scm_commit_url(repository: Repository, sha: str) -> str | NoUrl:
    return script.commit_url(repository, sha)


@hookimpl
def scm_read_push(installation: Installation, body: bytes, secret: str) -> Sequence[Push]:
    if script.secret not in (None, secret):
        raise ProviderForbidden(f"not signed for {installation.name}")
    return script.push(body)


@hookimpl
def scm_repository_saved(repository: Repository) -> None:
    script.saved.append(f"repository {repository.name}")


@hookimpl
def scm_commits_saved(organization: Organization, repository: Repository, shas: Sequence[str]) -> None:
    script.saved.append(f"{len(shas)} commits of {organization.slug}/{repository.name}")
