"""Checks of installations: forms, configurations, credentials, installing in steps, upgrades, and the end of one."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import BaseModel, JsonValue, ValidationError

from scmhost.sdk import ProviderError, RedirectTo
from scmhost.sdk.installing import (
    first_problem,
    leak_problem,
    mask_problem,
    model_input,
    redirect_problem,
    saved_problem,
    separated,
)
from scmhost.sdk.secrets import enclosed_secrets

from .calls import HookResult
from .checks import NothingToCheck, Violation, check
from .plugin_under_test import ORGANIZATION, PluginUnderTest

_UNSAFE_URLS: Final = ("javascript:alert(1)", "data:text/html,x", "https://user:secret@git.example.com")
_IS_WEB: Final = re.compile(r"https?://", re.IGNORECASE)
_STEPS: Final = ("scm_begin_install", "scm_finish_install")
_NO_PAGE: Final = "scm_begin_install sends nobody to a page for the sample form"
_CALLBACK: Final = "https://scmhost.example/hooks/install/provider/"
# In the form of the host's: the id of the organization, and 256 random bits.
_STATE: Final = "1.kzQmZ8cX-3oVbN1tYw5rE7uI_0pLsD4fGhJ2aK6xCvM"
_DECLINED: Final[tuple[dict[str, str], ...]] = (
    {"error": "access_denied", "error_description": "The person declined.", "state": _STATE},
    {"error": "server_error", "state": _STATE},
    {"state": _STATE},
    {},
)


@check(
    "install-safe",
    "The install form rejects URLs that are not http or https, and URLs with a password.",
    help="check URLs in the form with a field_validator that calls check_web_url",
    hooks=("scm_install",),
)
def install_safe(plugin: PluginUnderTest) -> None:
    # Any text may be valid in the other fields.
    urls = [name for name, value in plugin.form_fields.items() if isinstance(value, str) and _IS_WEB.match(value)]
    if not urls:
        raise NothingToCheck("the install form has no field for a URL")
    for name in urls:
        for url in _UNSAFE_URLS:
            form = _form(plugin, {**plugin.form_fields, name: url})
            result = plugin.call("scm_install", form=form, organization=ORGANIZATION) if form else None
            if result and result.error is None:
                raise Violation(f"the field {name!r} accepts {url!r}", result.call)


def _form(plugin: PluginUnderTest, fields: dict[str, Any]) -> BaseModel | None:
    try:
        return plugin.provider.install_form.model_validate(fields)
    except ValidationError:
        return None


@check(
    "configuration-fits",
    "The provider's configuration model accepts what scm_install returns, and no secret is lost or shown.",
    help="return the fields of the configuration model, and tokens in secrets; make each secret a SecretStr field",
    hooks=("scm_install",),
)
def configuration_fits(plugin: PluginUnderTest) -> None:
    model = plugin.provider.configuration if plugin.providers else None
    for name in enclosed_secrets(model) if model else ():
        raise Violation(f"the field {name!r} of the configuration model has a secret inside of another value")
    result = plugin.call("scm_install", form=plugin.form, organization=ORGANIZATION)
    if result.value is None:
        raise NothingToCheck(f"scm_install returns no installation: {result.error}")
    draft = separated(model, result.value)
    problem = mask_problem(result.value) or leak_problem(draft)
    if problem:
        raise Violation(problem, result.call)
    if model is None:
        return
    try:
        model.model_validate(model_input(model, draft.configuration, draft.secrets))
    except ValidationError as error:
        raise Violation(f"{model.__name__} refuses it ({first_problem(error)})", result.call) from None


@check(
    "credentials-last",
    "Renewed credentials have not expired already: the host would renew them for each call.",
    help="return the time that the host states, with a UTC offset, or None",
    hooks=("scm_refresh_credentials",),
)
def credentials_last(plugin: PluginUnderTest) -> None:
    result = plugin.call("scm_refresh_credentials", installation=plugin.installation)
    if result.value is None:
        raise NothingToCheck("scm_refresh_credentials renewed nothing")
    expires_at = getattr(result.value, "expires_at", None)
    if expires_at is not None and expires_at <= datetime.now(UTC):
        raise Violation(f"they expired at {expires_at.isoformat()}", result.call)


@check(
    "install-steps-together",
    "A plugin that begins installations also finishes them, and the other way round.",
    help="implement scm_begin_install and scm_finish_install, or neither",
    hooks=_STEPS,
)
def install_steps_together(plugin: PluginUnderTest) -> None:
    for hook in _STEPS:
        if not plugin.has(hook):
            raise Violation(f"it has no {hook}")


@check(
    "install-redirect-safe",
    "The page to which scm_begin_install sends a person is safe, has the state, and no secret in its address.",
    help="build the address with urlencode and the state of the call; keep secrets in saved",
    hooks=("scm_begin_install",),
)
def install_redirect_safe(plugin: PluginUnderTest) -> None:
    result = _begun(plugin)
    if not isinstance(result.value, RedirectTo):
        raise NothingToCheck(_NO_PAGE)
    problem = redirect_problem(result.value, _STATE, plugin.secrets)
    if problem:
        raise Violation(problem, result.call)


@check(
    "install-saved-kept",
    "What scm_begin_install saves is the same after it was stored as JSON.",
    help="save texts and numbers, with get_secret_value() of a secret, and only what scm_finish_install needs",
    hooks=("scm_begin_install",),
)
def install_saved_kept(plugin: PluginUnderTest) -> None:
    result = _begun(plugin)
    if not isinstance(result.value, RedirectTo):
        raise NothingToCheck(_NO_PAGE)
    problem = saved_problem(result.value)
    if problem:
        raise Violation(problem, result.call)


@check(
    "install-declined",
    "scm_finish_install raises ProviderError if the person declined, or if the query has nothing.",
    help="raise ProviderForbidden if the query has an error, and ProviderError if it lacks what you need: query.get()",
    hooks=("scm_finish_install",),
)
def install_declined(plugin: PluginUnderTest) -> None:
    saved = _saved(plugin)
    for query in _DECLINED:
        result = plugin.call(
            "scm_finish_install", query=query, saved=saved, organization=ORGANIZATION, callback_url=_CALLBACK
        )
        if not isinstance(result.error, ProviderError):
            raise Violation("it made an installation without a consent", result.call)


def _begun(plugin: PluginUnderTest) -> HookResult:
    here = {"form": plugin.form, "organization": ORGANIZATION}
    return plugin.call("scm_begin_install", **here, callback_url=_CALLBACK, state=_STATE)


def _saved(plugin: PluginUnderTest) -> dict[str, Any]:
    """Return what the plugin saves, as the host passes it."""
    step = _begun(plugin).value if plugin.has("scm_begin_install") else None
    saved: dict[str, Any] = json.loads(json.dumps(step.saved)) if isinstance(step, RedirectTo) else {}
    return saved


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


CHECKS: Final = (
    install_safe,
    configuration_fits,
    credentials_last,
    install_steps_together,
    install_redirect_safe,
    install_saved_kept,
    install_declined,
    upgrade_fits,
    uninstall_repeats,
)


def _upgrade(plugin: PluginUnderTest, configuration: Mapping[str, JsonValue], version: str) -> HookResult:
    arguments: dict[str, Any] = {"configuration": dict(configuration), "version": version}
    return plugin.call("scm_upgrade_configuration", **arguments)
