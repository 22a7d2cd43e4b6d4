"""Checks of single calls, for every hook: valid values, declared errors, deadlines, no side effects."""

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, Final, Self, TypeVar

from pydantic import BaseModel, ValidationError

from scmhost.sdk import PROMISES, AddRequest, Installation, Location, ProviderError, RegisteredWebhook
from scmhost.sdk.frozen import FrozenDict
from scmhost.sdk.hook_results import ARGUMENTS

from .calls import (
    ARGUMENTS_UNCHANGED,
    BUDGET_KEPT,
    ERRORS_DECLARED,
    HOST_UNREACHABLE,
    PURE_WITHOUT_IO,
    RESULT_FITS,
    HookCaller,
    HookResult,
)
from .checks import Check, CheckFunction, Violation, check
from .plugin_under_test import ADDRESS, ORGANIZATION, PluginUnderTest
from .strategies import SHA, arguments, for_all

M = TypeVar("M", bound=BaseModel)

_SCHEMES: Final = ("http", "https")
# The kernel accepts connections up to this number while nobody calls accept().
_BACKLOG: Final = 64


def _for_every_hook(name: str) -> CheckFunction:
    """Return a function that checks every call for violations of one check, and raises the smallest."""

    def function(plugin: PluginUnderTest) -> None:
        for hook in plugin.functions:
            if hook in _violating_hooks(plugin, name):
                for_all(arguments(plugin, hook), partial(_raise, plugin, hook, name), plugin.samples.examples)

    return function


def _violating_hooks(plugin: PluginUnderTest, name: str) -> set[str]:
    """Return the hooks that violate a check. One pass over all hooks serves all checks of calls."""
    if plugin.violating_hooks is None:
        hooks: dict[str, set[str]] = {}
        for hook in plugin.functions:
            for_all(arguments(plugin, hook), partial(_record, plugin, hook, hooks), plugin.samples.examples)
        plugin.violating_hooks = hooks
    return plugin.violating_hooks.get(name, set())


def _record(plugin: PluginUnderTest, hook: str, hooks: dict[str, set[str]], values: dict[str, Any]) -> None:
    for name in plugin.caller.observe(hook, values).violations:
        hooks.setdefault(name, set()).add(hook)


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

pure_without_io: Final[Check] = check(
    PURE_WITHOUT_IO,
    "A pure hook opens no connection, starts no process and writes no file.",
    help="move requests into an I/O hook, and preparation into scm_startup",
)(_for_every_hook(PURE_WITHOUT_IO))

host_unreachable: Final[Check] = check(
    HOST_UNREACHABLE,
    "An I/O hook that cannot reach its host raises ProviderUnavailable, or returns a value without it.",
    help="catch your client's errors: raise ProviderUnavailable(...) from error",
)(_for_every_hook(HOST_UNREACHABLE))


@check(
    "answers-repeat",
    "A pure hook returns equal results for equal arguments.",
    help="use no clock, no randomness and no memory of earlier calls in a pure hook",
)
def answers_repeat(plugin: PluginUnderTest) -> None:
    for hook in plugin.functions:
        if PROMISES[hook].colour == "pure":
            for_all(arguments(plugin, hook), partial(_call_twice, plugin, hook), plugin.samples.examples)


def _call_twice(plugin: PluginUnderTest, hook: str, values: dict[str, Any]) -> None:
    first, second = (plugin.caller.observe(hook, values).result for _ in range(2))
    # A missing result is the violation of another check.
    if first and second and _comparable(first) != _comparable(second):
        raise Violation(f"the second time it {second.call.outcome}", first.call)


def _comparable(result: HookResult) -> str:
    return repr(result.value) if result.error is None else type(result.error).__name__


class UnresponsiveServer:
    """A local server that accepts connections and never answers."""

    def __init__(self, listener: socket.socket) -> None:
        self.authority = "{}:{}".format(*listener.getsockname())
        self._listener = listener
        self._connections: list[socket.socket] = []

    @classmethod
    @contextmanager
    def open(cls) -> Iterator[Self]:
        """Open a server for this block. Connections that still wait are closed at its end."""
        with socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG) as listener:
            # ``accept`` is called after each hook, and must not wait for a connection.
            listener.settimeout(0)
            server = cls(listener)
            try:
                yield server
            finally:
                server.has_new_connections()
                for connection in server._connections:
                    connection.close()

    def has_new_connections(self) -> bool:
        """Return whether there were connections since the last call."""
        before = len(self._connections)
        while True:
            try:
                self._connections.append(self._listener.accept()[0])
            except BlockingIOError:
                return len(self._connections) > before


@check(
    "host-timeout",
    "An I/O hook whose host accepts the connection and never answers returns within its budget, or raises "
    "ProviderUnavailable.",
    help="give your client a timeout below the hook's budget, and raise ProviderUnavailable(...) when it expires",
)
def host_timeout(plugin: PluginUnderTest) -> None:
    waiting = [hook for hook in plugin.functions if PROMISES[hook].colour == "io"]
    # A caller of its own: a hook that hangs here must stay callable for the other checks.
    caller = HookCaller(plugin.functions)
    with UnresponsiveServer.open() as server:
        # The shortest budgets come first, so that a missing timeout is reported early.
        for hook in sorted(waiting, key=lambda hook: PROMISES[hook].budget):
            observed = caller.observe(hook, {name: _argument(plugin, name, server) for name in ARGUMENTS[hook]})
            violation = observed.violations.get(BUDGET_KEPT) or observed.violations.get(ERRORS_DECLARED)
            # Without a connection, the violation has another cause and another check.
            if server.has_new_connections() and violation:
                problem = f"{violation.problem}; its host accepted the connection and did not answer"
                raise Violation(problem, violation.call)


def _argument(plugin: PluginUnderTest, name: str, server: UnresponsiveServer) -> Any:
    """Return a sample for an argument, with all URLs replaced by the server's."""
    if name in ("settings", "form"):
        return _revalidated(getattr(plugin, name), _fields(plugin, name), server)
    if name == "installation":
        fields = _with_origin(plugin.installation.model_dump(), f"http://{server.authority}")
        return Installation.model_validate({**fields, "secrets": plugin.draft.secrets})
    if name in ("repository", "candidate"):
        sample: BaseModel = getattr(plugin, name)
        return type(sample).model_validate(_with_origin(sample.model_dump(), f"http://{server.authority}"))
    if name == "repositories":
        return (_argument(plugin, "candidate", server),)
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


def _revalidated(sample: M, fields: Mapping[str, Any], server: UnresponsiveServer) -> M:
    """Return a model with the server's URLs in a scheme that it accepts; unchanged if it accepts none."""
    for scheme in _SCHEMES:
        try:
            return type(sample).model_validate(_with_origin(fields, f"{scheme}://{server.authority}"))
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
    host_timeout,
)
