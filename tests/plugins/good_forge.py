"""A correct plugin with every hook that a provider may have."""

from collections.abc import Mapping, Sequence

from pydantic import BaseModel, JsonValue

from scmhost.sdk import (
    AddRequest,
    Claim,
    Command,
    CommitDraft,
    Create,
    Existence,
    Feature,
    FileChange,
    Installation,
    InstallationDraft,
    Location,
    LocationCandidate,
    NoFields,
    NoUrl,
    Offer,
    Pages,
    Provider,
    ProviderUnavailable,
    Push,
    Refusal,
    Repository,
    ResolvedRef,
    UrlTemplates,
    hookimpl,
)


class ForgeSettings(BaseModel):
    """The operator's settings."""

    region: str = "eu"


PROVIDER = Provider(key="good_forge", name="Good Forge", features=frozenset(Feature), settings=ForgeSettings)


@hookimpl
def scm_register_providers() -> Sequence[Provider]:
    return [PROVIDER]


@hookimpl
def scm_install(settings: ForgeSettings, form: NoFields) -> InstallationDraft:
    return InstallationDraft(name=settings.region, external_id="1")


@hookimpl
async def scm_offer_repositories(repositories: Sequence[Repository], search: str) -> list[Offer]:
    return [Offer(identifier=str(item.id), name=item.name) for item in repositories if search in item.name]


@hookimpl
def scm_dispatch_repository(request: AddRequest, candidate: Repository | None) -> Claim | Create | Refusal:
    return Create(name=request.identifier, external_id="7") if candidate is None else Claim()


@hookimpl
def scm_serialize_repository(repository: Repository, payload: Mapping[str, JsonValue]) -> Mapping[str, JsonValue]:
    return {"shown": f"{payload['name']} of {repository.id}"}


@hookimpl
def scm_source_url(location: Location) -> str | NoUrl:
    return f"https://forge.example/{location.path}"


@hookimpl
def scm_url_templates() -> UrlTemplates | None:
    return UrlTemplates(pages=Pages(view="{repo_url}/{ref}/{path}"), repo_url="https://forge.example/app")


@hookimpl
def scm_read_source_url(url: str, repositories: Sequence[Repository]) -> Sequence[LocationCandidate]:
    location = Location(ref="main", ref_kind="branch", path=url.rpartition("/")[2])
    return [LocationCandidate(repository_id=item.id, location=location) for item in repositories]


@hookimpl
def scm_commit_url(sha: str) -> str | NoUrl:
    return f"https://forge.example/commit/{sha}"


@hookimpl
def scm_compare_url(base: str, head: str) -> str | NoUrl:
    return f"https://forge.example/{base}..{head}"


@hookimpl
async def scm_file_exists(location: Location) -> Existence:
    return Existence.YES if location.path == "here.py" else Existence.NO


@hookimpl
async def scm_resolve_ref(ref: str | None) -> ResolvedRef | None:
    return ResolvedRef(name="main", kind="branch", sha="abc") if ref is None else None


@hookimpl
def scm_compare_commits(installation: Installation, base: str | None, head: str) -> Sequence[CommitDraft]:
    if base == "lost":
        raise ProviderUnavailable("the forge does not answer")
    return (CommitDraft(sha=head, changes=(FileChange(path="a.py", type="A"),)),)


@hookimpl
def scm_read_push(installation: Installation, headers: Mapping[str, str], body: bytes, secret: str) -> Sequence[Push]:
    return (Push(repository=f"{installation.name}/{headers['x-repository']}"),)


@hookimpl
def scm_register_commands() -> Sequence[Command]:
    return [Command(name="forge", summary="Ask the forge.", run=print)]
