"""Checks of single calls, for every hook: valid values, declared errors, deadlines, no secrets, no side effects."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from scmhost.sdk import (
    PROMISES,
    AddRequest,
    Installation,
    Location,
    ProviderError,
    ProviderUnavailable,
    RegisteredWebhook,
)
from scmhost.sdk.frozen import FrozenDict
from scmhost.sdk.validation import ARGUMENTS

from .calls import (
    ARGUMENTS_UNCHANGED,
    BUDGET_KEPT,
    ERRORS_DECLARED,
    HOST_UNREACHABLE,
    PURE_WITHOUT_IO,
    RESULT_FITS,
    HookResult,
    ObservedCall,
)
from .checks import Check, CheckFunction, NothingToCheck, Violation, check
from .plugin_under_test import ADDRESS, ORGANIZATION, PluginUnderTest
from .servers import SlowServer, UnresponsiveServer, closed_authority
from .strategies import SHA, arguments, for_all, payload

M = TypeVar("M", bound=BaseModel)

ANSWERS_REPEAT: Final = "answers-repeat"
_SCHEMES: Final = ("http", "https")
# A hook that reads its deadline answers early, so that the suite need not wait for its whole budget.
_DEADLINE_SECONDS: Final = 0.25


def _for_every_hook(name: str) -> CheckFunction:
    """Return a function that checks every call for violations of one check, and raises the smallest."""

    def function(plugin: PluginUnderTest) -> None:
        for hook in plugin.functions:
            if name in _violated_checks(plugin, hook):
                for_all(arguments(plugin, hook), partial(_raise, plugin, hook, name), plugin.samples.examples)

    return function


def _violated_checks(plugin: PluginUnderTest, hook: str) -> set[str]:
    """Return the names of the checks that calls of a hook violate. One pass over a hook serves all checks of calls."""
    if hook not in plugin.violated_checks:
        names: set[str] = set()
        for_all(arguments(plugin, hook), partial(_record, plugin, hook, names), plugin.samples.examples)
        plugin.violated_checks[hook] = names
    return plugin.violated_checks[hook]


def _record(plugin: PluginUnderTest, hook: str, names: set[str], values: dict[str, Any]) -> None:
    observed = plugin.caller.observe(hook, values)
    plugin.is_remote |= observed.offline
    names.update(observed.violations)
    if PROMISES[hook].colour == "pure" and _difference(observed, plugin.caller.observe(hook, values)):
        names.add(ANSWERS_REPEAT)


def _raise(plugin: PluginUnderTest, hook: str, name: str, values: dict[str, Any]) -> None:
    violation = plugin.caller.observe(hook, values).violations.get(name)
    if violation is not None:
        raise violation


result_fits: Final[Check] = check(
    RESULT_FITS,
    "A hook returns a value of the type that the contract declares.",
    help="return values of scmhost.sdk, not dicts, and None only where the contract allows None",
)(_for_every_hook(RESULT_FITS))

errors_declared: Final[Check] = check(
    ERRORS_DECLARED,
    "A hook raises only ProviderError and its subclasses, for any input, and never ends the process.",
    help="return a value that means no (NoUrl, Refusal, an empty list), or raise ProviderError with a sentence",
)(_for_every_hook(ERRORS_DECLARED))

budget_kept: Final[Check] = check(
    BUDGET_KEPT,
    "A call returns within the time budget of its hook.",
    help="give your client a timeout below the budget, and bound every loop by its input",
)(_for_every_hook(BUDGET_KEPT))

arguments_unchanged: Final[Check] = check(
    ARGUMENTS_UNCHANGED,
    "A hook does not change its arguments.",
    help="make a new value: {**table, 'key': value}, value.model_copy(update=...)",
)(_for_every_hook(ARGUMENTS_UNCHANGED))


@check(
    PURE_WITHOUT_IO,
    "A pure hook opens no connection, starts no process and writes no file.",
    help="move requests into an I/O hook, and preparation into scm_startup",
)
def pure_without_io(plugin: PluginUnderTest) -> None:
    _require_pure_hooks(plugin)
    _for_every_hook(PURE_WITHOUT_IO)(plugin)


@check(
    HOST_UNREACHABLE,
    "An I/O hook that cannot reach its host raises ProviderUnavailable, or returns a value without it.",
    help="catch your client's errors: raise ProviderUnavailable(...) from error",
)
def host_unreachable(plugin: PluginUnderTest) -> None:
    _for_every_hook(HOST_UNREACHABLE)(plugin)
    if not _misses_host(plugin) and not plugin.is_remote:
        raise NothingToCheck("no hook tried to reach a host beyond this machine")


def _misses_host(plugin: PluginUnderTest) -> bool:
    """Call the I/O hooks with nothing at the address of their host, which may be on this machine until then.

    Returns:
        Whether a hook could not reach it.
    """
    missed = False
    with closed_authority() as authority:
        for hook in [hook for hook in plugin.functions if PROMISES[hook].colour == "io"]:
            # A hook that raises such errors with its host, too, violates another check.
            if ERRORS_DECLARED in _violated_checks(plugin, hook):
                continue
            arguments_ = {name: _argument(plugin, name, authority) for name in ARGUMENTS[hook]}
            observed = plugin.caller.observe(hook, arguments_)
            violation = observed.violations.get(ERRORS_DECLARED)
            if violation:
                raise Violation(f"{violation.problem}; nothing listened at the address of its host", violation.call)
            missed |= observed.result is not None and isinstance(observed.result.error, ProviderUnavailable)
    return missed


@check(
    ANSWERS_REPEAT,
    "A pure hook returns equal results for equal arguments.",
    help="use no clock, no randomness and no memory of earlier calls in a pure hook",
)
def answers_repeat(plugin: PluginUnderTest) -> None:
    _require_pure_hooks(plugin)
    for hook in plugin.functions:
        if ANSWERS_REPEAT in _violated_checks(plugin, hook):
            for_all(arguments(plugin, hook), partial(_call_twice, plugin, hook), plugin.samples.examples)


def _require_pure_hooks(plugin: PluginUnderTest) -> None:
    if not any(PROMISES[hook].colour == "pure" for hook in plugin.functions):
        raise NothingToCheck("the plugin has no pure hook")


def _call_twice(plugin: PluginUnderTest, hook: str, values: dict[str, Any]) -> None:
    first, second = (plugin.caller.observe(hook, values) for _ in range(2))
    difference = _difference(first, second)
    if difference:
        raise difference


def _difference(first: ObservedCall, second: ObservedCall) -> Violation | None:
    # A missing result is the violation of another check.
    if first.result and second.result and _comparable(first.result) != _comparable(second.result):
        return Violation(f"the second time it {second.result.call.outcome}", first.result.call)
    return None


def _comparable(result: HookResult) -> str:
    return repr(result.value) if result.error is None else type(result.error).__name__


@check(
    "secrets-hidden",
    "Secret values appear neither in results of hooks nor in their errors.",
    help="keep secrets in the settings or in secrets of the installation, and name the failed step in errors, without "
    "its arguments",
)
def secrets_hidden(plugin: PluginUnderTest) -> None:
    if not plugin.providers or not plugin.secrets:
        raise NothingToCheck("the samples have no secret")

    def test(result: HookResult) -> None:
        # A model may hide a value in one of its two texts only.
        text = f"{result.value!r} {result.value} {result.error}"
        if any(secret in text for secret in plugin.secrets):
            raise Violation("it contains a secret", result.call)

    if plugin.has("scm_install"):
        test(plugin.call("scm_install", form=plugin.form, organization=ORGANIZATION))
    for result in _sample_results(plugin):
        test(result)


def _sample_results(plugin: PluginUnderTest) -> list[HookResult]:
    """Return results of hooks that use the settings, for the samples."""
    results = []
    if plugin.has("scm_offer_repositories"):
        results.append(plugin.offers([plugin.candidate]))
    if plugin.has("scm_dispatch_repository"):
        results += [plugin.decide(candidate, "team/app") for candidate in (None, plugin.candidate)]
    if plugin.has("scm_serialize_repository"):
        results.append(plugin.call("scm_serialize_repository", repository=plugin.repository, payload=payload(plugin)))
    if plugin.has("scm_refresh_credentials"):
        results.append(plugin.call("scm_refresh_credentials", installation=plugin.installation))
    if plugin.has("scm_compare_commits"):
        results.append(plugin.link("scm_compare_commits", base=None, head="main")[0])
    return results


@check(
    "host-timeout",
    "An I/O hook whose host accepts the connection and never answers returns within its budget, or raises "
    "ProviderUnavailable.",
    help="give your client a timeout below the hook's budget, and raise ProviderUnavailable(...) when it expires",
)
def host_timeout(plugin: PluginUnderTest) -> None:
    _check_host(plugin, UnresponsiveServer, "its host accepted the connection and did not answer")


@check(
    "host-slow",
    "An I/O hook whose host sends its answer slowly and without end returns within its budget, or raises "
    "ProviderUnavailable.",
    help="bound the whole request, not only each read: asyncio.timeout(remaining_seconds()), or read the answer in "
    "pieces and stop when remaining_seconds() is 0",
)
def host_slow(plugin: PluginUnderTest) -> None:
    _check_host(plugin, SlowServer, "its host sent the answer slowly and without end")


def _check_host(plugin: PluginUnderTest, kind: type[UnresponsiveServer], behaviour: str) -> None:
    """Call every I/O hook with a server of the suite in place of its host."""
    waiting = [hook for hook in plugin.functions if PROMISES[hook].colour == "io"]
    # A caller of its own: a hook that hangs here must stay callable for the other checks.
    caller, connected = plugin.caller.with_deadline(_DEADLINE_SECONDS), False
    with kind.open() as server:
        # The shortest budgets come first, so that a missing timeout is reported early.
        for hook in sorted(waiting, key=lambda hook: PROMISES[hook].budget):
            observed = caller.observe(
                hook, {name: _argument(plugin, name, server.authority) for name in ARGUMENTS[hook]}
            )
            violation = observed.violations.get(BUDGET_KEPT) or observed.violations.get(ERRORS_DECLARED)
            # Without a connection, the violation has another cause and another check.
            if not server.has_new_connections():
                continue
            connected = True
            if violation:
                raise Violation(f"{violation.problem}; {behaviour}", violation.call)
    if not connected:
        raise NothingToCheck("no I/O hook connected to the suite's server in place of its host")


def _argument(plugin: PluginUnderTest, name: str, authority: str) -> Any:
    """Return a sample for an argument, with the host of all URLs replaced."""
    if name in ("settings", "form"):
        return _revalidated(getattr(plugin, name), _fields(plugin, name), authority)
    if name == "installation":
        fields = _with_origin(plugin.installation.model_dump(), f"http://{authority}")
        return Installation.model_validate({**fields, "secrets": plugin.draft.secrets})
    if name in ("repository", "candidate"):
        sample: BaseModel = getattr(plugin, name)
        return type(sample).model_validate(_with_origin(sample.model_dump(), f"http://{authority}"))
    if name == "repositories":
        return (_argument(plugin, "candidate", authority),)
    if name == "data_folder":
        return plugin.data_folder
    return AddRequest(identifier=plugin.candidate.name) if name == "request" else _PLAIN_ARGUMENTS[name]


_PLAIN_ARGUMENTS: Final[Mapping[str, Any]] = {
    "organization": ORGANIZATION,
    "search": "",
    "location": Location(ref="main", ref_kind="branch", path="a.py", line=1),
    "ref": "main",
    "base": SHA,
    "head": "main",
    "shas": (SHA,),
    "callback_url": "https://scmhost.example/callback",
    "state": "state",
    "query": FrozenDict({"code": "code"}),
    "saved": FrozenDict(),
    "cursor": "",
    "path": "a.py",
    "lines": (1,),
    "address": "https://scmhost.example/hooks/1/",
    "secret": "secret",
    "webhook": RegisteredWebhook(external_id="1"),
}


def _fields(plugin: PluginUnderTest, name: str) -> Mapping[str, Any]:
    """Return the input of a model, with the URLs among its defaults."""
    fields = plugin.samples.settings if name == "settings" else plugin.form_fields
    defaults = {field: str(value) for field, value in vars(getattr(plugin, name)).items() if ADDRESS.match(str(value))}
    return {**defaults, **fields}


def _revalidated(sample: M, fields: Mapping[str, Any], authority: str) -> M:
    """Return a model with the server's URLs in a scheme that it accepts; unchanged if it accepts none."""
    for scheme in _SCHEMES:
        try:
            return type(sample).model_validate(_with_origin(fields, f"{scheme}://{authority}"))
        except (ValidationError, ProviderError):
            continue
    return sample


def _with_origin(value: Any, origin: str) -> Any:
    if isinstance(value, str):
        return ADDRESS.sub(origin, value)
    if isinstance(value, Mapping):
        return {name: _with_origin(one, origin) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_with_origin(one, origin) for one in value]
    return value


CHECKS: Final = (
    result_fits,
    errors_declared,
    budget_kept,
    arguments_unchanged,
    pure_without_io,
    host_unreachable,
    answers_repeat,
    secrets_hidden,
    host_timeout,
    host_slow,
)
