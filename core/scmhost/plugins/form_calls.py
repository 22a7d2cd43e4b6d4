"""Calls of a plugin for an installation that does not exist yet, and the check of its configuration."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property, partial
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeVar

from pydantic import BaseModel, JsonValue, SecretStr, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from scmhost.sdk import Installation, InstallationDraft, JsonObject, Organization, Provider, ProviderError, RedirectTo
from scmhost.sdk.installing import (
    field_key,
    first_problem,
    leak_problem,
    mask_problem,
    model_input,
    redirect_problem,
    saved_problem,
    separated,
)
from scmhost.sdk.secrets import secret_fields
from scmhost.sdk.values import frozen

from .config.redaction import credential_texts, is_secret_name, secrets_of
from .credentials import CredentialStore
from .errors import PluginFault
from .isolation.faults import safe_text
from .isolation.guard import Guard, Implementation

T = TypeVar("T")

_UPGRADE: Final = "scm_upgrade_configuration"

# Parameters of OAuth 2.0 that prove who the person is; other secrets are found by their names.
_CODES: Final = frozenset({"code", "state"})


class CheckedConfiguration(NamedTuple):
    """The result of checking a stored configuration.

    Attributes:
        stored: the configuration that was checked.
        problem: why neither it nor its upgrade is valid for the provider's model; None if one of them is.
        upgraded: the configuration to use in its place; None if the stored one is valid, or cannot be upgraded.
    """

    stored: JsonObject
    problem: str | None = None
    upgraded: JsonObject | None = None


class FormCalls:
    """The part of ``ProviderCalls`` that reads forms, and calls the hooks that turn a form into an installation."""

    # ``ProviderCalls`` sets them.
    provider: Provider
    settings: BaseModel
    _implementations: Mapping[str, Implementation]
    _guard: Guard
    _credentials: CredentialStore

    @property
    def plugin(self) -> str:
        """The name of the plugin."""
        # Every provider has this hook; another one may be missing.
        return self._implementations["scm_install"].origin.plugin

    def read_form(self, model: type[BaseModel], fields: Mapping[str, JsonValue]) -> BaseModel:
        """Return the fields as one of the provider's own models. Its validators are the plugin's code.

        Raises:
            ValidationError: the model refuses the fields. Its texts contain no secret.
        """
        given = [_plain(fields.get(field_key(model, name))) for name in secret_fields(model)]
        texts = credential_texts(SecretStr(str(value)) for value in given if value is not None)
        return self._run(partial(_validated, model, dict(fields), texts), (ValidationError,), texts)

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
        draft: InstallationDraft = self._guard.call(implementation, arguments, _secret_texts(form))
        return self._checked_draft(implementation, draft)

    def begin_install(
        self, form: BaseModel, organization: Organization, callback_url: str, state: str
    ) -> RedirectTo | InstallationDraft:
        """``scm_begin_install``, which the plugin has, with an instance of the provider's form.

        Raises:
            PluginFault: as for ``install``; or the page is unsafe, or lacks the state, or its address has a secret.
        """
        implementation = self._implementations["scm_begin_install"]
        arguments = {"form": form, "organization": organization, "callback_url": callback_url, "state": state}
        secrets = _secret_texts(form)
        step: RedirectTo | InstallationDraft = self._guard.call(
            implementation, {**arguments, "settings": self.settings}, secrets
        )
        if isinstance(step, InstallationDraft):
            return self._checked_draft(implementation, step)
        problem = redirect_problem(step, state, secrets | _secret_texts(self.settings)) or saved_problem(step)
        if problem is None and "scm_finish_install" not in self._implementations:
            problem = "installation cannot be finished: the plugin has no scm_finish_install"
        if problem:
            raise PluginFault(implementation.origin, "bad_result", f"returned a page whose {problem}")
        return step

    def finish_install(
        self, query: Mapping[str, str], saved: JsonObject, organization: Organization, callback_url: str
    ) -> InstallationDraft:
        """``scm_finish_install``, which the plugin has. The draft can be saved.

        What is secret in the query and in the saved data, by its name, does not appear in errors.
        """
        implementation = self._implementations["scm_finish_install"]
        arguments = {"query": MappingProxyType(dict(query)), "saved": frozen(saved), "organization": organization}
        given = {value for name, value in query.items() if name in _CODES or is_secret_name(name)}
        secrets = credential_texts(map(SecretStr, given | secrets_of(saved)))
        draft: InstallationDraft = self._guard.call(
            implementation, {**arguments, "callback_url": callback_url, "settings": self.settings}, secrets
        )
        return self._checked_draft(implementation, draft)

    def _checked_draft(self, implementation: Implementation, draft: InstallationDraft) -> InstallationDraft:
        model = self.provider.configuration
        problem = mask_problem(draft)
        if problem is None:
            draft = separated(model, draft)
            problem = leak_problem(draft) or self._model_problem(draft.configuration, draft.secrets)
        if problem:
            raise PluginFault(implementation.origin, "bad_result", f"returned a draft whose {problem}")
        return draft

    def configuration_schema(self) -> JsonObject | None:
        """Return the provider's configuration model as JSON Schema; None without a model."""
        return self._configuration_schema

    def _upgraded(
        self, installation: Installation, secrets: Mapping[str, SecretStr], problem: str
    ) -> CheckedConfiguration:
        stored = installation.configuration
        version = self._credentials.configuration_version(installation)
        arguments = {"configuration": stored, "version": version}
        try:
            # The plugin may return parts of its argument: what the host keeps is a copy.
            upgraded: Any = frozen(self._guard.call(self._implementations[_UPGRADE], arguments))
        except (PluginFault, ProviderError) as error:
            return CheckedConfiguration(stored, f"{problem}, and {_UPGRADE} failed: {error}")
        refused = self._model_problem(upgraded, secrets)
        if refused:
            return CheckedConfiguration(stored, f"{problem}, and {_UPGRADE} returned one that is not either: {refused}")
        return CheckedConfiguration(stored, None, upgraded)

    @cached_property
    def _configuration_schema(self) -> JsonObject | None:
        model = self.provider.configuration
        # In a worker: a model may build its schema with code of the plugin.
        return self._run(model.model_json_schema) if model else None

    @cached_property
    def _has_secret_fields(self) -> bool:
        return self.provider.configuration is not None and bool(secret_fields(self.provider.configuration))

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


def _secret_texts(model: BaseModel) -> frozenset[str]:
    return credential_texts(value for name in secret_fields(type(model)) if (value := getattr(model, name)))


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
