"""The contract: every hook that a plugin may implement, and what the host needs to call it.

A hook gets frozen values and returns values: no session, no request, no database row. An implementation names the
arguments that it needs, in any order, and leaves out the rest. ``settings`` is the operator's settings, validated by
the provider's own model. Results are validated before anything is saved.

Pure hooks are plain functions; I/O hooks may be ``async def``. Each hook has a time budget. A call over its budget is
reported as a fault of the plugin, and affects only the request that made it.
"""

import inspect
import re
from collections.abc import Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Annotated, Any, Final, get_origin, get_type_hints

from pydantic import BaseModel, BeforeValidator, JsonValue, TypeAdapter, ValidationError

from .markers import HOOK_SPECS, specify
from .provider import Provider
from .urls.pages import UrlTemplates
from .values import (
    AddRequest,
    Command,
    CommitDraft,
    Decision,
    Existence,
    Installation,
    InstallationDraft,
    Location,
    LocationCandidate,
    NoUrl,
    Offer,
    Organization,
    Push,
    Repository,
    ResolvedRef,
)


@specify("pure", "plugin", budget=1.0)
def scm_register_providers() -> Sequence[Provider]:  # type: ignore[empty-body]
    """The providers that this plugin offers. Called once, at admission."""


@specify("io", "provider", budget=10.0)
def scm_install(  # type: ignore[empty-body]
    form: BaseModel, organization: Organization, settings: BaseModel
) -> InstallationDraft:
    """Turn a filled-in install form into an installation. The form is an instance of the provider's model."""


@specify("io", "provider", budget=10.0)
def scm_offer_repositories(  # type: ignore[empty-body]
    installation: Installation, repositories: Sequence[Repository], search: str, settings: BaseModel
) -> Sequence[Offer]:
    """The repositories that may be added to an installation.

    ``repositories`` are the organization's unclaimed, active ones, by name; ``search`` is what a person typed,
    possibly empty. The host leaves out what this installation has already: offers whose identifier or name is the
    name or the external id of one of its repositories.
    """


@specify("io", "provider", budget=10.0)
def scm_dispatch_repository(  # type: ignore[empty-body]
    installation: Installation, request: AddRequest, candidate: Repository | None, settings: BaseModel
) -> Decision:
    """Decide what adding a repository means: a ``Claim`` of the candidate, a ``Create``, or a ``Refusal``.

    ``candidate`` is the unclaimed, active repository whose id or name the request's identifier gives, if any.
    The host saves the decision in one transaction; if another claim was faster, nothing is saved.
    """


@specify("pure", "provider", budget=1.0)
def scm_serialize_repository(  # type: ignore[empty-body]
    repository: Repository, payload: Mapping[str, JsonValue]
) -> Mapping[str, JsonValue]:
    """Fields to replace in, or add to, the host's payload of a repository. The wire's types must stay."""


@specify("pure", "provider", budget=1.0)
def scm_source_url(  # type: ignore[empty-body]
    installation: Installation, repository: Repository, location: Location
) -> str | NoUrl:
    """The page that shows a location, as an absolute http or https URL, or ``NoUrl`` with the reason."""


@specify("pure", "provider", budget=1.0)
def scm_url_templates(installation: Installation, repository: Repository) -> UrlTemplates | None:
    """Templates that the host renders itself in place of one ``scm_source_url`` call per frame.

    Optional, and what makes links cheap. None means: ask ``scm_source_url``. A process keeps the answer, None too, for
    the thousand repositories asked for last, across requests; it asks again when any value of the installation or of
    the repository has changed, or the plugin's settings have.
    """


@specify("pure", "provider", budget=1.0)
def scm_read_source_url(  # type: ignore[empty-body]
    installation: Installation, url: str, repositories: Sequence[Repository]
) -> Sequence[LocationCandidate]:
    """The locations that a pasted URL may mean, most likely first; empty when it is no page of this installation.

    Where it gives none, the host reads the forms that most code hosts share.
    """


@specify("pure", "provider", budget=1.0)
def scm_commit_url(  # type: ignore[empty-body]
    installation: Installation, repository: Repository, sha: str
) -> str | NoUrl:
    """The page that shows a commit."""


@specify("pure", "provider", budget=1.0)
def scm_compare_url(  # type: ignore[empty-body]
    installation: Installation, repository: Repository, base: str, head: str
) -> str | NoUrl:
    """The page that shows what lies between two commits: those of a release and of the one before it."""


@specify("io", "provider", budget=3.0)
def scm_file_exists(  # type: ignore[empty-body]
    installation: Installation, repository: Repository, location: Location, settings: BaseModel
) -> Existence:
    """Whether the file of a location exists. ``UNKNOWN`` lets the link stand, unverified.

    Asked once for each file of a request. A provider that cannot answer raises: the link stands, unverified, and in
    this request the repository's other files are not asked for. ``ProviderForbidden`` alone takes the link away.
    """


