"""Checks of installing in steps: the page to which a person is sent, and the query that comes back."""

import json
from typing import Any, Final

from scmhost.sdk import ProviderError, RedirectTo
from scmhost.sdk.installing import redirect_problem, saved_problem

from .calls import HookResult
from .checks import NothingToCheck, Violation, check
from .plugin_under_test import ORGANIZATION, PluginUnderTest

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


CHECKS: Final = (install_steps_together, install_redirect_safe, install_saved_kept, install_declined)


def _begun(plugin: PluginUnderTest) -> HookResult:
    here = {"form": plugin.form, "organization": ORGANIZATION}
    return plugin.call("scm_begin_install", **here, callback_url=_CALLBACK, state=_STATE)


def _saved(plugin: PluginUnderTest) -> dict[str, Any]:
    """Return what the plugin saves, as the host passes it."""
    step = _begun(plugin).value if plugin.has("scm_begin_install") else None
    saved: dict[str, Any] = json.loads(json.dumps(step.saved)) if isinstance(step, RedirectTo) else {}
    return saved
