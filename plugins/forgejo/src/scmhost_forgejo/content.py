"""Refs, commits and files of a repository."""

from collections.abc import Mapping, Sequence
from typing import Final

from scmhost.sdk import (
    MAX_FILE_BYTES,
    ApiClient,
    ApiNotFound,
    ApiTooLarge,
    CommitDraft,
    Existence,
    FileTooLarge,
    Installation,
    Location,
    ProviderError,
    RefKind,
    Repository,
    ResolvedRef,
    changes_of,
    hookimpl,
    looks_like_commit,
    resolve_ref,
)

from .api import PAGE, ForgejoAuthor, ForgejoCommit, ForgejoContents, ForgejoRef, ForgejoRepository, client_of, path_of
from .forms import ForgejoSettings

_CHANGES: Final[Mapping[str, str]] = {"added": "A", "removed": "D"}
_LONGEST_REF: Final = 255
# Each costs the server a process of git for every commit.
_BRIEF: Final = {"stat": False, "verification": False}


@hookimpl
async def scm_resolve_ref(installation: Installation, repository: Repository, ref: str | None) -> ResolvedRef | None:
    return await _resolve(client_of(installation), repository, ref)


async def _resolve(api: ApiClient, repository: Repository, ref: str | None) -> ResolvedRef | None:
    place = path_of(repository)

    async def sha_of(kind: RefKind, name: str) -> str | None:
        if kind == "commit":
            params = {**_BRIEF, "files": False}
            commit = await api.find(ForgejoCommit, *place, "git", "commits", name, params=params)
            return commit.sha if commit else None
        found = await api.find(ForgejoRef, *place, "branches" if kind == "branch" else "tags", *name.split("/"))
        return found.commit.sha if found else None

    async def default_branch() -> str | None:
        found = await api.find(ForgejoRepository, *place)
        return found.default_branch if found else None

    return await resolve_ref(ref, sha_of, default_branch, kinds=("tag", "branch"))


@hookimpl
async def scm_file_exists(installation: Installation, repository: Repository, location: Location) -> Existence:
    api, segments = client_of(installation), _segments(location.path)
    if segments is None:
        return Existence.NO
    try:
        params = {"ref": location.ref}
        found = await api.find(ForgejoContents, *path_of(repository), "contents", *segments, params=params)
    except ApiTooLarge:
        # The answer has the content, too: only a file has so much.
        return Existence.YES
    if found is not None:
        is_file = not isinstance(found.root, list) and found.root.type in ("file", "symlink")
        return Existence.YES if is_file else Existence.NO
    # The server answers in the same way for a missing ref and for a missing file.
    return Existence.NO if await _resolve(api, repository, location.ref) else Existence.UNKNOWN


@hookimpl
async def scm_read_file(installation: Installation, repository: Repository, ref: str, path: str) -> bytes | None:
    api, segments = client_of(installation), _segments(path)
    if segments is None:
        return None
    place = (*path_of(repository), "raw", *segments)
    try:
        return (await api.request("GET", *place, params={"ref": ref}, most_bytes=MAX_FILE_BYTES)).body
    except ApiNotFound:
        return None
    except ApiTooLarge as error:
        raise FileTooLarge(str(error)) from None


@hookimpl
async def scm_compare_commits(
    installation: Installation, repository: Repository, base: str | None, head: str, settings: ForgejoSettings
) -> Sequence[CommitDraft]:
    api = client_of(installation)
    most = settings.first_commits if base is None else settings.most_commits
    params = {
        "sha": await _sha(api, repository, head),
        "not": await _sha(api, repository, base) if base is not None else None,
        "files": True,
        **_BRIEF,
        "limit": min(PAGE, most),
    }
    found = api.items(ForgejoCommit, *path_of(repository), "commits", params=params, most=most)
    return [_draft(commit) async for commit in found]


async def _sha(api: ApiClient, repository: Repository, ref: str) -> str:
    if looks_like_commit(ref):
        return ref
    resolved = await _resolve(api, repository, ref)
    if resolved is None:
        raise ProviderError(f"repository {repository.name!r} has no ref {ref[:200]!r}")
    return resolved.sha


def _segments(path: str) -> Sequence[str] | None:
    """Return the parts of a file's path, or None for a path that no file has."""
    parts = path.split("/")
    unsafe = "\x00" in path or any(part in ("", ".", "..") for part in parts)
    return None if unsafe else parts


def _draft(found: ForgejoCommit) -> CommitDraft:
    author = found.commit.author or ForgejoAuthor()
    return CommitDraft(
        sha=found.sha,
        message=found.commit.message,
        author_name=author.name,
        author_email=author.email,
        timestamp=author.date,
        changes=changes_of({file.filename: _CHANGES.get(file.status, "M") for file in found.files or ()}),
    )
