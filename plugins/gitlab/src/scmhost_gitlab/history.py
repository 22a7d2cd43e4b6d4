"""Refs, commits and the files in them."""

import asyncio
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Literal

from scmhost.sdk import (
    MAX_FILE_BYTES,
    ApiError,
    ApiNotFound,
    BlamedLine,
    CommitDraft,
    Existence,
    FileChange,
    Installation,
    Location,
    ProviderError,
    ProviderUnauthorized,
    ProviderUnavailable,
    RateLimited,
    Repository,
    ResolvedRef,
    hookimpl,
    looks_like_commit,
    ref_problem,
    remaining_seconds,
)

from .client import LARGEST_PAGE, GitLabAnswer, GitLabProject, api_of, for_each, project_path
from .forms import GitLabSettings

if TYPE_CHECKING:
    from scmhost.sdk import ApiAnswer, ApiClient

_COMMIT_ID: Final = re.compile(r"[0-9a-fA-F]{7,64}")
_MOST_CHANGES: Final = 10_000
# Lines that are nearer to each other than this are asked for together.
_NEAR_LINES: Final = 200
# Time to validate and return what was read.
_RESERVED_SECONDS: Final = 3.0
_MOST_SECONDS: Final = 60.0
_YEARS: Final = range(1900, 9000)
# GitLab sends it with every file; a page of a proxy does not have it.
_FILE_MARK: Final = "x-gitlab-blob-id"


class GitLabCommit(GitLabAnswer):
    id: str
    message: str | None = None
    author_name: str | None = None
    author_email: str | None = None
    committed_date: str | None = None
    parent_ids: tuple[str, ...] = ()

    @property
    def is_merge(self) -> bool:
        return len(self.parent_ids) > 1


class GitLabRef(GitLabAnswer):
    name: str
    commit: GitLabCommit


class GitLabDiff(GitLabAnswer):
    old_path: str
    new_path: str
    new_file: bool = False
    renamed_file: bool = False
    deleted_file: bool = False

    def changes(self) -> Iterator[tuple[str, Literal["A", "M", "D"]]]:
        if self.renamed_file or self.deleted_file:
            yield self.old_path, "D"
        if not self.deleted_file:
            yield self.new_path, "A" if self.new_file or self.renamed_file else "M"


class GitLabBlame(GitLabAnswer):
    commit: GitLabCommit
    lines: tuple[str, ...]


@hookimpl
async def scm_resolve_ref(
    installation: Installation, repository: Repository, ref: str | None, settings: GitLabSettings
) -> ResolvedRef | None:
    api, project = api_of(installation, settings), project_path(repository)
    if ref is None or ref == "HEAD":
        known = await api.find(GitLabProject, *project)
        ref = known.default_branch if known else None
    if not ref or ref_problem(ref):
        return None
    # As in git, a full id is that of a commit, and a name takes precedence over the beginning of an id.
    for place, kind in () if looks_like_commit(ref) else (("branches", "branch"), ("tags", "tag")):
        found = await api.find(GitLabRef, *project, "repository", place, ref)
        if found is not None:
            return ResolvedRef.model_validate({"name": found.name, "kind": kind, "sha": found.commit.id})
    if not _COMMIT_ID.fullmatch(ref):
        return None
    commit = await api.find(GitLabCommit, *project, "repository", "commits", ref)
    if commit is None or not commit.id.startswith(ref.lower()):
        return None
    return ResolvedRef(name=commit.id, kind="commit", sha=commit.id)


@hookimpl
async def scm_compare_commits(
    installation: Installation, repository: Repository, base: str | None, head: str, settings: GitLabSettings
) -> Sequence[CommitDraft]:
    api, project = api_of(installation, settings), project_path(repository)
    ends = [ref for ref in (base, head) if ref is not None]
    for ref in ends:
        if problem := ref_problem(ref):
            raise ProviderError(f"{ref!r} is neither a commit nor the name of a ref: {problem}")
    query = {"ref_name": "..".join(ends), "order": "topo", "per_page": LARGEST_PAGE}
    # Without a base, the whole history would be the commits of the first release.
    most = settings.first_commits if base is None else settings.most_commits
    pages = api.items(GitLabCommit, *project, "repository", "commits", params=query, most=most)
    commits = list({commit.id: commit async for commit in pages}.values())
    # GitLab also answers with an empty list for a ref that it does not have.
    for ref in ends if not commits else ():
        if await api.find(GitLabCommit, *project, "repository", "commits", ref) is None:
            raise ProviderError(f"{api.host} has no commit, tag or branch {ref!r} in {repository.name!r}")
    changes = await _changes(api, project, commits[: settings.commits_with_files])
    return [_draft(commit, changes.get(commit.id, ())) for commit in commits]


@hookimpl
async def scm_file_exists(
    installation: Installation, repository: Repository, location: Location, settings: GitLabSettings
) -> Existence:
    api, project = api_of(installation, settings), project_path(repository)
    ref = location.ref
    if ref_problem(ref) or not _is_path(location.path):
        return Existence.UNKNOWN
    place = (*project, "repository", "files", location.path)
    try:
        _check_file(await api.request("HEAD", *place, params={"ref": ref}))
    except ApiNotFound:
        # GitLab answers the same for a commit that was not pushed, and for a project that it does not show.
        commit = await api.find(GitLabCommit, *project, "repository", "commits", ref)
        return Existence.UNKNOWN if commit is None else Existence.NO
    return Existence.YES


