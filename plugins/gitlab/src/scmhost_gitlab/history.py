"""Refs, commits and the files in them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from scmhost.sdk import (
    ApiCommit,
    ApiError,
    ApiNotFound,
    BlamedLine,
    CommitPage,
    Existence,
    Installation,
    Location,
    ProviderError,
    ProviderUnavailable,
    RefKind,
    Repository,
    ResolvedRef,
    first_of,
    for_each,
    hookimpl,
    is_file_path,
    ref_problem,
    resolve_ref,
    with_changes,
)

from .client import LARGEST_PAGE, GitLabAnswer, project_api
from .forms import GitLabSettings

if TYPE_CHECKING:
    from scmhost.sdk import ApiAnswer

_MOST_CHANGES: Final = 10_000
# Lines that are nearer to each other than this are asked for together.
_NEAR_LINES: Final = 200
# GitLab sends it with every file; a page of a proxy does not have it.
_FILE_MARK: Final = "x-gitlab-blob-id"


class GitLabRef(GitLabAnswer):
    commit: ApiCommit


class GitLabDiff(GitLabAnswer):
    old_path: str
    new_path: str
    new_file: bool = False
    renamed_file: bool = False
    deleted_file: bool = False

    def changes(self) -> Iterator[tuple[str, str]]:
        """Yield ``A``, ``M`` or ``D`` by path; a rename is a deletion and an addition."""
        if self.renamed_file or self.deleted_file:
            yield self.old_path, "D"
        if not self.deleted_file:
            yield self.new_path, "A" if self.new_file or self.renamed_file else "M"


class GitLabBlame(GitLabAnswer):
    commit: ApiCommit
    lines: tuple[str, ...]


@hookimpl
async def scm_resolve_ref(
    installation: Installation, repository: Repository, ref: str | None, settings: GitLabSettings
) -> ResolvedRef | None:
    api = project_api(installation, repository, settings)

    async def sha_of(kind: RefKind, name: str) -> str | None:
        if kind == "commit":
            commit = await api.find(ApiCommit, "repository", "commits", name)
            return commit.sha if commit else None
        found = await api.find(GitLabRef, "repository", "branches" if kind == "branch" else "tags", name)
        return found.commit.sha if found else None

    return await resolve_ref(ref, sha_of, api)


@hookimpl
async def scm_compare_commits(
    installation: Installation, repository: Repository, base: str | None, head: str, settings: GitLabSettings
) -> CommitPage:
    api = project_api(installation, repository, settings).below("repository", "commits")
    ends = [ref for ref in (base, head) if ref is not None]
    for ref in ends:
        if problem := ref_problem(ref):
            raise ProviderError(f"{ref!r} is neither a commit nor the name of a ref: {problem}")
    query = {"ref_name": "..".join(ends), "order": "topo", "per_page": LARGEST_PAGE}
    # Without a base, the whole history would be the commits of the first release, and nothing is missing.
    most, further = (settings.first_commits, 0) if base is None else (settings.most_commits, 1)
    commits, unlisted = await first_of(api.items(ApiCommit, params=query, most=most + further), most)
    # GitLab also answers with an empty list for a ref that it does not have.
    for ref in ends if not commits else ():
        if await api.find(ApiCommit, ref) is None:
            raise ProviderError(f"{api.host} has no commit, tag or branch {ref!r} in {repository.name!r}")

    async def changes(commit: ApiCommit) -> Mapping[str, str]:
        diffs = api.items(GitLabDiff, commit.sha, "diff", params={"per_page": LARGEST_PAGE}, most=_MOST_CHANGES)
        return {path: kind async for diff in diffs for path, kind in diff.changes()}

    return await with_changes(commits, changes, most=settings.commits_with_files, unlisted=unlisted)


@hookimpl
async def scm_file_exists(
    installation: Installation, repository: Repository, location: Location, settings: GitLabSettings
) -> Existence:
    api, ref = project_api(installation, repository, settings).below("repository"), location.ref
    if ref_problem(ref) or not is_file_path(location.path):
        return Existence.UNKNOWN
    try:
        _check_file(await api.request("HEAD", "files", location.path, params={"ref": ref}))
    except ApiNotFound:
        # GitLab answers the same for a commit that was not pushed, and for a project that it does not show.
        commit = await api.find(ApiCommit, "commits", ref)
        return Existence.UNKNOWN if commit is None else Existence.NO
    return Existence.YES


@hookimpl
async def scm_read_file(
    installation: Installation, repository: Repository, ref: str, path: str, settings: GitLabSettings
) -> bytes | None:
    if ref_problem(ref) or not is_file_path(path):
        return None
    api = project_api(installation, repository, settings)
    answer = await api.file("repository", "files", path, "raw", params={"ref": ref})
    if answer is None:
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
    if ref_problem(ref) or not is_file_path(path):
        return ()
    api = project_api(installation, repository, settings).below("repository", "files", path, "blame")

    async def blamed(ends: tuple[int, int]) -> list[BlamedLine]:
        first, last = ends
        query = {"ref": ref, "range[start]": first, "range[end]": last}
        try:
            ranges = await api.get(list[GitLabBlame], params=query)
        except ApiError as error:
            # There is no such file, or it ends before the first of these lines.
            if error.status not in (HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND):
                raise
            return []
        commits = [item.commit for item in ranges for _ in item.lines]
        return [commit.blamed(line) for line, commit in zip(range(first, last + 1), commits, strict=False)]

    wanted = frozenset(lines)
    found = await for_each(blamed, line_ranges(lines))
    return [line for _, part in found for line in part if line.line in wanted]


def line_ranges(lines: Iterable[int]) -> list[tuple[int, int]]:
    """Return the first and the last line of each group of lines that are near to each other."""
    ranges: list[tuple[int, int]] = []
    for line in sorted(set(lines)):
        if ranges and line - ranges[-1][1] < _NEAR_LINES:
            ranges[-1] = (ranges[-1][0], line)
        else:
            ranges.append((line, line))
    return ranges


def _check_file(answer: "ApiAnswer") -> None:
    if _FILE_MARK not in answer.headers:
        raise ProviderUnavailable(f"{answer.host} answered {answer.place} with something that is no file of GitLab")
