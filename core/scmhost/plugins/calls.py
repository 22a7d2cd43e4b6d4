"""Typed calls of one provider's plugin, with its hooks resolved once."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Any, TypeVar

from pydantic import BaseModel, JsonValue, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from scmhost.infra.errors import ProviderRefused
from scmhost.sdk import (
    AddRequest,
    Claim,
    CommitDraft,
    Create,
    Existence,
    Installation,
    InstallationDraft,
    Location,
    LocationCandidate,
    NoUrl,
    Offer,
    Organization,
    Provider,
    ProviderError,
    ProviderForbidden,
    ProviderUnavailable,
    Push,
    Refusal,
    Repository,
    ResolvedRef,
    UrlTemplates,
)
from scmhost.sdk.values import frozen

from .isolation.faults import safe_text
from .isolation.guard import Guard, Implementation
from .isolation.pauses import seconds_of

T = TypeVar("T")


class ProviderCalls:
    """Calls the hooks of one provider. For a hook that its plugin does not have, a call returns "no" or nothing.

    Every call may raise ``ProviderError``, when the plugin reports that it cannot answer, or ``PluginFault``, when it
    violates the contract.
    """

    def __init__(
        self, provider: Provider, settings: BaseModel, implementations: Mapping[str, Implementation], guard: Guard
    ) -> None:
        self.provider = provider
        self.settings = settings
        self._implementations = implementations
        self._guard = guard
        # Made once: it depends on the provider's name alone.
        self._no_page = NoUrl(message=f"{provider.name} has no such page")

    @property
    def plugin(self) -> str:
        """The name of the plugin."""
        # Every provider has this hook; another one may be missing.
        return self._implementations["scm_install"].origin.plugin

    def has(self, hook: str) -> bool:
        """Return whether the plugin implements a hook."""
        return hook in self._implementations

    def read_form(self, model: type[BaseModel], fields: Mapping[str, JsonValue]) -> BaseModel:
        """Return the fields as one of the provider's own models. Its validators are the plugin's code.

        Raises:
            ValidationError: the model refuses the fields.
        """
        return self._run(partial(_validated, model, dict(fields)), (ValidationError,))

    def form_schema(self) -> dict[str, Any]:
        """Return the install form as JSON Schema."""
        # In a worker: a model may build its schema with code of the plugin.
        return self._run(self.provider.install_form.model_json_schema)

    def install(self, form: BaseModel, organization: Organization) -> InstallationDraft:
        """``scm_install``, with an instance of the provider's form."""
        # No provider is loaded without this hook.
        arguments = {"form": form, "organization": organization, "settings": self.settings}
        draft: InstallationDraft = self._guard.call(self._implementations["scm_install"], arguments)
        return draft

    def offer_repositories(
        self, installation: Installation, repositories: Sequence[Repository], search: str
    ) -> Sequence[Offer]:
        """``scm_offer_repositories``; nothing without the hook."""
        return self._call(
            "scm_offer_repositories", (), installation=installation, repositories=tuple(repositories), search=search
        )

    def dispatch_repository(
        self, installation: Installation, request: AddRequest, candidate: Repository | None
    ) -> Claim | Create | Refusal:
        """``scm_dispatch_repository``; a refusal without the hook."""
        missing = Refusal(reason="invalid", message=f"{self.provider.name} does not add repositories.")
        return self._call(
            "scm_dispatch_repository", missing, installation=installation, request=request, candidate=candidate
        )

    def serialize_repository(self, repository: Repository, payload: Mapping[str, JsonValue]) -> Mapping[str, JsonValue]:
        """``scm_serialize_repository``; nothing to change without the hook."""
        return self._call("scm_serialize_repository", {}, repository=repository, payload=frozen(payload))

    def source_url(self, installation: Installation, repository: Repository, location: Location) -> str | NoUrl:
        """``scm_source_url``; no URL without the hook."""
        return self._call(
            "scm_source_url", self._no_page, installation=installation, repository=repository, location=location
        )

    def url_templates(self, installation: Installation, repository: Repository) -> UrlTemplates | None:
        """``scm_url_templates``; None without the hook."""
        return self._call("scm_url_templates", None, installation=installation, repository=repository)

    def commit_url(self, installation: Installation, repository: Repository, sha: str) -> str | NoUrl:
        """``scm_commit_url``; no URL without the hook."""
        return self._call("scm_commit_url", self._no_page, installation=installation, repository=repository, sha=sha)

    def compare_url(self, installation: Installation, repository: Repository, base: str, head: str) -> str | NoUrl:
        """``scm_compare_url``; no URL without the hook."""
        return self._call(
            "scm_compare_url", self._no_page, installation=installation, repository=repository, base=base, head=head
        )

    def file_exists(self, installation: Installation, repository: Repository, location: Location) -> Existence:
        """``scm_file_exists``; unknown without the hook."""
        return self._call(
            "scm_file_exists",
            Existence.UNKNOWN,
            installation=installation,
            repository=repository,
            location=location,
        )

    def resolve_ref(self, installation: Installation, repository: Repository, ref: str | None) -> ResolvedRef | None:
        """``scm_resolve_ref``; None without the hook."""
        return self._call("scm_resolve_ref", None, installation=installation, repository=repository, ref=ref)

    def read_source_url(
        self, installation: Installation, url: str, repositories: Sequence[Repository]
    ) -> Sequence[LocationCandidate]:
        """``scm_read_source_url``; nothing without the hook."""
        return self._call(
            "scm_read_source_url", (), installation=installation, url=url, repositories=tuple(repositories)
        )

    def compare_commits(
        self, installation: Installation, repository: Repository, base: str | None, head: str
    ) -> Sequence[CommitDraft]:
        """``scm_compare_commits``; nothing without the hook."""
        return self._call(
            "scm_compare_commits", (), installation=installation, repository=repository, base=base, head=head
        )

    def read_push(
        self, installation: Installation, headers: Mapping[str, str], body: bytes, secret: str
    ) -> Sequence[Push]:
        """``scm_read_push``, with header names in lower case; nothing without the hook."""
        # HTTP header names have no case, and code hosts write them in several ways.
        lowered = MappingProxyType({name.lower(): value for name, value in headers.items()})
        return self._call("scm_read_push", (), installation=installation, headers=lowered, body=body, secret=secret)

    def _run(self, work: Callable[[], T], expected: tuple[type[Exception], ...] = ()) -> T:
        implementation = self._implementations["scm_install"]
        # Counted under a name of its own: a form that can be read does not show that scm_install works.
        origin = replace(implementation.origin, hook="form")
        return self._guard.run(origin, work, implementation.spec.budget, expected)

    def _call(self, hook: str, missing: T, **arguments: object) -> T:
        implementation = self._implementations.get(hook)
        if implementation is None:
            return missing
        # Settings belong to the snapshot: a call that is under way keeps those that it began with.
        arguments["settings"] = self.settings
        installation = arguments.get("installation")
        if implementation.inline or not isinstance(installation, Installation):
            # The guard has validated the result against the hook's annotation.
            result: T = self._guard.call(implementation, arguments)
            return result
        self._guard.pauses.check(installation)
        try:
            answer: T = self._guard.call(implementation, arguments)
        except ProviderUnavailable as error:
            self._guard.pauses.note(installation, error)
            raise
        return answer


def _validated(model: type[BaseModel], fields: dict[str, JsonValue]) -> BaseModel:
    """Validate fields; the texts of the errors, which the plugin may have written, are read here and made safe."""
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        details = [
            InitErrorDetails(
                # A placeholder, so that braces in the text are not read as a template.
                type=PydanticCustomError(item["type"], "{text}", {"text": safe_text(item["msg"])}),
                loc=item["loc"],
                input=item["input"],
            )
            for item in error.errors(include_url=False, include_context=False)
        ]
        # Not chained: a traceback would show the original texts, which are not safe.
        raise ValidationError.from_exception_data(error.title, details) from None


@contextmanager
def refusals() -> Iterator[None]:
    """Turn the errors that a plugin raises on purpose into ProviderRefused, with the plugin's own text."""
    try:
        yield
    except ProviderError as error:
        # Every other ProviderError is about the input: the caller can correct it.
        reason = "invalid"
        if isinstance(error, ProviderForbidden):
            reason = "forbidden"
        elif isinstance(error, ProviderUnavailable):
            reason = "unavailable"
        text = str(error) or "The provider refused without saying why."
        raise ProviderRefused(reason, text, seconds_of(error)) from error
