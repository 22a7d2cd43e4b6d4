"""Calls of one provider's hooks: with the operator's settings, valid configuration and the installation's secrets."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property, partial
from threading import Lock
from typing import Final, TypeVar, cast

from cachetools import FIFOCache
from pydantic import BaseModel, JsonValue, SecretStr, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from scmhost.sdk import (
    Installation,
    InstallationDraft,
    JsonObject,
    NoUrl,
    Provider,
    ProviderUnauthorized,
    ProviderUnavailable,
    RefreshedCredentials,
    Repository,
)
from scmhost.sdk.configuration import (
    field_key,
    first_problem,
    leak_problem,
    mask_problem,
    model_input,
    separated,
)
from scmhost.sdk.secrets import NO_SECRETS, secret_fields

from .config.redaction import credential_texts
from .credentials import Credentials, CredentialStore, NeedsAttention, Refresh
from .errors import PluginFault
from .isolation.faults import safe_text
from .isolation.guard import Guard, Implementation

T = TypeVar("T")

_MOST_CHECKED: Final = 10_000


class PluginCalls:
    """The way to one provider's hooks, which are resolved once. ``ProviderCalls`` has a method for each hook."""

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
        # The problem of a configuration, with the configuration itself, by installation.
        self._checked: FIFOCache[int, tuple[JsonObject, str | None]] = FIFOCache(_MOST_CHECKED)
        self._lock = Lock()
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
            ValidationError: the model refuses the fields. Its texts contain no secret.
        """
        given = [_plain(fields.get(field_key(model, name))) for name in secret_fields(model)]
        texts = credential_texts(SecretStr(str(value)) for value in given if value is not None)
        return self._run(partial(_validated, model, dict(fields), texts), (ValidationError,), texts)

    def _checked_draft(self, implementation: Implementation, draft: InstallationDraft) -> InstallationDraft:
        model = self.provider.configuration
        problem = mask_problem(draft)
        if problem is None:
            draft = separated(model, draft)
            problem = leak_problem(draft) or self._model_problem(draft.configuration, draft.secrets)
        if problem:
            raise PluginFault(implementation.origin, "bad_result", f"returned a draft whose {problem}")
        return draft

    def configuration_problem(self, installation: Installation) -> str | None:
        """Return why the provider's model does not accept an installation's stored configuration, or None."""
        if self.provider.configuration is None:
            return None
        known = self._checked.get(installation.id)
        # Pure hooks are called a thousand times a second, and the configuration hardly ever changes.
        if known is not None and known[0] == installation.configuration:
            return known[1]
        try:
            secrets = self._credentials.stored(installation).secrets if self._has_secret_fields else NO_SECRETS
        except NeedsAttention:
            # Without its secrets the configuration cannot be checked; hooks that need none are called.
            return None
        problem = self._model_problem(installation.configuration, secrets)
        # A secret that was missing may be entered, and the configuration stays the same.
        if problem is None or not self._has_secret_fields:
            with self._lock:
                self._checked[installation.id] = installation.configuration, problem
        return problem

    def _model_problem(self, configuration: JsonObject, secrets: Mapping[str, SecretStr]) -> str | None:
        model = self.provider.configuration
        if model is None:
            return None
        try:
            self.read_form(model, model_input(model, configuration, secrets))
        except ValidationError as error:
            return f"configuration is not valid for {model.__name__} ({first_problem(error)})"
        return None

    def _run(
        self,
        work: Callable[[], T],
        expected: tuple[type[Exception], ...] = (),
        secrets: frozenset[str] = frozenset(),
    ) -> T:
        implementation = self._implementations["scm_install"]
        # Counted under a name of its own: a form that can be read does not show that scm_install works.
        origin = replace(implementation.origin, hook="form")
        return self._guard.run(origin, work, implementation.spec.budget, expected, secrets)

    def _call(self, hook: str, missing: T, **arguments: object) -> T:
        implementation = self._implementations.get(hook)
        if implementation is None:
            return missing
        # Settings belong to the snapshot: a call that is under way keeps those that it began with.
        arguments["settings"] = self.settings
        installation = arguments.get("installation")
        if isinstance(installation, Installation):
            problem = self.configuration_problem(installation)
            if problem:
                raise NeedsAttention(f"Installation {installation.name!r} needs attention: its {problem}.")
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

    @cached_property
    def _has_secret_fields(self) -> bool:
        return self.provider.configuration is not None and bool(secret_fields(self.provider.configuration))


def _plain(value: object) -> object:
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def _validated(model: type[BaseModel], fields: dict[str, JsonValue], secrets: frozenset[str]) -> BaseModel:
    """Validate fields; the texts of the errors, which the plugin may have written, are read here and made safe."""
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        details = [
            InitErrorDetails(
                # A placeholder, so that braces in the text are not read as a template.
                type=PydanticCustomError(item["type"], "{text}", {"text": safe_text(item["msg"], secrets=secrets)}),
                loc=item["loc"],
                input=item["input"],
            )
            for item in error.errors(include_url=False, include_context=False)
        ]
        # Not chained: a traceback would show the original texts, which are not safe.
        raise ValidationError.from_exception_data(error.title, details, hide_input=True) from None
