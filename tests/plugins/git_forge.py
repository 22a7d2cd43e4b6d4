"""A plugin whose repositories have the provider of plain git, for which sentry-cli sends refs."""

from collections.abc import Mapping, Sequence

from pydantic import BaseModel, JsonValue

from scmhost.sdk import (
    AddRequest,
    Claim,
    CommitDraft,
    Create,
    Feature,
    FileChange,
    InstallationDraft,
    Location,
    Offer,
    Provider,
    Repository,
    hookimpl,
)


class ForgeForm(BaseModel):
    """The install form."""

    name: str


PROVIDER = Provider(
    key="git_forge",
    name="Git Forge",
    features=frozenset({Feature.COMMITS, Feature.STACKTRACE_LINK}),
    install_form=ForgeForm,
)


@hookimpl
def scm_register_providers() -> Sequence[Provider]:
    return [PROVIDER]


@hookimpl
def scm_install(form: ForgeForm) -> InstallationDraft:
    return InstallationDraft(name=form.name, external_id=form.name)


@hookimpl
def scm_offer_repositories(repositories: Sequence[Repository]) -> Sequence[Offer]:
    return [Offer(identifier=repository.name, name=repository.name) for repository in repositories]


@hookimpl
def scm_dispatch_repository(request: AddRequest, candidate: Repository | None) -> Claim | Create:
    return Claim() if candidate else Create(name=request.identifier, external_id=request.identifier)


@hookimpl
def scm_serialize_repository(repository: Repository) -> Mapping[str, JsonValue]:
    return {"provider": {"id": "git", "name": "Git"}}


@hookimpl
def scm_source_url(repository: Repository, location: Location) -> str:
    return f"{repository.url}/{location.ref}/{location.path}"


@hookimpl
def scm_compare_commits(base: str | None, head: str) -> Sequence[CommitDraft]:
    return (CommitDraft(sha=head, message=f"after {base}", changes=(FileChange(path="a.py", type="A"),)),)
