"""The values that hooks get and give. All are frozen and checked whenever they cross the border."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, JsonValue

from .frozen import NOTHING, frozen
from .reasons import Reason

RefKind = Literal["branch", "tag", "commit"]

Line = Annotated[int, Field(ge=1, le=10_000_000)]
Sha = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\s\x00-\x1f]+$")]
JsonObject = dict[str, JsonValue]
Kept = Annotated[JsonObject, AfterValidator(frozen)]


class Value(BaseModel):
    """Base of all values: frozen, no unknown fields, checked again at the border."""

    model_config = ConfigDict(frozen=True, extra="forbid", revalidate_instances="always")


class RepositoryStatus(StrEnum):
    """Where a repository stands in its life."""

    ACTIVE = "active"
    HIDDEN = "hidden"
    PENDING_DELETION = "pending_deletion"
    DELETION_IN_PROGRESS = "deletion_in_progress"


class Organization(Value):
    """The tenant. The id never changes; the slug may."""

    id: int
    slug: str
    name: str


class Installation(Value):
    """One provider set up for one organization."""

    id: int
    organization_id: int
    provider: str
    name: str
    external_id: str
    metadata: Kept = Field(default=NOTHING)
    configuration: Kept = Field(default=NOTHING)


class Repository(Value):
    """A repository as the host keeps it. Unclaimed while it has neither provider nor installation."""

    id: int
    organization_id: int
    name: str
    url: str | None = None
    provider: str | None = None
    installation_id: int | None = None
    external_id: str | None = None
    configuration: Kept = Field(default=NOTHING)
    status: RepositoryStatus = RepositoryStatus.ACTIVE
    created_at: datetime

    @property
    def unclaimed(self) -> bool:
        """Whether an installation may still claim it."""
        return self.provider is None and self.installation_id is None


class InstallationDraft(Value):
    """What an installation will be, as ``scm_install`` gives it. The host saves it."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    external_id: Annotated[str, Field(min_length=1, max_length=64)]
    metadata: Kept = Field(default=NOTHING)
    configuration: Kept = Field(default=NOTHING)


class Offer(Value):
    """A repository that a person may add. ``identifier`` comes back in the ``AddRequest``."""

    identifier: Annotated[str, Field(min_length=1, max_length=200)]
    name: Annotated[str, Field(min_length=1, max_length=200)]
    default_branch: str | None = None


class AddRequest(Value):
    """A request to add a repository: the offer's identifier and whatever else the body held."""

    identifier: str
    fields: Kept = Field(default=NOTHING)


class Claim(Value):
    """Decision: give the candidate to the installation. A field left at None keeps the row's value."""

    kind: Literal["claim"] = "claim"
    external_id: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    url: str | None = None
    configuration: Kept | None = None


class Create(Value):
    """Decision: make a new repository that belongs to the installation."""

    kind: Literal["create"] = "create"
    name: Annotated[str, Field(min_length=1, max_length=200)]
    external_id: Annotated[str, Field(min_length=1, max_length=64)]
    url: str | None = None
    configuration: Kept = Field(default=NOTHING)


class Refusal(Value):
    """Decision: nothing is saved. ``message`` is shown to the person who asked."""

    kind: Literal["refusal"] = "refusal"
    reason: Literal["not_found", "invalid", "conflict", "unavailable"]
    message: Annotated[str, Field(min_length=1)]


Decision = Annotated[Claim | Create | Refusal, Field(discriminator="kind")]


class Location(Value):
    """A place in a repository: what a link points to. Lines and columns count from 1."""

    ref: Annotated[str, Field(min_length=1, max_length=255)]
    ref_kind: RefKind
    path: Annotated[str, Field(max_length=4096)]
    line: Line | None = None
    end_line: Line | None = None
    column: Line | None = None
    end_column: Line | None = None


class UrlCandidate(Value):
    """What a page's URL may mean: a place in a repository.

    Attributes:
        repo: the repository's path on its host.
        ref: the branch, tag or commit; None when the page shows the default branch.
        ref_kind: the kind of ref.
        path: the file; empty when the page is of the repository, its topmost folder or a commit.
        line: the first line.
        end_line: the last line, if there are several.
    """

    repo: str
    ref: str | None = None
    ref_kind: RefKind | None = None
    path: str = ""
    line: int | None = None
    end_line: int | None = None


class LocationCandidate(Value):
    """A location that a pasted URL may mean. ``ambiguous`` when ref and path could be split otherwise."""

    repository_id: int
    location: Location
    ambiguous: bool = False


class ResolvedRef(Value):
    """A ref as its repository has it: its name and kind there, and the commit that it stands at now."""

    name: Annotated[str, Field(min_length=1, max_length=255)]
    kind: RefKind
    sha: Sha


class NoUrl(Value):
    """The provider has no page for a location, and why."""

    reason: Reason = Reason.NO_SOURCE_PAGES
    message: str = ""


class Existence(StrEnum):
    """Whether a file stands in a repository at a ref."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class FileChange(Value):
    """One changed path of a commit: added, modified or deleted."""

    path: Annotated[str, Field(min_length=1, max_length=4096)]
    type: Literal["A", "M", "D"]


class CommitDraft(Value):
    """A commit as a code host tells it. ``changes`` is empty when the host was not asked for them."""

    sha: Sha
    message: str | None = None
    author_name: str | None = None
    author_email: str | None = None
    timestamp: AwareDatetime | None = None
    changes: tuple[FileChange, ...] = ()


class Push(Value):
    """What a webhook brought: commits of one repository, in the order of the body.

    ``repository`` is as the body names it: best its web URL, else its external id or name. ``unlisted`` counts the
    commits that were pushed and that the body does not list; 1 when there are some and nobody knows how many.
    """

    repository: Annotated[str, Field(min_length=1, max_length=2000)]
    ref: str | None = None
    commits: tuple[CommitDraft, ...] = ()
    unlisted: Annotated[int, Field(ge=0)] = 0


class Command(Value):
    """A command that a plugin adds to ``scmhost``. ``run`` gets the words after its name, gives the exit code."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,40}$")]
    summary: Annotated[str, Field(min_length=1, max_length=200)]
    run: Any