@hookimpl
async def scm_read_file(
    installation: Installation, repository: Repository, ref: str, path: str, settings: GitLabSettings
) -> bytes | None:
    if ref_problem(ref) or not _is_path(path):
        return None
    place = (*project_path(repository), "repository", "files", path, "raw")
    try:
        answer = await api_of(installation, settings).request(
            "GET", *place, params={"ref": ref}, headers={"Accept": "*/*"}, most_bytes=MAX_FILE_BYTES
        )
    except ApiNotFound:
        return None
    _check_file(answer)
    return answer.body


@hookimpl
async def scm_blame_lines(
    installation: Installation,
    repository: Repository,
    ref: str,
    path: str,
    lines: Sequence[int],
    settings: GitLabSettings,
) -> Sequence[BlamedLine]:
    if ref_problem(ref) or not _is_path(path):
        return ()
    api, place = api_of(installation, settings), (*project_path(repository), "repository", "files", path, "blame")

    async def blamed(ends: tuple[int, int]) -> list[BlamedLine]:
        first, last = ends
        query = {"ref": ref, "range[start]": first, "range[end]": last}
        try:
            ranges = await api.get(list[GitLabBlame], *place, params=query)
        except ApiError as error:
            # There is no such file, or it ends before the first of these lines.
            if error.status not in (HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND):
                raise
            return []
        commits = [item.commit for item in ranges for _ in item.lines]
        return [_blamed_line(line, commit) for line, commit in zip(range(first, last + 1), commits, strict=False)]

    wanted = frozenset(lines)
    found = await for_each(blamed, line_ranges(lines))
    return [line for part in found for line in part if line.line in wanted]


def line_ranges(lines: Iterable[int]) -> list[tuple[int, int]]:
    """Return the first and the last line of each group of lines that are near to each other."""
    ranges: list[tuple[int, int]] = []
    for line in sorted(set(lines)):
        if ranges and line - ranges[-1][1] < _NEAR_LINES:
            ranges[-1] = (ranges[-1][0], line)
        else:
            ranges.append((line, line))
    return ranges


async def _changes(
    api: "ApiClient", project: tuple[str, str], commits: Sequence[GitLabCommit]
) -> dict[str, tuple[FileChange, ...]]:
    """Return the changed files by commit, of as many commits as there is time for.

    A merge has none: GitLab shows what the whole branch has changed. What cannot be read of one commit is left out.

    Raises:
        ProviderUnavailable: the rate limit is used up, or nothing could be read.
    """
    results: dict[str, tuple[FileChange, ...] | ProviderError] = {}

    async def read(commit: GitLabCommit) -> None:
        place = (*project, "repository", "commits", commit.id, "diff")
        kinds: dict[str, Literal["A", "M", "D"]] = {}
        try:
            async for diff in api.items(GitLabDiff, *place, params={"per_page": LARGEST_PAGE}, most=_MOST_CHANGES):
                kinds |= dict(diff.changes())
        except (RateLimited, ProviderUnauthorized):
            raise
        except ProviderError as error:
            results[commit.id] = error
        else:
            results[commit.id] = tuple(FileChange(path=path, type=kind) for path, kind in kinds.items())

    with suppress(TimeoutError):
        async with asyncio.timeout(min(remaining_seconds() - _RESERVED_SECONDS, _MOST_SECONDS)):
            await for_each(read, [commit for commit in commits if not commit.is_merge])
    failures = [result for result in results.values() if isinstance(result, ProviderUnavailable)]
    if failures and len(failures) == len(results):
        raise failures[0]
    return {sha: result for sha, result in results.items() if not isinstance(result, ProviderError)}


def _draft(commit: GitLabCommit, changes: tuple[FileChange, ...]) -> CommitDraft:
    return CommitDraft(
        sha=commit.id,
        message=commit.message,
        author_name=commit.author_name or None,
        author_email=commit.author_email or None,
        timestamp=_time(commit.committed_date),
        changes=changes,
    )


def _blamed_line(line: int, commit: GitLabCommit) -> BlamedLine:
    return BlamedLine(
        line=line,
        sha=commit.id,
        author_name=commit.author_name or None,
        author_email=commit.author_email or None,
        timestamp=_time(commit.committed_date),
    )


def _time(text: str | None) -> datetime | None:
    """Return the time of a commit; None for one that nobody means, such as of the year 1."""
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return moment if moment.tzinfo and moment.year in _YEARS else None


def _check_file(answer: "ApiAnswer") -> None:
    if _FILE_MARK not in answer.headers:
        raise ProviderUnavailable(f"{answer.host} answered {answer.place} with something that is no file of GitLab")


def _is_path(path: str) -> bool:
    """Return whether a file of a repository may have this path."""
    return "\0" not in path and {"", ".", ".."}.isdisjoint(path.split("/"))
