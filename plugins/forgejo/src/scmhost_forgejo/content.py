"""Refs, commits and files of a repository."""

from typing import Final

from scmhost.sdk import (
    ApiClient,
    ApiTooLarge,
    CommitPage,
    Existence,
    Installation,
    Location,
    ProviderError,
    RefKind,
    Repository,
    ResolvedRef,
    find_content,
    first_of,
    hookimpl,
    is_file_path,
    kinds_of,
    looks_like_commit,
    resolve_ref,
)

from .api import PAGE, ForgejoCommit, ForgejoRef, repository_api
from .forms import ForgejoSettings

# Each costs the server a process of git for every commit.
_BRIEF: Final = {"stat": False, "verification": False}


@hookimpl
async def scm_resolve_ref(installation: Installation, repository: Repository, ref: str | None) -> ResolvedRef | None:
    return await _resolve(repository_api(installation, repository), ref)


async def _resolve(api: ApiClient, ref: str | None) -> ResolvedRef | None:
    async def sha_of(kind: RefKind, name: str) -> str | None:
        if kind == "commit":
            params = {**_BRIEF, "files": False}
            commit = await api.find(ForgejoCommit, "git", "commits", name, params=params)
            return commit.sha if commit else None
        found = await api.find(ForgejoRef, "branches" if kind == "branch" else "tags", *name.split("/"))
        return found.commit.sha if found else None

    return await resolve_ref(ref, sha_of, api, kinds=("tag", "branch"))


@hookimpl
async def scm_file_exists(installation: Installation, repository: Repository, location: Location) -> Existence:
    api = repository_api(installation, repository)
    if not is_file_path(location.path):
        return Existence.NO
    try:
        found = await find_content(api, "contents", *location.path.split("/"), ref=location.ref)
    except ApiTooLarge:
        return Existence.YES
    if found is not None:
        return Existence.YES if found.is_file else Existence.NO
    # The server answers in the same way for a missing ref and for a missing file.
    return Existence.NO if await _resolve(api, location.ref) else Existence.UNKNOWN


@hookimpl
async def scm_read_file(installation: Installation, repository: Repository, ref: str, path: str) -> bytes | None:
    api = repository_api(installation, repository)
    found = await api.file("raw", *path.split("/"), params={"ref": ref}) if is_file_path(path) else None
    return found.body if found else None


@hookimpl
async def scm_compare_commits(
    installation: Installation, repository: Repository, base: str | None, head: str, settings: ForgejoSettings
) -> CommitPage:
    api = repository_api(installation, repository)
    most = settings.first_commits if base is None else settings.most_commits
    params = {
        "sha": await _sha(api, repository, head),
        "not": await _sha(api, repository, base) if base is not None else None,
        "files": True,
        **_BRIEF,
        "limit": min(PAGE, most),
    }
    # Without a base, the number of commits is the choice of the operator.
    further = 0 if base is None else 1
    commits, unlisted = await first_of(api.items(ForgejoCommit, "commits", params=params, most=most + further), most)
    return CommitPage(commits=tuple(one.draft(kinds_of(one.files or ())) for one in commits), unlisted=unlisted)


async def _sha(api: ApiClient, repository: Repository, ref: str) -> str:
    if looks_like_commit(ref):
        return ref
    resolved = await _resolve(api, ref)
    if resolved is None:
        raise ProviderError(f"repository {repository.name!r} has no ref {ref[:200]!r}")
    return resolved.sha
