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
    """The tenant.

    Attributes:
        id: never changes.
        slug: its name in URLs; may change.
        name: what people read.
    """

    id: int
    slug: str
    name: str


class Installation(Value):
    """One provider set up for one organization.

    Attributes:
        id: the host's own.
        organization_id: whose it is.
        provider: the provider's key.
        name: as ``scm_install`` gave it; people read it.
        external_id: as ``scm_install`` gave it; unique for organization and provider.
        metadata: what ``scm_install`` found worth showing; it is on the wire.
        configuration: what may be changed later, in the fields of the provider's ``configuration`` model.
    """

    id: int
    organization_id: int
    provider: str
    name: str
    external_id: str
    metadata: Kept = Field(default=NOTHING)
    configuration: Kept = Field(default=NOTHING)


class Repository(Value):
    """A repository as the host keeps it. Unclaimed while it has neither provider nor installation.

    Attributes:
        id: the host's own.
        organization_id: whose it is.
        name: as commits and people name it; people may change it.
        url: its web page; people may change it or take it away.
        provider: the provider's key.
        installation_id: the installation that claimed it.
        external_id: as the plugin's decision gave it.
        configuration: as the plugin's decision gave it.
        status: where it stands in its life.
        created_at: when the host first saw it.
    """

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
    """What an installation will be, as ``scm_install`` gives it. The host saves it.

    Attributes:
        name: what people read.
        external_id: what tells it from others; a second one is refused as a double.
        metadata: facts to show, such as ``domain_name``; no secrets.
        configuration: the fields that may be changed later; no secrets.
    """

    name: Annotated[str, Field(min_length=1, max_length=200)]
    external_id: Annotated[str, Field(min_length=1, max_length=64)]
    metadata: Kept = Field(default=NOTHING)
    configuration: Kept = Field(default=NOTHING)


class Offer(Value):
    """A repository that a person may add.

    Attributes:
        identifier: comes back in the ``AddRequest``; the host looks for an unclaimed repository with this id or name.
        name: what people read.
        default_branch: the branch that a code mapping may begin with.
    """

    identifier: Annotated[str, Field(min_length=1, max_length=200)]
    name: Annotated[str, Field(min_length=1, max_length=200)]
    default_branch: str | None = None


class AddRequest(Value):
    """A request to add a repository.

    Attributes:
        identifier: the offer's, or what a person typed.
        fields: whatever else the body held; nobody has checked it.
    """

    identifier: str
    fields: Kept = Field(default=NOTHING)


class Claim(Value):
    """Decision: give the candidate to the installation. A field left at None keeps the row's value.

    Attributes:
        external_id: the repository's id on its host.
        url: its web page, to which links are made.
        configuration: what the plugin wants to know about it later.
    """

    kind: Literal["claim"] = "claim"
    external_id: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    url: str | None = None
    configuration: Kept | None = None


class Create(Value):
    """Decision: make a new repository that belongs to the installation.

    Attributes:
        name: unique in the organization, without regard to case.
        external_id: the repository's id on its host.
        url: its web page, to which links are made.
        configuration: what the plugin wants to know about it later.
    """

    kind: Literal["create"] = "create"
    name: Annotated[str, Field(min_length=1, max_length=200)]
    external_id: Annotated[str, Field(min_length=1, max_length=64)]
    url: str | None = None
    configuration: Kept = Field(default=NOTHING)


class Refusal(Value):
    """Decision: nothing is saved.

    Attributes:
        reason: what kind of no it is: 404, 400, 409 or 503 on the wire.
        message: is shown to the person who asked.
    """

    kind: Literal["refusal"] = "refusal"
    reason: Literal["not_found", "invalid", "conflict", "unavailable"]
    message: Annotated[str, Field(min_length=1)]


Decision = Annotated[Claim | Create | Refusal, Field(discriminator="kind")]


class Location(Value):
    """A place in a repository: what a link points to. Lines and columns count from 1.

    Attributes:
        ref: the branch, tag or commit; any text that somebody sent.
        ref_kind: which of them it is.
        path: from the repository's top, with slashes; any text that a stack trace held.
        line: the first line.
        end_line: the last line, if there are several; may be less than the first when somebody erred.
        column: the first column.
        end_column: the last column.
    """

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
    """A location that a pasted URL may mean.

    Attributes:
        repository_id: one of the repositories that the hook was given.
        location: the place in it.
        ambiguous: whether ref and path could be split otherwise.
    """

    repository_id: int
    location: Location
    ambiguous: bool = False


class ResolvedRef(Value):
    """A ref as its repository has it.

    Attributes:
        name: its name there.
        kind: what it is there.
        sha: the commit that it stands at now.
    """

    name: Annotated[str, Field(min_length=1, max_length=255)]
    kind: RefKind
    sha: Sha


class NoUrl(Value):
    """The provider has no page for a location.

    Attributes:
        reason: why, from the list of reasons; each has a next step.
        message: what else there is to say, for the person who asked.
    """

    reason: Reason = Reason.NO_SOURCE_PAGES
    message: str = ""


class Existence(StrEnum):
    """Whether a file stands in a repository at a ref."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class FileChange(Value):
    """One changed path of a commit.

    Attributes:
        path: from the repository's top, with slashes.
        type: added, modified or deleted.
    """

    path: Annotated[str, Field(min_length=1, max_length=4096)]
    type: Literal["A", "M", "D"]


class CommitDraft(Value):
    """A commit as a code host tells it.

    Attributes:
        sha: its whole id.
        message: the whole message.
        author_name: who wrote it.
        author_email: the author's address, by which the host tells authors apart.
        timestamp: when it was made, with its offset.
        changes: the changed paths; empty when the code host was not asked for them.
    """

    sha: Sha
    message: str | None = None
    author_name: str | None = None
    author_email: str | None = None
    timestamp: AwareDatetime | None = None
    changes: tuple[FileChange, ...] = ()


class Push(Value):
    """What a webhook brought: commits of one repository, in the order of the body.

    Attributes:
        repository: as the body names it: best its web URL, else its external id or name.
        ref: the branch or tag that was pushed to.
        commits: those that the body lists.
        unlisted: how many more were pushed; 1 when there are some and nobody knows how many.
    """

    repository: Annotated[str, Field(min_length=1, max_length=2000)]
    ref: str | None = None
    commits: tuple[CommitDraft, ...] = ()
    unlisted: Annotated[int, Field(ge=0)] = 0


class Command(Value):
    """A command that a plugin adds to ``scmhost``.

    Attributes:
        name: what is typed after ``scmhost``.
        summary: what its help says.
        run: a function that gets the words after the name, and gives the exit code.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,40}$")]
    summary: Annotated[str, Field(min_length=1, max_length=200)]
    run: Any
