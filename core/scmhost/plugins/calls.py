"""Typed calls of one provider's plugin, with its hooks resolved once."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel, JsonValue

from scmhost.infra.errors import ProviderRefused
from scmhost.sdk import (
    AddRequest,
    BlamedLine,
    Claim,
    CommitDraft,
    Create,
    DeliveryRoute,
    Existence,
    Installation,
    InstallationDraft,
    JsonObject,
    Location,
    LocationCandidate,
    NoUrl,
    Offer,
    OfferPage,
    Organization,
    ProviderError,
    ProviderForbidden,
    ProviderUnauthorized,
    ProviderUnavailable,
    Push,
    RedirectTo,
    Refusal,
    RegisteredWebhook,
    Repository,
    RepositoryUpdate,
    ResolvedRef,
    UrlTemplates,
)
from scmhost.sdk.secrets import secret_fields
from scmhost.sdk.values import frozen

from .config.redaction import credential_texts
from .errors import PluginFault
from .hook_calls import PluginCalls
from .isolation.pauses import seconds_of


class ProviderCalls(PluginCalls):
    """Calls the hooks of one provider. For a hook that its plugin does not have, a call returns "no" or nothing.

    Every call may raise ``ProviderError``, when the plugin reports that it cannot answer, or ``PluginFault``, when it
    violates the contract. A call for an installation raises ``NeedsAttention`` while its configuration is invalid, and
    one of an I/O hook also while its credentials cannot be used.
    """

    def form_schema(self) -> dict[str, Any]:
        """Return the install form as JSON Schema."""
        # In a worker: a model may build its schema with code of the plugin.
        return self._run(self.provider.install_form.model_json_schema)

    def install(self, form: BaseModel, organization: Organization) -> InstallationDraft:
        """``scm_install``, with an instance of the provider's form. The draft can be saved.

        Raises:
            PluginFault: the configuration is not valid for the provider's model, or a secret would be lost or shown.
        """
        # No provider is loaded without this hook.
        implementation = self._implementations["scm_install"]
        arguments = {"form": form, "organization": organization, "settings": self.settings}
        secrets = (value for name in secret_fields(type(form)) if (value := getattr(form, name)))
        draft: InstallationDraft = self._guard.call(implementation, arguments, credential_texts(secrets))
        return self._checked_draft(implementation, draft)

    def begin_install(
        self, form: BaseModel, organization: Organization, callback_url: str, state: str
    ) -> RedirectTo | InstallationDraft:
        """``scm_begin_install``, which the plugin has, with an instance of the provider's form."""
        implementation = self._implementations["scm_begin_install"]
        arguments = {"form": form, "organization": organization, "callback_url": callback_url, "state": state}
        secrets = (value for name in secret_fields(type(form)) if (value := getattr(form, name)))
        step: RedirectTo | InstallationDraft = self._guard.call(
            implementation, {**arguments, "settings": self.settings}, credential_texts(secrets)
        )
        return self._checked_draft(implementation, step) if isinstance(step, InstallationDraft) else step

    def finish_install(
        self, query: Mapping[str, str], saved: JsonObject, organization: Organization, callback_url: str
    ) -> InstallationDraft:
        """``scm_finish_install``, which the plugin has. The draft can be saved."""
        implementation = self._implementations["scm_finish_install"]
        arguments = {"query": MappingProxyType(dict(query)), "saved": frozen(saved), "organization": organization}
        draft: InstallationDraft = self._guard.call(
            implementation, {**arguments, "callback_url": callback_url, "settings": self.settings}
        )
        return self._checked_draft(implementation, draft)

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
    ) -> Sequence[CommitDraft]:
        """``scm_compare_commits``; nothing without the hook."""
        return self._call(
            "scm_compare_commits", (), installation=installation, repository=repository, base=base, head=head
        )

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
