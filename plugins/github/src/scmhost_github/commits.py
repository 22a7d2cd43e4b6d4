"""Commits and files of a repository: refs, comparisons, contents and the last change of lines."""

import re
from base64 import b64decode
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

from pydantic import AliasPath, BaseModel, Field

from scmhost.sdk import (
    MAX_FILE_BYTES,
    ApiTooLarge,
    BlamedLine,
    CommitDraft,
    Existence,
    FileTooLarge,
    Installation,
    Location,
    ProviderError,
    ProviderForbidden,
    ProviderUnavailable,
    RateLimited,
    RefKind,
    Repository,
    ResolvedRef,
    full_ref,
    hookimpl,
    looks_like_commit,
    ref_problem,
    remaining_seconds,
)

from .api import PAGE, GitHubCommit, GitHubRepositoryApi, all_of, api_of
from .forms import GitHubSettings

_SHORT_COMMIT: Final = re.compile(r"[0-9a-fA-F]{7,63}")
# The seconds that are kept for the files of commits, and for the last requests.
_FOR_FILES: Final = 15.0
_FOR_END: Final = 3.0
_KINDS: Final = {"added": "A", "copied": "A", "renamed": "A", "removed": "D"}
_BLAME: Final = """\
query($owner: String!, $name: String!, $ref: String!, $path: String!) {
  repository(owner: $owner, name: $name) { object(expression: $ref) { ... on Commit { blame(path: $path) {
    ranges { startingLine endingLine commit { oid author { name email date } } }
  } } } }
}"""
_REFUSALS: Final[Mapping[str, tuple[type[ProviderError], str]]] = {
    "RATE_LIMITED": (RateLimited, "GitHub's limit of GraphQL queries is used up."),
    "FORBIDDEN": (ProviderForbidden, "The token does not allow GraphQL queries of this repository."),
}


class _Branch(BaseModel):
    default_branch: str | None = None


class _File(BaseModel):
    filename: str
    previous_filename: str | None = None
    status: str = "modified"


class _Content(BaseModel):
    type: str
    encoding: str = ""
    content: str = ""


# A list is that of a folder.
_ContentOrList: Final[Any] = _Content | list[object]


class _FullCommit(GitHubCommit):
    parents: tuple[object, ...] = ()
    files: tuple[_File, ...] = ()


class _RefComparison(BaseModel):
    total_commits: int = Field(ge=0, le=10_000_000)
    commits: tuple[_FullCommit, ...]


class _BlamedRange(BaseModel):
    first: int = Field(alias="startingLine")
    last: int = Field(alias="endingLine")
    commit: GitHubCommit


class _GraphProblem(BaseModel):
    type: str = ""


class _Blame(BaseModel):
    ranges: tuple[_BlamedRange, ...] = Field(
        (), validation_alias=AliasPath("data", "repository", "object", "blame", "ranges")
    )
    errors: tuple[_GraphProblem, ...] = ()


@hookimpl
async def scm_resolve_ref(
    installation: Installation, repository: Repository, ref: str | None, settings: GitHubSettings
) -> ResolvedRef | None:
    api = GitHubRepositoryApi.of(installation, repository, settings)
    is_default = ref in (None, "HEAD")
    name = (await api.get()).read(_Branch).default_branch if is_default else ref
    if name is None or ref_problem(name):
        return None
    for kind, text in _meanings(name)[: 1 if is_default else None]:
        sha = await api.commit_id(text)
        if sha and (kind != "commit" or sha.startswith(name.lower())):
            return ResolvedRef(name=sha if kind == "commit" else name, kind=kind, sha=sha)
    return None


@hookimpl
async def scm_file_exists(
    installation: Installation, repository: Repository, location: Location, settings: GitHubSettings
) -> Existence:
    api = GitHubRepositoryApi.of(installation, repository, settings)
    ref = full_ref(location.ref, location.ref_kind) if location.ref and location.ref_kind else "HEAD"
    found = await api.content(ref, location.path)
    # GitHub gives the same answer for a missing ref and a missing file.
    if found is None and (ref_problem(ref) or await api.commit_id(ref.removeprefix("refs/")) is None):
        return Existence.UNKNOWN
    is_file = found is not None and isinstance(found.read(_ContentOrList), _Content)
    return Existence.YES if is_file else Existence.NO


