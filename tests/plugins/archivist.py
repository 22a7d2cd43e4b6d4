"""A plugin that resolves refs and finds files. The requested names determine its results."""

from collections.abc import Sequence

from scmhost.sdk import (
    AddRequest,
    Claim,
    CommitDraft,
    Existence,
    Feature,
    Installation,
    InstallationDraft,
    Location,
    LocationCandidate,
    Offer,
    Pages,
    Provider,
    ProviderForbidden,
    ProviderUnavailable,
    Repository,
    ResolvedRef,
    UrlTemplates,
    hookimpl,
    read_own_url,
)

SHA = "5" * 40
"""The commit of each ref."""

REFS = {None: "trunk", "v1": "v1", "trunk": "trunk", "release/2026": "release/2026"}
PAGES = Pages(view="{repo_url}/show/{ref}/{path}")
FEATURES = frozenset({Feature.COMMITS, Feature.STACKTRACE_LINK, Feature.COMPARE_COMMITS})

requests: list[str | None] = []
"""The requested paths and refs."""


def refuse(name: str) -> None:
    """Raise the error that the name selects, if any."""
    if "closed" in name:
        raise ProviderUnavailable("the archive is closed")
    if "broken" in name:
        raise RuntimeError(name)
    if "private" in name:
        raise ProviderForbidden("not yours")


@hookimpl
def scm_register_providers() -> Sequence[Provider]:
    return [Provider(key="archivist", name="Archivist", features=FEATURES, requires_feature_flag=False)]


@hookimpl
def scm_install() -> InstallationDraft:
    return InstallationDraft(name="archivist", external_id="1")


@hookimpl
def scm_offer_repositories() -> Sequence[Offer]:
    return ()


@hookimpl
def scm_dispatch_repository(request: AddRequest) -> Claim:
    return Claim(external_id=request.identifier)


@hookimpl
def scm_url_templates(repository: Repository) -> UrlTemplates | None:
    return UrlTemplates(pages=PAGES, repo_url=repository.url or "")


@hookimpl
def scm_source_url(repository: Repository, location: Location) -> str:
    return f"{repository.url}/{location.path}"


@hookimpl
def scm_read_source_url(
    installation: Installation, url: str, repositories: Sequence[Repository]
) -> Sequence[LocationCandidate]:
    return [
        LocationCandidate(
            repository_id=item.id, location=Location(ref=found.ref, ref_kind="branch", path=found.path), ambiguous=True
        )
        for item in repositories
        for found in read_own_url(url, PAGES, item.url or "")
        if found.ref
    ]


@hookimpl
def scm_file_exists(location: Location) -> Existence:
    requests.append(location.path)
    refuse(location.path)
    return Existence.NO if "gone" in location.path else Existence.YES


@hookimpl
def scm_resolve_ref(repository: Repository, ref: str | None) -> ResolvedRef | None:
    requests.append(ref)
    refuse(f"{repository.name} {ref}")
    return ResolvedRef(name=REFS[ref], kind="branch", sha=SHA) if ref in REFS else None


@hookimpl
def scm_compare_commits(base: str | None, head: str) -> Sequence[CommitDraft]:
    requests.append(f"{base}..{head}")
    return () if base == head else (CommitDraft(sha=head, message=f"since {base}"),)