@specify("io", "provider", budget=3.0)
def scm_resolve_ref(
    installation: Installation, repository: Repository, ref: str | None, settings: BaseModel
) -> ResolvedRef | None:
    """What a ref is and at which commit it stands: a branch, a tag, a commit or the beginning of one's id.

    Without a ref: the default branch. None when the repository has no such ref. So a release stands at the commit that
    its tag named when the ref was set, a code mapping without a branch links to the default one, and a pasted URL is
    read as the branch that there is.
    """


@specify("io", "provider", budget=30.0)
def scm_compare_commits(  # type: ignore[empty-body]
    installation: Installation, repository: Repository, base: str | None, head: str, settings: BaseModel
) -> Sequence[CommitDraft]:
    """The commits after ``base`` up to ``head``, newest first, with their file changes.

    Without a base: the newest commits, as many as the provider finds sensible. Called once refs are set on a release,
    in the background. ``head`` is a commit's whole id where ``scm_resolve_ref`` tells it, else what the sender wrote,
    as ``base`` is.
    """


@specify("pure", "provider", budget=2.0)
def scm_read_push(  # type: ignore[empty-body]
    installation: Installation, headers: Mapping[str, str], body: bytes, secret: str
) -> Sequence[Push]:
    """Read a webhook that was sent to an installation. Header names are lower case.

    Raise ``ProviderForbidden`` for a missing or wrong signature: the host tries the installation's next live secret,
    and answers 401 when none fits. Raise ``ProviderError`` for a body that cannot be read (400). An event that is not
    a push, such as a ping, gives no pushes. Check the signature before the body is read.
    """


@specify("io", "listeners", budget=2.0)
def scm_repository_saved(organization: Organization, repository: Repository) -> None:
    """A repository was created, changed, claimed or unclaimed. Called after the transaction."""


@specify("io", "listeners", budget=2.0)
def scm_commits_saved(organization: Organization, repository: Repository, shas: Sequence[str]) -> None:
    """Commits new to the host were saved for a repository. Called after the transaction."""


@specify("io", "listeners", budget=10.0)
def scm_startup(settings: BaseModel) -> None:
    """The plugin begins: the process starts, or an operator switches the plugin on while it runs.

    Called after admission, before any other hook that is about an organization; again when a plugin that was switched
    off is switched on once more in the same process.
    """


@specify("io", "listeners", budget=5.0)
def scm_shutdown() -> None:
    """The plugin ends: the process does, or an operator switches the plugin off. Calls under way may still finish."""


@specify("pure", "listeners", budget=1.0)
def scm_register_commands() -> Sequence[Command]:  # type: ignore[empty-body]
    """Commands that this plugin adds to the ``scmhost`` command line."""


# The host and the conformance suite both validate with what follows, so that they accept the same plugins.

ARGUMENTS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {name: tuple(inspect.signature(globals()[name]).parameters) for name in HOOK_SPECS}
)
"""The arguments of each hook, by the hook's name."""

# The alias's long form in the signature says less than the names of its members.
_RESULT_TEXTS: Final[Mapping[str, str]] = {"scm_dispatch_repository": "Claim | Create | Refusal"}
_MODULES: Final = re.compile(r"\b(?:[a-z_]+\.)+(?=[A-Z])")


@cache
def result_adapter(hook: str) -> TypeAdapter[Any]:
    """Return the validator of a hook's result."""
    annotation: Any = get_type_hints(globals()[hook], include_extras=True)["return"]
    if get_origin(annotation) is not Mapping:
        annotation = Annotated[annotation, BeforeValidator(_refuse_dict)]
    return TypeAdapter(annotation)


def _refuse_dict(result: object) -> object:
    """Refuse a dict: an empty one would pass as a ``NoUrl``, all of whose fields have defaults."""
    if isinstance(result, dict):
        raise ValueError("a dict is no value of the contract")  # noqa: TRY004 - pydantic turns only ValueError into a finding
    return result


@cache
def result_text(hook: str) -> str:
    """Return the type of a hook's result as plugin authors write it."""
    return _RESULT_TEXTS.get(hook) or _annotation_text(inspect.signature(globals()[hook]).return_annotation)


@cache
def definition(hook: str) -> str:
    """Return the ``def`` line of a hook, such as ``def scm_commit_url(sha: str, ...) -> str | NoUrl``."""
    parameters = inspect.signature(globals()[hook]).parameters
    arguments = ", ".join(f"{name}: {_annotation_text(item.annotation)}" for name, item in parameters.items())
    return f"def {hook}({arguments}) -> {result_text(hook)}"


def _annotation_text(annotation: object) -> str:
    return _MODULES.sub("", inspect.formatannotation(annotation))


def describe_mismatch(expected: str, result: object, error: ValidationError) -> str:
    """Describe an invalid result: the expected type, the actual type and the first wrong field.

    Values are left out, because their text is produced by the plugin and may be secret.
    """
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    field = ".".join(map(str, first["loc"]))
    detail = f" (at {field}: {first['msg']})" if field else ""
    return f"returned {type(result).__name__!r} where {expected} is expected{detail}"
