"""A provider for Acme Forge, an imaginary code host: written with the SDK alone, as by another vendor."""

from collections.abc import Mapping, Sequence

from pydantic import BaseModel, JsonValue

from scmhost.sdk import (
    AddRequest,
    Claim,
    Create,
    Existence,
    Feature,
    Installation,
    InstallationDraft,
    Location,
    NoUrl,
    Offer,
    Provider,
    Reason,
    Refusal,
    Repository,
    check_web_url,
    escaping,
    hookimpl,
)


class ForgeForm(BaseModel):
    workspace: str
    server: str


class ForgeSettings(BaseModel):
    missing_paths: frozenset[str] = frozenset()


@hookimpl
def scm_register_providers() -> Sequence[Provider]:
    return [
        Provider(
            key="acme_forge",
            name="Acme Forge",
            features=frozenset({Feature.COMMITS, Feature.STACKTRACE_LINK}),
            install_form=ForgeForm,
            settings=ForgeSettings,
        )
    ]


@hookimpl
def scm_install(form: ForgeForm) -> InstallationDraft:
    return InstallationDraft(
        name=form.workspace,
        external_id=form.workspace,
        metadata={"domain_name": f"{check_web_url(form.server)}/{form.workspace}"},
        configuration={"server": check_web_url(form.server)},
    )


@hookimpl
def scm_offer_repositories(repositories: Sequence[Repository], search: str) -> Sequence[Offer]:
    return [
        Offer(identifier=repository.name, name=repository.name, default_branch="trunk")
        for repository in repositories
        if search in repository.name
    ]


@hookimpl
def scm_dispatch_repository(
    installation: Installation, request: AddRequest, candidate: Repository | None
) -> Claim | Create | Refusal:
    if request.identifier.startswith("secret/"):
        return Refusal(reason="invalid", message="Acme Forge keeps secret repositories to itself.")
    url = f"{installation.configuration['server']}/{request.identifier}"
    if candidate is not None:
        return Claim(external_id=request.identifier, url=url)
    return Create(name=request.identifier, external_id=request.identifier, url=url)


@hookimpl
def scm_serialize_repository(repository: Repository) -> Mapping[str, JsonValue]:
    return {"externalSlug": {"workspace": repository.name.partition("/")[0]}, "forge": True}


@hookimpl
def scm_source_url(repository: Repository, location: Location) -> str | NoUrl:
    if repository.url is None:
        return NoUrl(reason=Reason.REPOSITORY_WITHOUT_URL)
    line = f"@{location.line}" if location.line else ""
    return f"{repository.url}/show/{escaping.segment(location.ref)}/{escaping.path(location.path)}{line}"


@hookimpl
async def scm_file_exists(location: Location, settings: ForgeSettings) -> Existence:
    return Existence.NO if location.path in settings.missing_paths else Existence.YES
