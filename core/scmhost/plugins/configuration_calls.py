"""Check the stored configuration of an installation, and upgrade one of an older version of the plugin."""

from collections.abc import Mapping
from functools import cached_property
from threading import Lock
from typing import Any, Final, NamedTuple

from cachetools import FIFOCache
from pydantic import SecretStr

from scmhost.sdk import Installation, JsonObject, ProviderError
from scmhost.sdk.secrets import NO_SECRETS, secret_fields
from scmhost.sdk.values import frozen

from .credentials import CredentialStore, NeedsAttention
from .errors import PluginFault
from .form_calls import FormCalls

_UPGRADE: Final = "scm_upgrade_configuration"


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


class ConfigurationCalls(FormCalls):
    """The part of ``ProviderCalls`` that finds out with which configuration hooks can be called."""

    # ``ProviderCalls`` sets them. The cache is by installation.
    _credentials: CredentialStore
    _checked: FIFOCache[int, CheckedConfiguration]
    _lock: Lock

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
        if checked.problem and _UPGRADE in self._implementations:
            checked = self._upgraded(installation, secrets, checked.problem)
        # A secret that was missing may be entered, and the configuration stays the same.
        if checked.problem is None or not self._has_secret_fields:
            with self._lock:
                self._checked[installation.id] = checked
        return checked

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
