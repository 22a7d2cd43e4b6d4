"""Commits and files of a repository: refs, comparisons, contents and the last change of lines."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from pydantic import AliasPath, BaseModel, Field

from scmhost.sdk import (
    ApiCommit,
    ApiError,
    ApiFile,
    BlamedLine,
    BodyPages,
    CommitPage,
    Existence,
    Installation,
    Location,
    ProviderError,
    ProviderUnavailable,
    RefKind,
    Repository,
    ResolvedRef,
    find_content,
    first_of,
    full_ref,
    hookimpl,
    is_file_path,
    kinds_of,
    looks_like_commit,
    owner_and_name,
    ref_problem,
    remaining_seconds,
    resolve_ref,
    with_changes,
)

from .api import PAGE, api_of, repository_api
from .forms import GitHubSettings

if TYPE_CHECKING:
    from scmhost.sdk import ApiClient

# 404 for an unknown name, 409 for an empty repository, 422 for an id that is no commit.
_NO_COMMIT: Final = frozenset({404, 409, 410, 422})
# The seconds that are kept for the files of commits.
_FOR_FILES: Final = 15.0
_BLAME: Final = """\
query($owner: String!, $name: String!, $ref: String!, $path: String!) {
  repository(owner: $owner, name: $name) { object(expression: $ref) { ... on Commit { blame(path: $path) {
    ranges { startingLine endingLine commit { oid author { name email date } } }
} } } } }"""


class _RefComparison(BaseModel):
    total_commits: int = Field(ge=0, le=10_000_000)
    commits: tuple[ApiCommit, ...]


class _BlamedRange(BaseModel):
    first: int = Field(alias="startingLine")
    last: int = Field(alias="endingLine")
    commit: ApiCommit


class _Blame(BaseModel):
    ranges: tuple[_BlamedRange, ...] = Field((), validation_alias=AliasPath("repository", "object", "blame", "ranges"))


@hookimpl
async def scm_resolve_ref(
    installation: Installation, repository: Repository, ref: str | None, settings: GitHubSettings
) -> ResolvedRef | None:
    api = repository_api(installation, repository, settings)

    async def sha_of(kind: RefKind, name: str) -> str | None:
        return await _commit_id(api, {"branch": f"heads/{name}", "tag": f"tags/{name}"}.get(kind, name))

    return await resolve_ref(ref, sha_of, api)


@hookimpl
async def scm_file_exists(
    installation: Installation, repository: Repository, location: Location, settings: GitHubSettings
) -> Existence:
    api = repository_api(installation, repository, settings)
    ref = full_ref(location.ref, location.ref_kind)
    if ref_problem(ref):
        return Existence.UNKNOWN
    found = await find_content(api, "contents", location.path, ref=ref) if is_file_path(location.path) else None
    # GitHub gives the same answer for a missing ref and a missing file.
    if found is None and await _commit_id(api, ref.removeprefix("refs/")) is None:
        return Existence.UNKNOWN
    return Existence.YES if found and found.is_file else Existence.NO


@hookimpl
async def scm_read_file(
    installation: Installation, repository: Repository, ref: str, path: str, settings: GitHubSettings
) -> bytes | None:
    if ref_problem(ref) or not is_file_path(path):
        return None
    api = repository_api(installation, repository, settings)
    found = await find_content(api, "contents", path, ref=ref)
    if found is None or found.type != "file":
        return None
    if found.encoding == "base64":
        return found.content
    # GitHub leaves out more than one megabyte.
    raw = await api.file("contents", path, params={"ref": ref}, headers={"accept": "application/vnd.github.raw+json"})
    return raw.body if raw else None


@hookimpl
async def scm_compare_commits(
    installation: Installation, repository: Repository, base: str | None, head: str, settings: GitHubSettings
) -> CommitPage:
    api = repository_api(installation, repository, settings)
    if problem := ref_problem(head) or (base is not None and ref_problem(base)):
        raise ProviderError(f"GitHub has no such ref: {problem}.")
    if base is None:
        params = {"sha": head, "per_page": min(PAGE, settings.first_commits)}
        newest = api.items(ApiCommit, "commits", params=params, most=settings.first_commits)
        commits, unlisted = await first_of(newest, settings.first_commits)
    else:
        commits, unlisted = await _commits_between(api, base, head, settings.most_commits)

    async def changes(commit: ApiCommit) -> Mapping[str, str]:
        params = {"per_page": PAGE, "page": 1}
        files = api.below(pages=BodyPages("files"))
        return kinds_of([file async for file in files.items(ApiFile, "commits", commit.sha, params=params)])

    return await with_changes(commits, changes, most=settings.commits_with_files, unlisted=unlisted)


@hookimpl
async def scm_blame_lines(
    installation: Installation,
    repository: Repository,
    ref: str,
    path: str,
    lines: Sequence[int],
    settings: GitHubSettings,
) -> Sequence[BlamedLine]:
    owner, name = owner_and_name(repository)
    body = {"query": _BLAME, "variables": {"owner": owner, "name": name, "ref": ref, "path": path}}
    # Only the GraphQL API has it.
    answer = await api_of(installation, settings, graphql=True).request("POST", "graphql", json=body)
    ranges = answer.read_graphql(_Blame).ranges
    return [one.commit.blamed(line) for one in ranges for line in lines if one.first <= line <= one.last]


async def _commit_id(api: "ApiClient", ref: str) -> str | None:
    """Return the full id of the commit of ``heads/NAME``, ``tags/NAME`` or an id; None if there is none."""
    try:
        answer = await api.request("GET", "commits", ref, headers={"accept": "application/vnd.github.sha"})
    except ApiError as error:
        if error.status not in _NO_COMMIT:
            raise
        return None
    sha = answer.text.strip()
    if not looks_like_commit(sha):
        raise ProviderUnavailable(f"{api.host} answered without the id of a commit.")
    return sha


async def _commits_between(api: "ApiClient", base: str, head: str, most: int) -> tuple[list[ApiCommit], int]:
    """Return the newest commits between two refs, as far as the time suffices, and the number of the others.

    GitHub's pages begin with the oldest.
    """
    place, size = ("compare", f"{base}...{head}"), {"per_page": PAGE}
    first = await api.get(_RefComparison, *place, params={**size, "page": 1})
    found: dict[str, ApiCommit] = {}
    # A push between two requests moves commits to other pages, so that one may come twice.
    for page in range(-(-first.total_commits // PAGE), 0, -1):
        if len(found) >= most or (found and remaining_seconds() < _FOR_FILES):
            break
        shown = await api.get(_RefComparison, *place, params={**size, "page": page}) if page > 1 else first
        found.update({commit.sha: commit for commit in reversed(shown.commits)})
    commits = list(found.values())[:most]
    return commits, max(0, first.total_commits - len(commits))