@hookimpl
async def scm_read_file(
    installation: Installation, repository: Repository, ref: str, path: str, settings: GitHubSettings
) -> bytes | None:
    api = GitHubRepositoryApi.of(installation, repository, settings)
    answer = await api.content(ref, path)
    found = answer.read(_ContentOrList) if answer else None
    if not isinstance(found, _Content) or found.type != "file":
        return None
    try:
        if found.encoding == "base64":
            return b64decode(found.content)
        # GitHub leaves out more than one megabyte.
        raw = await api.content(ref, path, accept="raw+json", most_bytes=MAX_FILE_BYTES)
    except ValueError:
        raise ProviderUnavailable(f"GitHub's content of {path!r} is not base64.") from None
    except ApiTooLarge:
        raise FileTooLarge(f"{path!r} has more than {MAX_FILE_BYTES:,} bytes.") from None
    return raw.body if raw else None


@hookimpl
async def scm_compare_commits(
    installation: Installation, repository: Repository, base: str | None, head: str, settings: GitHubSettings
) -> Sequence[CommitDraft]:
    api = GitHubRepositoryApi.of(installation, repository, settings)
    if problem := ref_problem(head) or (base is not None and ref_problem(base)):
        raise ProviderError(f"GitHub has no such ref: {problem}.")
    if base is None:
        commits = (await api.get("commits", sha=head, per_page=settings.first_commits)).read(list[_FullCommit])
    else:
        commits = await _commits_between(api, base, head, settings.most_commits)
    # GitHub gives those of a merge against its first parent: they are the files of the merged commits.
    simple = [one for one in commits if len(one.parents) <= 1][: settings.commits_with_files]

    known = {one.sha: one for one in await all_of(partial(_with_files, api), simple) if one} if simple else {}
    return [known.get(one.sha) or one.draft({}) for one in commits]


@hookimpl
async def scm_blame_lines(
    installation: Installation,
    repository: Repository,
    ref: str,
    path: str,
    lines: Sequence[int],
    settings: GitHubSettings,
) -> Sequence[BlamedLine]:
    _, owner, name = GitHubRepositoryApi.of(installation, repository, settings).path
    body = {"query": _BLAME, "variables": {"owner": owner, "name": name, "ref": ref, "path": path}}
    # Only the GraphQL API has it.
    answer = await api_of(installation, settings, graphql=True).request("POST", "graphql", json=body)
    return [
        BlamedLine.model_validate({"line": line, **one.commit.model_dump(exclude={"message"})})
        for one in _ranges(answer.read(_Blame))
        for line in lines
        if one.first <= line <= one.last
    ]


def _ranges(answer: _Blame) -> Sequence[_BlamedRange]:
    """Return the ranges of an answer, which has the status 200 for errors, too."""
    for problem in answer.errors:
        if problem.type != "NOT_FOUND":
            error, text = _REFUSALS.get(problem.type, (ProviderUnavailable, "GitHub cannot answer the GraphQL query."))
            raise error(text)
    return answer.ranges


def _meanings(ref: str) -> list[tuple[RefKind, str]]:
    """Return what a ref may mean, the most likely first, with GitHub's spelling. A full id is nothing else."""
    if looks_like_commit(ref):
        return [("commit", ref)]
    commit: list[tuple[RefKind, str]] = [("commit", ref)] if _SHORT_COMMIT.fullmatch(ref) else []
    return [("branch", f"heads/{ref}"), ("tag", f"tags/{ref}"), *commit]


async def _commits_between(api: GitHubRepositoryApi, base: str, head: str, most: int) -> list[_FullCommit]:
    """Return the newest commits between two refs, as far as the time suffices. GitHub's pages begin with the oldest."""
    first = (await api.get("compare", f"{base}...{head}", per_page=PAGE, page=1)).read(_RefComparison)
    found: dict[str, _FullCommit] = {}
    # A push between two requests moves commits to other pages, so that one may come twice.
    for page in range(-(-first.total_commits // PAGE), 0, -1):
        if len(found) >= most or (found and remaining_seconds() < _FOR_FILES):
            break
        answer = await api.get("compare", f"{base}...{head}", per_page=PAGE, page=page) if page > 1 else None
        commits = (answer.read(_RefComparison) if answer else first).commits
        found.update({commit.sha: commit for commit in reversed(commits)})
    return list(found.values())[:most]


async def _with_files(api: GitHubRepositoryApi, commit: _FullCommit) -> CommitDraft | None:
    """Return a commit with its files; None if there is no time left."""
    kinds: dict[str, str] = {}
    page: int | None = 1
    while page is not None:
        if remaining_seconds() < _FOR_END:
            return None
        answer = await api.get("commits", commit.sha, per_page=PAGE, page=page)
        for file in answer.read(_FullCommit).files:
            if file.status == "renamed" and file.previous_filename:
                kinds.setdefault(file.previous_filename, "D")
            if file.status != "unchanged":
                kinds[file.filename] = _KINDS.get(file.status, "M")
        page = page + 1 if answer.next_params else None
    return commit.draft(kinds)
