"""The hooks of Git. The plugin decides; the host saves."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from itertools import islice
from typing import Final

from pydantic import JsonValue

from scmhost.sdk import (
    AddRequest,
    BlamedLine,
    Claim,
    CommitPage,
    Create,
    Existence,
    Feature,
    FeatureText,
    Installation,
    InstallationDraft,
    Location,
    LocationCandidate,
    NoUrl,
    Offer,
    PageRequest,
    Pages,
    Provider,
    ProviderMetadata,
    Refusal,
    Repository,
    RepositoryPages,
    ResolvedRef,
    UrlTemplates,
    hookimpl,
    page_url,
    preset,
    read_any_url,
)

from .borders import problem_outside
from .files import blame_lines, read_file
from .folders import RepositoryFolder, find, walk
from .forms import GitInstallForm, GitSettings, GitUrlForm
from .git import check_git
from .repository import LOOKUP, compare_commits, default_branch, file_exists, git_dir_for, resolve_ref

MAX_OFFERS: Final = 10_000
"""The most repositories in one list of offers; a search finds the others."""

# The contract's limit of an external id.
_MAX_ID: Final = 64

PROVIDER: Final = Provider(
    key="git",
    name="Git",
    features=frozenset({Feature.COMMITS, Feature.STACKTRACE_LINK, Feature.COMPARE_COMMITS}),
    requires_feature_flag=True,
    metadata=ProviderMetadata(
        description="Read commits and files from clones on a disk, and link to the web pages of their host.",
        features=(
            FeatureText(feature=Feature.COMMITS, description="Add the repositories of the operator's folder."),
            FeatureText(
                feature=Feature.STACKTRACE_LINK,
                description="Link stack frames to files that are known to exist at the exact commit.",
            ),
            FeatureText(
                feature=Feature.COMPARE_COMMITS,
                description="Give a release its commits and changed files from its ref alone.",
            ),
        ),
        author="The scmhost team",
        noun="Installation",
    ),
    install_form=GitInstallForm,
    configuration=GitUrlForm,
    settings=GitSettings,
)


@hookimpl
def scm_register_providers() -> Sequence[Provider]:
    return (PROVIDER,)


@hookimpl
def scm_startup() -> None:
    check_git()


@hookimpl
def scm_shutdown() -> None:
    LOOKUP.end()


@hookimpl
def scm_install(form: GitInstallForm) -> InstallationDraft:
    identity = f"{form.url}\n{form.name}".encode()
    return InstallationDraft(
        name=form.name,
        # The same form twice has the same id, so that the host refuses the duplicate.
        external_id=sha256(identity).hexdigest(),
        metadata={"domain_name": form.url},
        configuration={"preset": form.preset},
    )


@hookimpl
def scm_offer_repositories(installation: Installation, search: str, settings: GitSettings) -> Sequence[Offer]:
    folder = settings.folder_of(installation.organization_id)
    text = search.casefold()
    named = (item for item in walk(folder) if text in item.name.casefold()) if folder else ()
    found = (item for item in named if folder and problem_outside(item.git_dir, folder) is None)
    return [
        Offer(identifier=item.name, name=item.name, default_branch=default_branch(item.git_dir))
        for item in islice(found, MAX_OFFERS)
    ]


@hookimpl
def scm_dispatch_repository(
    installation: Installation, request: AddRequest, candidate: Repository | None, settings: GitSettings
) -> Claim | Create | Refusal:
    folder = settings.folder_of(installation.organization_id)
    path = request.fields.get("path") or request.identifier
    found = find(folder, path) if folder and isinstance(path, str) else None
    if found is None and folder and candidate:
        found = find(folder, candidate.name)
    if found is None:
        return Refusal(reason="not_found", message=f"There is no git repository {path!r} below the operator's folder.")
    problem = problem_outside(found.git_dir, folder) if folder else None
    if problem:
        return Refusal(reason="invalid", message=f"The git repository {found.name!r} is refused: {problem}.")
    facts = {"external_id": _external_id(found), "configuration": {"path": found.path}}
    url = _web_url(installation, found)
    # A number may be the name of a folder or the id of a repository; compare with the name that was found.
    is_candidate = candidate and ("path" in request.fields or candidate.name.casefold() == found.name.casefold())
    if candidate and is_candidate:
        return Claim.model_validate({**facts, "url": candidate.url or url})
    return Create.model_validate({**facts, "name": found.name, "url": url})


@hookimpl
def scm_serialize_repository(repository: Repository) -> Mapping[str, JsonValue]:
    # For this id, sentry-cli sends the ref alone, without commits.
    return {"provider": {"id": "git", "name": PROVIDER.name}, "externalSlug": repository.name}


@hookimpl
def scm_url_templates(installation: Installation, repository: Repository) -> UrlTemplates | None:
    return _pages_of(installation, repository).templates


@hookimpl
def scm_source_url(installation: Installation, repository: Repository, location: Location) -> str | NoUrl:
    return _pages_of(installation, repository).view(location)


@hookimpl
def scm_commit_url(installation: Installation, repository: Repository, sha: str) -> str | NoUrl:
    return _pages_of(installation, repository).commit(sha)


@hookimpl
def scm_compare_url(installation: Installation, repository: Repository, base: str, head: str) -> str | NoUrl:
    return _pages_of(installation, repository).compare(base, head)


@hookimpl
def scm_read_source_url(
    installation: Installation, url: str, repositories: Sequence[Repository]
) -> Sequence[LocationCandidate]:
    return read_any_url(url, _pages(installation), repositories)


@hookimpl
def scm_file_exists(
    installation: Installation, repository: Repository, location: Location, settings: GitSettings
) -> Existence:
    return file_exists(git_dir_for(installation, repository, settings), location, settings)


@hookimpl
def scm_resolve_ref(
    installation: Installation, repository: Repository, ref: str | None, settings: GitSettings
) -> ResolvedRef | None:
    return resolve_ref(git_dir_for(installation, repository, settings), ref, settings)


@hookimpl
def scm_compare_commits(
    installation: Installation, repository: Repository, base: str | None, head: str, settings: GitSettings
) -> CommitPage:
    return compare_commits(git_dir_for(installation, repository, settings), base, head, settings)


@hookimpl
def scm_read_file(
    installation: Installation, repository: Repository, ref: str, path: str, settings: GitSettings
) -> bytes | None:
    return read_file(git_dir_for(installation, repository, settings), ref, path, settings)


@hookimpl
def scm_blame_lines(
    installation: Installation, repository: Repository, ref: str, path: str, lines: Sequence[int], settings: GitSettings
) -> Sequence[BlamedLine]:
    return blame_lines(git_dir_for(installation, repository, settings), ref, path, lines, settings)


def _pages_of(installation: Installation, repository: Repository) -> RepositoryPages:
    return RepositoryPages(pages=_pages(installation), repository=repository)


def _pages(installation: Installation) -> Pages:
    return preset(GitUrlForm.model_validate(installation.configuration).preset).pages


def _external_id(found: RepositoryFolder) -> str:
    """Return the repository's path, or its hash if it is too long."""
    return found.path if len(found.path) <= _MAX_ID else sha256(found.path.encode()).hexdigest()


def _web_url(installation: Installation, found: RepositoryFolder) -> str | None:
    """Return the URL of the repository's own page; None if this kind of host cannot have its path."""
    kind = preset(GitUrlForm.model_validate(installation.configuration).preset)
    # Such hosts show the names on the disk, where bare clones end in .git.
    shows_suffix = not kind.pages.strip_git_suffix and not kind.suffix_in_name
    path = found.path if shows_suffix else found.name
    url = page_url(
        PageRequest(kind=kind.kind, base_url=str(installation.metadata["domain_name"]), repo=path, type="repo")
    )
    return url if isinstance(url, str) else None
