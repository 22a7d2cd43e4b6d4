"""Plugins that violate a check of upgrading or uninstalling an installation."""

# A hook may leave out arguments, which mypy takes for a wrong override.
# mypy: disable-error-code="override"

from collections.abc import Mapping

from pydantic import JsonValue

from scmhost.sdk import Installation, ProviderError, hookimpl

from .correct import Correct


class LosesServerOnUpgrade(Correct):
    @hookimpl
    def scm_upgrade_configuration(self, configuration: Mapping[str, JsonValue]) -> Mapping[str, JsonValue]:
        return {name: value for name, value in configuration.items() if name != "server"}


class AppendsOnUpgrade(Correct):
    @hookimpl
    def scm_upgrade_configuration(self, configuration: Mapping[str, JsonValue]) -> Mapping[str, JsonValue]:
        return {**configuration, "server": f"{configuration.get('server')}/api"}


class RefusesSecondUninstall(Correct):
    def __init__(self) -> None:
        self._gone = False

    @hookimpl
    def scm_uninstall(self, installation: Installation) -> None:
        if self._gone:
            raise ProviderError("There is no such installation.")
        self._gone = True
