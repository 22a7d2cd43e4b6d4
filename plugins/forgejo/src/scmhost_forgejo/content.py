"""Refs, commits and files of a repository."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal

from scmhost.sdk import (
    MAX_FILE_BYTES,
    ApiClient,
    ApiNotFound,
    ApiTooLarge,
    CommitDraft,
    Existence,
    FileChange,
    FileTooLarge,
    Installation,
    Location,
    ProviderError,
    Repository,
    ResolvedRef,
    hookimpl,
    looks_like_commit,
    ref_problem,
)

from .api import PAGE, ForgejoCommit, ForgejoContents, ForgejoRef, ForgejoRepository, client_of, path_of
from .forms import ForgejoSettings

_SHORT_SHA: Final = re.compile(r"[0-9a-f]{4,64}", re.IGNORECASE)
_CHANGES: Final[Mapping[str, Literal["A", "M", "D"]]] = {"added": "A", "removed": "D"}
_LONGEST_PATH: Final = 4096
_LONGEST_REF: Final = 255
# Each costs the server a process of git for every commit.
_BRIEF: Final = {"stat": False, "verification": False}


@hookimpl
async def scm_resolve_ref(installation: Installation, repository: Repository, ref: str | None) -> ResolvedRef | None:
    return await _resolve(client_of(installation), repository, ref)


async def _resolve(api: ApiClient, repository: Repository, ref: str | None) -> ResolvedRef | None:
    if ref is None or ref == "HEAD":
        found = await api.find(ForgejoRepository, *path_of(repository))
        ref = found.default_branch if found else ""
        return None if ref_problem(ref) else await _branch(api, repository, ref)
    if ref_problem(ref) or len(ref) > _LONGEST_REF:
        return None
    # As for git, a full id is a commit, whatever branches are called, and a tag precedes a branch.
    if not looks_like_commit(ref):
        tag, branch = await asyncio.gather(_tag(api, repository, ref), _branch(api, repository, ref))
        if tag or branch:
            return tag or branch
    return await _commit(api, repository, ref) if _SHORT_SHA.fullmatch(ref) else None


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


async def _branch(api: ApiClient, repository: Repository, name: str) -> ResolvedRef | None:
    found = await api.find(ForgejoRef, *path_of(repository), "branches", *name.split("/"))
    return ResolvedRef(name=name, kind="branch", sha=found.commit.sha) if found else None


async def _tag(api: ApiClient, repository: Repository, name: str) -> ResolvedRef | None:
    found = await api.find(ForgejoRef, *path_of(repository), "tags", *name.split("/"))
    return ResolvedRef(name=name, kind="tag", sha=found.commit.sha) if found else None


async def _commit(api: ApiClient, repository: Repository, sha: str) -> ResolvedRef | None:
    params = {**_BRIEF, "files": False}
    found = await api.find(ForgejoCommit, *path_of(repository), "git", "commits", sha, params=params)
    # The server also accepts names of refs here.
    if found is None or not found.sha.startswith(sha.lower()):
        return None
    return ResolvedRef(name=found.sha, kind="commit", sha=found.sha)


def _segments(path: str) -> Sequence[str] | None:
    """Return the parts of a file's path, or None for a path that no file has."""
    parts = path.split("/")
    unsafe = "\x00" in path or any(part in ("", ".", "..") for part in parts)
    return None if unsafe else parts


def _draft(found: ForgejoCommit) -> CommitDraft:
    author = found.commit.author
    changes = [
        FileChange(path=file.filename, type=_CHANGES.get(file.status, "M"))
        for file in found.files or ()
        if 0 < len(file.filename) <= _LONGEST_PATH
    ]
    return CommitDraft(
        sha=found.sha,
        message=found.commit.message,
        author_name=author.name if author else None,
        author_email=author.email if author else None,
        timestamp=time_of(author.date) if author else None,
        changes=tuple(changes),
    )


def time_of(text: Any) -> datetime | None:
    """Return a time with its UTC offset; None for text that is none: one odd commit must not cost the others."""
    try:
        time = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return time if time.tzinfo else None
