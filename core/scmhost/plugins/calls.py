"""Typed calls of one provider's plugin, with its hooks resolved once."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Lock
from types import MappingProxyType
from typing import Final, TypeVar, cast

from cachetools import FIFOCache
from pydantic import BaseModel, JsonValue

from scmhost.infra.errors import ProviderRefused
from scmhost.sdk import (
    AddRequest,
    BlamedLine,
    Claim,
    CommitDraft,
    CommitPage,
    Create,
    DeliveryRoute,
    Existence,
    Installation,
    Location,
    LocationCandidate,
    NoUrl,
    Offer,
    OfferPage,
    Provider,
    ProviderError,
    ProviderForbidden,
    ProviderUnauthorized,
    ProviderUnavailable,
    Push,
    RefreshedCredentials,
    Refusal,
    RegisteredWebhook,
    Repository,
    RepositoryUpdate,
    ResolvedRef,
    UrlTemplates,
)
from scmhost.sdk.secrets import NO_SECRETS
from scmhost.sdk.values import frozen

from .credentials import Credentials, CredentialStore, NeedsAttention, Refresh
from .errors import PluginFault
from .form_calls import CheckedConfiguration, FormCalls
from .isolation.circuit_breaker import seconds_of
from .isolation.guard import Guard, Implementation

T = TypeVar("T")

_MOST_CHECKED: Final = 10_000


class ProviderCalls(FormCalls):
    """Calls the hooks of one provider. For a hook that its plugin does not have, a call returns "no" or nothing.

    Every call may raise ``ProviderError``, when the plugin reports that it cannot answer, or ``PluginFault``, when it
    violates the contract. A call for an installation raises ``NeedsAttention`` while its configuration is invalid, and
    one of an I/O hook also while its credentials cannot be used.
    """

    def __init__(
        self,
        provider: Provider,
        settings: BaseModel,
        implementations: Mapping[str, Implementation],
        guard: Guard,
        credentials: CredentialStore,
    ) -> None:
        self.provider = provider
        self.settings = settings
        self._implementations = implementations
        self._guard = guard
        self._credentials = credentials
        self._checked: FIFOCache[int, CheckedConfiguration] = FIFOCache(_MOST_CHECKED)
        self._lock = Lock()
        # Made once: it depends on the provider's name alone.
        self._no_page = NoUrl(message=f"{provider.name} has no such page")

    def has(self, hook: str) -> bool:
        """Return whether the plugin implements a hook."""
        return hook in self._implementations

    def takes(self, hook: str, argument: str) -> bool:
        """Return whether the plugin's implementation of a hook has an argument, whose value need not be read else."""
        implementation = self._implementations.get(hook)
        return implementation is not None and argument in implementation.parameters

    def configuration_problem(self, installation: Installation) -> str | None:
        """Return why the provider's model accepts neither the stored configuration nor its upgrade, or None."""
        return self.checked_configuration(installation).problem

    def usable_installation(self, installation: Installation) -> Installation:
        """Return an installation as its hooks get it: with the configuration that the plugin upgraded, if it did.

        Raises:
            NeedsAttention: its configuration is not valid, and cannot be upgraded.
        """
        checked = self.checked_configuration(installation)
        if checked.problem:
            raise NeedsAttention(f"Installation {installation.name!r} needs attention: its {checked.problem}.")
        if checked.upgraded is None:
            return installation
        return installation.model_copy(update={"configuration": checked.upgraded})

    def checked_configuration(self, installation: Installation) -> CheckedConfiguration:
        """Check the stored configuration, and upgrade it in memory if the provider's model refuses it."""
        stored = installation.configuration
        if self.provider.configuration is None:
            return CheckedConfiguration(stored)
        known = self._checked.get(installation.id)
        # Pure hooks are called a thousand times a second, and the configuration hardly ever changes.
        if known is not None and known.stored == stored:
            return known
        try:
            secrets = self._credentials.stored(installation).secrets if self._has_secret_fields else NO_SECRETS
        except NeedsAttention:
            # Without its secrets the configuration cannot be checked; hooks that need none are called.
            return CheckedConfiguration(stored)
        checked = CheckedConfiguration(stored, self._model_problem(stored, secrets))
        if checked.problem and self.has("scm_upgrade_configuration"):
            checked = self._upgraded(installation, secrets, checked.problem)
        # A secret that was missing may be entered, and the configuration stays the same.
        if checked.problem is None or not self._has_secret_fields:
            with self._lock:
                self._checked[installation.id] = checked
        return checked

    def uninstall(self, installation: Installation) -> None:
        """``scm_uninstall``; nothing without the hook."""
        self._call("scm_uninstall", None, installation=installation)

    def offer_repositories(
        self, installation: Installation, repositories: Sequence[Repository], search: str, cursor: str = ""
    ) -> OfferPage:
        """``scm_offer_repositories``; nothing without the hook. All offers of a plain sequence are one page.

        Raises:
            PluginFault: the page leads to itself, so that a client would never reach the end.
        """
        answer: Sequence[Offer] | OfferPage = self._call(
            "scm_offer_repositories",
            OfferPage(offers=()),
            installation=installation,
            repositories=tuple(repositories),
            search=search,
            cursor=cursor,
        )
        if not isinstance(answer, OfferPage):
            return OfferPage(offers=tuple(answer))
        if answer.next is not None and answer.next == cursor:
            origin = self._implementations["scm_offer_repositories"].origin
            raise PluginFault(origin, "bad_result", "returned a page whose next cursor is its own")
        return answer

    def dispatch_repository(
        self, installation: Installation, request: AddRequest, candidate: Repository | None
    ) -> Claim | Create | Refusal:
        """``scm_dispatch_repository``; a refusal without the hook."""
        missing = Refusal(reason="invalid", message=f"{self.provider.name} does not add repositories.")
        return self._call(
            "scm_dispatch_repository", missing, installation=installation, request=request, candidate=candidate
        )

    def sync_repositories(
        self, installation: Installation, repositories: Sequence[Repository]
    ) -> Sequence[RepositoryUpdate]:
        """``scm_sync_repositories``; nothing without the hook."""
        return self._call("scm_sync_repositories", (), installation=installation, repositories=tuple(repositories))

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
    ) -> CommitPage:
        """``scm_compare_commits``; nothing without the hook."""
        answer: Sequence[CommitDraft] | CommitPage = self._call(
            "scm_compare_commits", (), installation=installation, repository=repository, base=base, head=head
        )
        return answer if isinstance(answer, CommitPage) else CommitPage(commits=tuple(answer))

    def read_file(self, installation: Installation, repository: Repository, ref: str, path: str) -> bytes | None:
        """``scm_read_file``; None without the hook."""
        return self._call("scm_read_file", None, installation=installation, repository=repository, ref=ref, path=path)

    def blame_lines(
        self, installation: Installation, repository: Repository, ref: str, path: str, lines: Sequence[int]
    ) -> Sequence[BlamedLine]:
        """``scm_blame_lines``; nothing without the hook."""
        return self._call(
            "scm_blame_lines",
            (),
            installation=installation,
            repository=repository,
            ref=ref,
            path=path,
            lines=tuple(lines),
        )

    def register_webhook(
        self, installation: Installation, repository: Repository, address: str, secret: str
    ) -> RegisteredWebhook | None:
        """``scm_register_webhook``; None without the hook."""
        return self._call(
            "scm_register_webhook",
            None,
            installation=installation,
            repository=repository,
            address=address,
            secret=secret,
        )

    def unregister_webhook(
        self, installation: Installation, repository: Repository, webhook: RegisteredWebhook
    ) -> None:
        """``scm_unregister_webhook``; nothing without the hook."""
        self._call("scm_unregister_webhook", None, installation=installation, repository=repository, webhook=webhook)

    def route_delivery(self, headers: Mapping[str, str], body: bytes) -> DeliveryRoute | None:
        """``scm_route_delivery``; None without the hook."""
        return self._call("scm_route_delivery", None, headers=_lowered(headers), body=body)

    def read_push(
        self,
        installation: Installation,
        headers: Mapping[str, str],
        body: bytes,
        secret: str,
        repositories: Sequence[Repository] = (),
    ) -> Sequence[Push]:
        """``scm_read_push``; nothing without the hook."""
        return self._call(
            "scm_read_push",
            (),
            installation=installation,
            headers=_lowered(headers),
            body=body,
            secret=secret,
            repositories=tuple(repositories),
        )

    def _call(self, hook: str, missing: T, **arguments: object) -> T:
        implementation = self._implementations.get(hook)
        if implementation is None:
            return missing
        # Settings belong to the snapshot: a call that is under way keeps those that it began with.
        arguments["settings"] = self.settings
        installation = arguments.get("installation")
        if isinstance(installation, Installation):
            if self.provider.configuration is not None:
                installation = arguments["installation"] = self.usable_installation(installation)
            if not implementation.inline:
                repository = arguments.get("repository")
                if isinstance(repository, Repository) and repository.state == "deleted":
                    # Every such request would fail, and take the time of the code host.
                    return missing
                return cast("T", self._call_host(implementation, arguments, installation))
        # The guard has validated the result against the hook's annotation.
        result: T = self._guard.call(implementation, arguments)
        return result

    def _call_host(
        self, implementation: Implementation, arguments: Mapping[str, object], installation: Installation
    ) -> object:
        """Call an I/O hook for an installation, unless its code host asked for a pause."""
        if self._guard.pauses.ends:
            self._guard.pauses.check(installation)
        try:
            # A hook that does not take the installation needs no credentials.
            if "installation" in implementation.parameters:
                return self._call_with_credentials(implementation, arguments, installation)
            answer: object = self._guard.call(implementation, arguments)
        except ProviderUnavailable as error:
            self._guard.pauses.note(installation, error)
            raise
        return answer

    def _call_with_credentials(
        self, implementation: Implementation, arguments: Mapping[str, object], installation: Installation
    ) -> object:
        """Call an I/O hook with the installation's secrets; once more after the code host has refused them."""
        patience = implementation.spec.budget
        held = self._credentials.get(installation, self._refresh, patience)
        try:
            return self._call_with(implementation, arguments, installation, held)
        except ProviderUnauthorized as error:
            if not held.version:
                raise
            renewed = self._credentials.renew(installation, held, self._refresh, patience, error)
        try:
            return self._call_with(implementation, arguments, installation, renewed)
        except ProviderUnauthorized as error:
            raise self._credentials.reject(installation, renewed, error) from error

    def _call_with(
        self,
        implementation: Implementation,
        arguments: Mapping[str, object],
        installation: Installation,
        held: Credentials,
    ) -> object:
        given = {**arguments, "installation": held.given_to(installation)}
        result: object = self._guard.call(implementation, given, held.texts)
        if held.doubted:
            self._credentials.confirm(installation, held)
        return result

    @property
    def _refresh(self) -> Refresh | None:
        implementation = self._implementations.get("scm_refresh_credentials")
        if implementation is None:
            return None

        def refresh(installation: Installation, held: Credentials) -> RefreshedCredentials | None:
            arguments = {"settings": self.settings}
            return cast("RefreshedCredentials | None", self._call_with(implementation, arguments, installation, held))

        return refresh


def _lowered(headers: Mapping[str, str]) -> Mapping[str, str]:
    # HTTP header names have no case, and code hosts write them in several ways.
    return MappingProxyType({name.lower(): value for name, value in headers.items()})


@contextmanager
def refusals() -> Iterator[None]:
    """Turn the errors that a plugin raises on purpose into ProviderRefused, with the plugin's own text."""
    try:
        yield
    except ProviderError as error:
        # Every other ProviderError is about the input: the caller can correct it.
        reason = "invalid"
        if isinstance(error, ProviderForbidden | ProviderUnauthorized):
            reason = "forbidden"
        elif isinstance(error, ProviderUnavailable):
            reason = "unavailable"
        text = str(error) or "The provider refused without saying why."
        raise ProviderRefused(reason, text, seconds_of(error)) from error
