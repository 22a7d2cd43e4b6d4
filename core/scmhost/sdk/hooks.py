"""The contract: every hook that a plugin may implement, and what the host needs to call it.

A hook gets frozen values and returns values: no session, no request, no database row. An implementation names the
arguments that it needs, in any order, and leaves out the rest. ``settings`` is the operator's settings, validated by
the provider's own model. Results are validated before anything is saved.

Pure hooks are plain functions; I/O hooks may be ``async def``. Each hook has a time budget. A call over its budget is
reported as a fault of the plugin, and affects only the request that made it.
"""

import hashlib
import hmac
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal, TypeVar, get_origin, get_type_hints

import pluggy
from pydantic import BaseModel, BeforeValidator, JsonValue, TypeAdapter, ValidationError

from .commits import CommitDraft, Push
from .provider import Provider
from .secrets import RefreshedCredentials
from .urls.pages import UrlTemplates
from .values import (
    AddRequest,
    Command,
    Decision,
    Existence,
    Installation,
    InstallationDraft,
    Location,
    LocationCandidate,
    NoUrl,
    Offer,
    Organization,
    Repository,
    ResolvedRef,
    refuse_dict,
)

API_VERSION: Final = "1.2"
"""The version of the contract, MAJOR.MINOR, independent of the host's version.

A new hook or optional argument raises MINOR; a removal or a changed meaning raises MAJOR.
"""

PROJECT_NAME: Final = "scmhost"
"""pluggy's project name, and the entry-point group."""

HOOK_PREFIX: Final = "scm_"
"""The beginning of every hook's name."""

hookimpl = pluggy.HookimplMarker(PROJECT_NAME)
"""Marks a plugin's function as a hook: ``@hookimpl`` above ``def scm_source_url(...)``."""

hookspec = pluggy.HookspecMarker(PROJECT_NAME)
"""Marks a function as a hook specification. Plugins do not need it."""

HookKind = Literal["pure", "io"]
"""``pure``: a plain function of its values. ``io``: may wait for a disk or a network, may be ``async def``."""

Audience = Literal["plugin", "provider", "listeners"]
"""Which plugins are called: each plugin once when it loads, the provider's own plugin, or all that implement it."""

