"""Commits and files in the answers of code hosts for git: their models, drafts with changes, and lists with a limit."""

from base64 import b64decode
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final, Self, TypeVar

from pydantic import AliasChoices, AliasPath, BaseModel, BeforeValidator, Field, model_validator

from .api_hosts import for_each
from .commits import BlamedLine, CommitDraft, CommitPage, CommitTime, changes_of
from .provider import Fields

if TYPE_CHECKING:
    from .http import ApiClient

C = TypeVar("C", bound="ApiCommit")

# Time to validate and return what was read.
_RESERVED_SECONDS: Final = 3.0


def _of_author(name: str, *others: str) -> AliasChoices:
    return AliasChoices(AliasPath("commit", "author", name), AliasPath("author", name), *others)


class ApiCommit(BaseModel):
    """A commit in the forms of the APIs of GitHub (REST and GraphQL), GitLab, Forgejo and Gitea.

    Attributes:
        sha: the full id.
        message: the message.
        author_name: the author's name.
        author_email: the author's address.
        timestamp: its time, as ``CommitTime``.
        parents: its parents, in the host's form.
    """

    sha: Annotated[str, Field(pattern=r"^[0-9a-f]{40,64}$", validation_alias=AliasChoices("sha", "id", "oid"))]
    message: str | None = Field(None, validation_alias=AliasChoices(AliasPath("commit", "message"), "message"))
    author_name: str | None = Field(None, validation_alias=_of_author("name", "author_name"))
    author_email: str | None = Field(None, validation_alias=_of_author("email", "author_email"))
    timestamp: CommitTime = Field(None, validation_alias=_of_author("date", "committed_date", "timestamp"))
    parents: tuple[object, ...] = Field((), validation_alias=AliasChoices("parents", "parent_ids"))

    def draft(self, kinds: Mapping[str, str] | None = None) -> CommitDraft:
        """Return the commit for ``scm_compare_commits``. ``kinds`` has ``A``, ``M`` or ``D`` by changed path."""
        return CommitDraft(
            sha=self.sha,
            message=self.message,
            author_name=self.author_name or None,
            author_email=self.author_email or None,
            timestamp=self.timestamp,
            changes=changes_of(kinds or {}),
        )

    def blamed(self, line: int) -> BlamedLine:
        """Return the commit for ``scm_blame_lines``, as the one that last changed a line."""
        return BlamedLine(
            line=line,
            sha=self.sha,
            author_name=self.author_name or None,
            author_email=self.author_email or None,
            timestamp=self.timestamp,
        )


class ApiFile(BaseModel):
    """A changed file of a commit in the form of GitHub, Forgejo and Gitea.

    Attributes:
        filename: its path.
        previous_filename: its path before, if it was renamed.
        status: such as ``added``, ``modified``, ``removed`` and ``renamed``.
    """

    filename: str
    previous_filename: str | None = None
    status: str = "modified"


_TYPES: Final = {"added": "A", "copied": "A", "renamed": "A", "removed": "D", "deleted": "D"}


def kinds_of(files: Iterable[ApiFile]) -> dict[str, str]:
    """Return ``A``, ``M`` or ``D`` by path. A rename is a deletion and an addition."""
    kinds: dict[str, str] = {}
    for file in files:
        if file.status == "renamed" and file.previous_filename:
            # The former path may have a new file.
            kinds.setdefault(file.previous_filename, "D")
        if file.status != "unchanged":
            kinds[file.filename] = _TYPES.get(file.status, "M")
    return kinds


class CommitLimits(Fields):
    """Settings of a plugin: how many commits of a release are read.

    Attributes:
        first_commits: the most commits of a release without one before it.
        most_commits: the most commits of any other release, the newest.
        commits_with_files: the most commits whose changed files are read, the newest.
    """

    first_commits: int = Field(default=20, ge=1, le=10_000, description="Commits of a release without one before it.")
    most_commits: int = Field(default=2_000, ge=1, le=20_000, description="Most commits of one release, the newest.")
    commits_with_files: int = Field(
        default=200, ge=0, le=10_000, description="The newest commits of a release whose changed files are read."
    )


async def first_of(items: AsyncIterator[C], most: int) -> tuple[list[C], int]:
    """Return the first commits of a list, each once, and the number of unlisted ones: 1 if there are more, else 0.

    Pages move when somebody pushes, so that a commit may come twice. Let ``ApiClient.items`` read one more than
    ``most``.
    """
    found: dict[str, C] = {}
    async for commit in items:
        if len(found) >= most and commit.sha not in found:
            return list(found.values()), 1
        found.setdefault(commit.sha, commit)
    return list(found.values()), 0


async def with_changes(
    commits: Sequence[C], read: Callable[[C], Awaitable[Mapping[str, str]]], *, most: int, unlisted: int = 0
) -> CommitPage:
    """Return commits with their changed files, for ``scm_compare_commits``.

    A merge has no changed files: hosts list those of the whole branch, which the merged commits have already. Changes
    that cannot be read, or for which no time is left, are left out and counted.

    Args:
        commits: the commits, newest first.
        read: returns the changes of a commit: ``A``, ``M`` or ``D`` by path.
        most: of how many commits the changes are read, the newest.
        unlisted: how many commits were left out before; 1 for an unknown number.

    Raises:
        ProviderError: the host refuses further requests, or no changes could be read.
    """
    simple = [commit for commit in commits if len(commit.parents) <= 1]
    found = {commit.sha: kinds for commit, kinds in await for_each(read, simple[:most], reserve=_RESERVED_SECONDS)}
    return CommitPage(
        commits=tuple(commit.draft(found.get(commit.sha)) for commit in commits),
        unlisted=unlisted,
        without_changes=len(simple) - len(found),
    )


def is_file_path(path: str) -> bool:
    """Return whether a file of a repository may have this path: no part is empty, ``.`` or ``..``."""
    return "\0" not in path and {"", ".", ".."}.isdisjoint(path.split("/"))


def _decoded(value: object) -> object:
    return b64decode(value) if isinstance(value, str) else value


class ApiContent(BaseModel):
    """What is at a path, in the form of GitHub, Forgejo and Gitea.

    Attributes:
        type: ``file``, ``dir``, ``symlink`` or ``submodule``.
        encoding: ``base64`` if the answer has the content.
        content: the content of a file.
    """

    type: str
    encoding: str | None = None
    content: Annotated[bytes | None, BeforeValidator(_decoded)] = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.encoding == "base64" and self.content is None:
            raise ValueError("the content is missing")
        return self

    @property
    def is_file(self) -> bool:
        """Whether a page of a file shows it."""
        return self.type in ("file", "symlink")


_FOLDER: Final = ApiContent(type="dir")
# A list is that of a folder.
_Contents: Final[Any] = ApiContent | list[ApiContent]


async def find_content(api: "ApiClient", *path: str, ref: str) -> ApiContent | None:
    """Return what is at a path at a ref; None if there is nothing, or no such ref.

    Args:
        api: the client of a repository.
        path: the segments of the request, such as ``"contents", *path.split("/")``.
        ref: the ref.

    Raises:
        ApiTooLarge: the answer has the content, too, and only a file has so much.
    """
    found = await api.find(_Contents, *path, params={"ref": ref})
    return _FOLDER if isinstance(found, list) else found
