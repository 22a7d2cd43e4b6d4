"""Checks of installations that grow old: an upgraded configuration, and the end of an installation."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import JsonValue, ValidationError

from scmhost.sdk.configuration import first_problem, model_input, separated

from .calls import HookResult
from .checks import NothingToCheck, Violation, check
from .plugin_under_test import PluginUnderTest


@check(
    "upgrade-fits",
    "An upgraded configuration is valid for the configuration model, and upgrading it again changes nothing.",
    help="return every field of the configuration model, from old names and new ones; set old_configurations = "
    "{'1.0': {...}} to what earlier versions stored",
    hooks=("scm_upgrade_configuration",),
)
def upgrade_fits(plugin: PluginUnderTest) -> None:
    model = plugin.provider.configuration
    if model is None:
        raise NothingToCheck("the provider has no configuration model")
    current = separated(model, plugin.draft).configuration
    for version, configuration in {**plugin.samples.old_configurations, "": current}.items():
        result = _upgrade(plugin, configuration, version)
        upgraded = result.required()
        try:
            model.model_validate(model_input(model, upgraded, plugin.draft.secrets))
        except ValidationError as error:
            raise Violation(f"{model.__name__} refuses it ({first_problem(error)})", result.call) from None
        again = _upgrade(plugin, upgraded, version)
        if dict(again.required()) != dict(upgraded):
            raise Violation(f"it returned {dict(upgraded)!r} before", again.call)


@check(
    "uninstall-repeats",
    "An installation whose data at the code host is gone can be uninstalled: a second call succeeds like the first.",
    help="treat an answer of 404 as done; raise ProviderUnavailable only if the host does not answer",
    hooks=("scm_uninstall",),
)
def uninstall_repeats(plugin: PluginUnderTest) -> None:
    first, second = (plugin.call("scm_uninstall", installation=plugin.installation) for _ in range(2))
    if first.error is not None:
        raise NothingToCheck(f"scm_uninstall does not succeed for the samples: {first.error}")
    if second.error is not None:
        raise Violation("the first call succeeded", second.call)


CHECKS: Final = (upgrade_fits, uninstall_repeats)


def _upgrade(plugin: PluginUnderTest, configuration: Mapping[str, JsonValue], version: str) -> HookResult:
    arguments: dict[str, Any] = {"configuration": dict(configuration), "version": version}
    return plugin.call("scm_upgrade_configuration", **arguments)
