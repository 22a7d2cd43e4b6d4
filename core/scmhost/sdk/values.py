"""The values that hooks get and return. All are frozen, and validated whenever they pass between host and plugin.

The JSON in them is immutable too: what a hook gets stays as it is for the host and for the next plugin.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field, SecretStr, model_validator

# The contract's first version had these names in this module: they stay importable from it.
from .frozen import FrozenDict as FrozenDict  # noqa: PLC0414
from .frozen import FrozenList as FrozenList  # noqa: PLC0414
from .frozen import JsonObject as JsonObject  # noqa: PLC0414
from .frozen import Value as Value  # noqa: PLC0414
from .reasons import Reason
from .secrets import Secrets


def frozen(value: Any) -> Any:
    """Return an immutable copy of JSON, at any depth. Text, numbers, booleans and null are returned as they are."""
    if isinstance(value, Mapping):
        return FrozenDict({key: frozen(item) for key, item in value.items()})
    # JSON has one kind of array, so that a tuple becomes a list, too.
    if isinstance(value, list | tuple):
        return FrozenList(map(frozen, value))
    return value


_CONTAINERS: Final = (Value, dict, list, tuple, SecretStr)


def own_copy(value: Any) -> Any:
    """Return a copy of a value of the contract, at any depth; other objects, such as settings, as they are."""
    if isinstance(value, Value):
        copied = value.model_copy()
        fields = vars(copied)
        for name, inner in fields.items():
            if isinstance(inner, _CONTAINERS):
                fields[name] = own_copy(inner)
        return copied
    if isinstance(value, dict):
        return FrozenDict({key: own_copy(inner) for key, inner in value.items()})
    if isinstance(value, list):
        return FrozenList(map(own_copy, value))
    if isinstance(value, tuple):
        return tuple(map(own_copy, value))
    return SecretStr(value.get_secret_value()) if isinstance(value, SecretStr) else value


FrozenJson = Annotated[JsonObject, AfterValidator(frozen)]
"""A JSON object that is copied and made immutable when it is validated."""


RefKind = Literal["branch", "tag", "commit"]
"""The kinds of ref that a code host has."""

# The same limit as ``MAX_LINE`` of links, so that each valid line gets an anchor.
Line = Annotated[int, Field(ge=1, le=10_000_000)]
# Not only hexadecimal digits: other systems than git have numbers of changelists and revisions.
Sha = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\s\x00-\x1f]+$")]


class RepositoryStatus(StrEnum):
    """The state of a repository."""

    ACTIVE = "active"
    HIDDEN = "hidden"
    PENDING_DELETION = "pending_deletion"
    DELETION_IN_PROGRESS = "deletion_in_progress"


HostState = Literal["active", "archived", "deleted"]
"""The state of a repository at its code host."""


class Organization(Value):
    """A tenant.

    Attributes:
        id: the permanent id.
        slug: the name in URLs; may change.
        name: the displayed name.
    """

    id: int
    slug: str
    name: str


class Installation(Value):
    """One provider set up for one organization.

    Attributes:
        id: assigned by the host.
        organization_id: the id of its organization.
        provider: the provider's key.
        name: the displayed name, from ``scm_install``.
        external_id: from ``scm_install``; unique for organization and provider.
        metadata: facts to show, from ``scm_install``; part of API answers.
        configuration: values that may be changed later, in the fields of the provider's ``configuration`` model.
        secrets: its secrets by name, for I/O hooks only; empty in pure hooks. Not part of dumps.
    """

    model_config = ConfigDict(hide_input_in_errors=True)

    id: int
    organization_id: int
    provider: str
    name: str
    external_id: str
    metadata: FrozenJson = Field(default_factory=FrozenDict)
    configuration: FrozenJson = Field(default_factory=FrozenDict)
    # A plugin may put a dump of it into a log or an answer.
    secrets: Secrets = Field(default_factory=FrozenDict, exclude=True, repr=False)


class Repository(Value):
    """A repository as the host stores it. It is unclaimed while it has neither provider nor installation.

    Attributes:
        id: assigned by the host.
        organization_id: the id of its organization.
        name: the name that commits and users refer to; users may change it.
        url: the URL of its web page; users may change or remove it.
        provider: the provider's key.
        installation_id: the id of the installation that claimed it.
        external_id: from the plugin's decision.
        configuration: from the plugin's decision.
        status: its state on this host.
        created_at: when the host first stored it.
        state: its state at the code host, as ``scm_sync_repositories`` last reported it.
    """

    id: int
    organization_id: int
    name: str
    url: str | None = None
    provider: str | None = None
    installation_id: int | None = None
    external_id: str | None = None
    configuration: FrozenJson = Field(default_factory=FrozenDict)
    status: RepositoryStatus = RepositoryStatus.ACTIVE
    created_at: datetime
    state: HostState = "active"

    @property
    def unclaimed(self) -> bool:
        """Whether an installation may claim the repository."""
        return self.provider is None and self.installation_id is None


class InstallationDraft(Value):
    """An installation to save, as ``scm_install`` returns it.

    Attributes:
        name: the displayed name.
        external_id: distinguishes it from the provider's other installations; a duplicate is refused.
        metadata: facts to show, such as ``domain_name``; no secrets.
        configuration: the fields that may be changed later, as the provider's ``configuration`` model accepts them; no
            secrets.
        secrets: tokens and keys by name, which the host encrypts and gives to I/O hooks. Not part of dumps.
        secrets_expire_at: when the host has to renew them with ``scm_refresh_credentials``.
    """

    model_config = ConfigDict(hide_input_in_errors=True)

    name: Annotated[str, Field(min_length=1, max_length=200)]
    external_id: Annotated[str, Field(min_length=1, max_length=64)]
    metadata: FrozenJson = Field(default_factory=FrozenDict)
    configuration: FrozenJson = Field(default_factory=FrozenDict)
    secrets: Secrets = Field(default_factory=FrozenDict, exclude=True, repr=False)
    secrets_expire_at: AwareDatetime | None = Field(default=None, exclude=True)


class Offer(Value):
    """A repository that a user may add.

    Attributes:
        identifier: sent back in the ``AddRequest``; the host searches an unclaimed repository with this id or name. Use
            the whole name: the id is that of ``Repository``, and a number of the code host may be that of another one.
        name: the displayed name.
        default_branch: the branch that a new code mapping gets by default.
    """

    identifier: Annotated[str, Field(min_length=1, max_length=200)]
    name: Annotated[str, Field(min_length=1, max_length=200)]
    default_branch: str | None = None


class OfferPage(Value):
    """One page of the repositories that a user may add.

    Attributes:
        offers: the repositories of this page, at most 1,000.
        next: the cursor of the next page; None for the last one.
    """

    offers: tuple[Offer, ...]
    next: Annotated[str, Field(min_length=1, max_length=1000)] | None = None


class RepositoryUpdate(Value):
    """A change of a repository at its code host. A field left at None keeps its value.

    Attributes:
        repository_id: the id of one of the repositories that the hook got.
        name: its new name; the host keeps the old one, so that commits and links with it still find the repository.
        url: the new URL of its web page.
        configuration: new data of the plugin.
        state: whether it is archived or deleted at the code host; ``active`` if it is back.
    """

    repository_id: int
    name: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    url: str | None = None
    configuration: FrozenJson | None = None
    state: HostState | None = None


class AddRequest(Value):
    """A request to add a repository.

    Attributes:
        identifier: the offer's identifier, or text that a user typed.
        fields: the other fields of the request body; not validated.
    """

    identifier: str
    fields: FrozenJson = Field(default_factory=FrozenDict)


class Claim(Value):
    """Decision: give the candidate to the installation. A field left at None keeps the row's value.

    Attributes:
        external_id: the repository's id on its host.
        url: the URL of its web page, from which links are built.
        configuration: data of the plugin, which it gets back with the repository.
    """

    kind: Literal["claim"] = "claim"
    external_id: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    url: str | None = None
    configuration: FrozenJson | None = None


class Create(Value):
    """Decision: make a new repository that belongs to the installation.

    Attributes:
        name: unique in the organization, without regard to case.
        external_id: the repository's id on its host.
        url: the URL of its web page, from which links are built.
        configuration: data of the plugin, which it gets back with the repository.
    """

    kind: Literal["create"] = "create"
    name: Annotated[str, Field(min_length=1, max_length=200)]
    external_id: Annotated[str, Field(min_length=1, max_length=64)]
    url: str | None = None
    configuration: FrozenJson = Field(default_factory=FrozenDict)


class Refusal(Value):
    """Decision: nothing is saved.

    Attributes:
        reason: the kind of refusal: HTTP status 404, 400, 409 or 503.
        message: shown to the user.
    """

    kind: Literal["refusal"] = "refusal"
    reason: Literal["not_found", "invalid", "conflict", "unavailable"]
    message: Annotated[str, Field(min_length=1)]


# With the discriminator, pydantic reports the errors of one class instead of those of all three.
Decision = Annotated[Claim | Create | Refusal, Field(discriminator="kind")]
"""The result of ``scm_dispatch_repository``."""


class PagePosition(Value):
    """A position that a page shows; some hosts have pages without a revision. Lines and columns are counted from 1.

    Attributes:
        ref: the branch, tag or commit; untrusted text. None for a page without a revision: the host uses the default
            branch.
        ref_kind: the kind of ref; None without a ref.
        path: from the repository's root, with slashes; untrusted text, at most 4,096 characters.
        line: the first line.
        end_line: the last line of several; may be less than ``line`` in wrong input.
        column: the first column.
        end_column: the last column.
    """

    ref: Annotated[str, Field(min_length=1, max_length=255)] | None = None
    ref_kind: RefKind | None = None
    # PATH_MAX of Linux: programs there cannot open a longer path.
    path: Annotated[str, Field(max_length=4096)]
    line: Line | None = None
    end_line: Line | None = None
    column: Line | None = None
    end_column: Line | None = None

    @model_validator(mode="after")
    def _ref_has_a_kind(self) -> Self:
        if (self.ref is None) != (self.ref_kind is None):
            raise ValueError("give ref and ref_kind, or neither for a page without a revision")
        return self


class Location(PagePosition):
    """A position in a repository at a ref: the target of a link. It has the fields of ``PagePosition``."""

    ref: Annotated[str, Field(min_length=1, max_length=255)]
    ref_kind: RefKind


class LocationCandidate(Value):
    """A possible location of a pasted URL.

    Attributes:
        repository_id: the id of one of the repositories that the hook got.
        location: the position in it: a ``Location``, or a ``PagePosition`` for a page without a revision.
        ambiguous: whether ref and path could be separated in another way too.
    """

    repository_id: int
    location: PagePosition
    ambiguous: bool = False


class ResolvedRef(Value):
    """A ref that exists in its repository.

    Attributes:
        name: its name in the repository.
        kind: its kind in the repository.
        sha: the full id of the commit that it refers to now.
    """

    name: Annotated[str, Field(min_length=1, max_length=255)]
    kind: RefKind
    sha: Sha


class NoUrl(Value):
    """There is no URL.

    Attributes:
        reason: one of the closed list of reasons; each has a next step.
        message: details for the user.
    """

    reason: Reason = Reason.NO_SOURCE_PAGES
    message: str = ""


class Existence(StrEnum):
    """Whether a file exists in a repository at a ref."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class Command(Value):
    """A command that a plugin adds to ``scmhost``.

    Attributes:
        name: the word after ``scmhost``.
        summary: one line for the help text.
        run: a function that gets the list of arguments after the name, and returns the exit code.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,40}$")]
    summary: Annotated[str, Field(min_length=1, max_length=200)]
    run: Any


def refuse_dict(result: object) -> object:
    """Refuse a dict: an empty one would pass as a ``NoUrl``, all of whose fields have defaults."""
    if isinstance(result, dict):
        raise ValueError("a dict is no value of the contract")  # noqa: TRY004 - pydantic turns only ValueError into a finding
    return result