_F = TypeVar("_F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class HookSpec:
    """The properties of a hook, the same for all implementations.

    Attributes:
        name: the hook's name.
        kind: ``pure`` or ``io``.
        audience: which plugins are called.
        budget: the longest time that one call may take, in seconds.
    """

    name: str
    kind: HookKind
    audience: Audience
    budget: float

    @property
    def colour(self) -> HookKind:
        """The same as ``kind``, by its first name."""
        return self.kind


HOOK_SPECS: Final[dict[str, HookSpec]] = {}
"""The properties of every hook, by name, in the order of this module."""

# The names that contract 1.1 published first. Plugins may import them.
HookPromise = HookSpec
PROMISES: Final = HOOK_SPECS


def specify(kind: HookKind, audience: Audience, budget: float) -> Callable[[_F], _F]:
    """Return a decorator that declares a hook specification; see ``HookSpec``. ``budget`` is in seconds."""

    def declare(function: _F) -> _F:
        name = function.__name__
        HOOK_SPECS[name] = HookSpec(name, kind, audience, budget)
        return hookspec(function)

    return declare


# Hooks have no body: pluggy calls the implementations only. mypy reports an empty body where there is a result.
@specify("pure", "plugin", budget=1.0)
def scm_register_providers() -> Sequence[Provider]:  # type: ignore[empty-body]
    """The providers that this plugin offers. Called once, when the plugin is loaded."""


@specify("io", "provider", budget=10.0)
def scm_install(  # type: ignore[empty-body]
    form: BaseModel, organization: Organization, settings: BaseModel
) -> InstallationDraft:
    """Turn a filled-in install form into an installation. The form is an instance of the provider's model."""


@specify("io", "provider", budget=10.0)
def scm_refresh_credentials(installation: Installation, settings: BaseModel) -> RefreshedCredentials | None:
    """Renew the secrets of an installation, which are in ``installation.secrets``. None if that is impossible.

    Called when a hook raises ``ProviderUnauthorized``, and shortly before the secrets expire; by one worker at a time.
    The host saves the result, then calls the hook again. After None or a ``ProviderError`` the installation needs
    attention; raise ``ProviderUnavailable`` if the code host does not answer now.
    """


@specify("io", "provider", budget=10.0)
def scm_offer_repositories(  # type: ignore[empty-body]
    installation: Installation, repositories: Sequence[Repository], search: str, settings: BaseModel
) -> Sequence[Offer]:
    """The repositories that may be added to an installation.

    ``repositories`` are the unclaimed, active repositories of the organization, sorted by name. ``search`` is the text
    that a user searches for, or empty. The host removes offers of repositories that the installation already has: their
    identifier or name equals the name or the external id of one of its repositories.
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

    Optional; it makes links cheap. None means that the host calls ``scm_source_url`` instead. A process caches the
    result, None included, for the thousand most recently used repositories, across requests. It calls the hook again
    when the installation, the repository or the plugin's settings have changed.
    """


@specify("pure", "provider", budget=1.0)
def scm_read_source_url(  # type: ignore[empty-body]
    installation: Installation, url: str, repositories: Sequence[Repository]
) -> Sequence[LocationCandidate]:
    """The locations that a pasted URL may mean, the most likely first; empty if it is no page of this installation.

    If the result is empty, the host tries the forms of pages that most code hosts share.
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
    """The page that shows the changes between two commits: those of a release and of the release before it."""


# A request for links waits for this hook, so that its budget is short.
@specify("io", "provider", budget=3.0)
def scm_file_exists(  # type: ignore[empty-body]
    installation: Installation, repository: Repository, location: Location, settings: BaseModel
) -> Existence:
    """Whether the file of a location exists. ``UNKNOWN`` keeps the link, unverified.

    Called once for each file of a request. Raise a ``ProviderError`` if the code host cannot answer: the link is kept,
    unverified, and in this request the hook is not called for the repository's other files. Only ``ProviderForbidden``
    removes the link.
    """


@specify("io", "provider", budget=3.0)
def scm_resolve_ref(
    installation: Installation, repository: Repository, ref: str | None, settings: BaseModel
) -> ResolvedRef | None:
    """The name, the kind and the current commit of a ref: a branch, a tag, a commit, or the beginning of a commit's id.

    Without a ref: the default branch. None if the repository has no such ref. The host uses the result for releases,
    which keep the commit that their tag had when the ref was set; for code mappings without a branch, which link to the
    default branch; and for pasted URLs, to tell the name of a branch from the path after it.
    """


# Called in the background: no request waits for it.
@specify("io", "provider", budget=30.0)
def scm_compare_commits(  # type: ignore[empty-body]
    installation: Installation, repository: Repository, base: str | None, head: str, settings: BaseModel
) -> Sequence[CommitDraft]:
    """The commits after ``base`` up to ``head``, newest first, with their file changes.

    Without a base: the newest commits, as many as the plugin considers useful. Called in the background after refs are
    set on a release. ``head`` is a full commit id if ``scm_resolve_ref`` returns one, else the text that the sender
    wrote; the same is true for ``base``.
    """


@specify("pure", "provider", budget=2.0)
def scm_read_push(  # type: ignore[empty-body]
    installation: Installation, headers: Mapping[str, str], body: bytes, secret: str
) -> Sequence[Push]:
    """Read a webhook that was sent to an installation. Header names are lower case.

    Check the signature before parsing the body. Raise ``ProviderForbidden`` for a missing or wrong signature: the host
    tries the installation's next valid secret, and answers 401 if none matches. Raise ``ProviderError`` for a body that
    cannot be parsed (400). For an event that is not a push, such as a ping, return no pushes.
    """


@specify("io", "listeners", budget=2.0)
def scm_repository_saved(organization: Organization, repository: Repository) -> None:
    """A repository was created, changed, claimed or unclaimed. Called after the transaction."""


@specify("io", "listeners", budget=2.0)
def scm_commits_saved(organization: Organization, repository: Repository, shas: Sequence[str]) -> None:
    """Commits new to the host were saved for a repository. Called after the transaction."""


@specify("io", "listeners", budget=10.0)
def scm_startup(settings: BaseModel, data_folder: Path) -> None:
    """Start the plugin: a process that serves starts, or an operator enables the plugin while it runs.

    ``data_folder`` is a folder for the plugin's own files; it exists, and other plugins have other ones. Processes
    share it. A command, such as ``scmhost plugins list``, does not start plugins.

    Called after the plugin is validated, before any other hook that concerns an organization. Called again when an
    operator disables the plugin and enables it again in the same process.
    """


@specify("io", "listeners", budget=5.0)
def scm_shutdown() -> None:
    """Stop the plugin: the process ends, or an operator disables the plugin. Calls in progress may still finish."""


@specify("pure", "listeners", budget=1.0)
def scm_register_commands(settings: BaseModel, data_folder: Path) -> Sequence[Command]:  # type: ignore[empty-body]
    """Commands that this plugin adds to the ``scmhost`` command line.

    A command may use the settings and the data folder, as ``scm_startup`` gets them.
    """


# The host and the conformance suite both validate with what follows, so that they accept the same plugins.

ARGUMENTS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {name: tuple(inspect.signature(globals()[name]).parameters) for name in HOOK_SPECS}
)
"""The arguments of each hook, by the hook's name."""

# The alias's long form in the signature is harder to read than the names of its members.
_RESULT_TEXTS: Final[Mapping[str, str]] = {"scm_dispatch_repository": "Claim | Create | Refusal"}
# Names of modules would make a signature too long to read, and plugins import from ``scmhost.sdk`` only.
_MODULES: Final = re.compile(r"\b(?:[a-z_]+\.)+(?=[A-Z])")


# Making a validator is much slower than a validation.
@cache
def result_adapter(hook: str) -> TypeAdapter[Any]:
    """Return the validator of a hook's result."""
    annotation: Any = get_type_hints(globals()[hook], include_extras=True)["return"]
    # Only ``scm_serialize_repository`` returns a mapping of its own.
    if get_origin(annotation) is not Mapping:
        annotation = Annotated[annotation, BeforeValidator(refuse_dict)]
    return TypeAdapter(annotation)


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
    # The context of an error may contain the value too.
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    field = ".".join(map(str, first["loc"]))
    detail = f" (at {field}: {first['msg']})" if field else ""
    return f"returned {type(result).__name__!r} where {expected} is expected{detail}"


# Two helpers for ``scm_read_push``. They take constant time. An empty secret matches nothing: everybody can send it.


def check_signature(secret: str, body: bytes, signature: str) -> bool:
    """Return whether a signature is the HMAC-SHA256 of the raw body, in hexadecimal, with or without ``sha256=``."""
    expected = hmac.new(_bytes(secret), body, hashlib.sha256).hexdigest()
    # Some hosts send the digits alone, and some in upper case.
    given = signature.strip().removeprefix("sha256=").lower()
    return bool(secret) and hmac.compare_digest(_bytes(expected), _bytes(given))


def same_secret(secret: str, given: str) -> bool:
    """Return whether two secrets are equal, for hosts that send the secret itself."""
    # Bytes, because ``compare_digest`` refuses text outside of ASCII.
    return bool(secret) and hmac.compare_digest(_bytes(secret), _bytes(given))


def _bytes(text: str) -> bytes:
    # Lone surrogates cannot be encoded as UTF-8, but a header may contain them.
    return text.encode("utf-8", "surrogatepass")
