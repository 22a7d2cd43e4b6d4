"""The cost of a guarded call of a hook.

- ``dispatch_100_to_1``: with a hundred loaded plugins against one: a provider's hooks are resolved once.
- ``guarded_to_bare``: a guarded pure hook against a call of one plugin through pluggy alone.
- ``worker_to_bare``: an I/O hook, which goes to a worker thread and back, against the same.

Each ratio is the median over rounds that take turns in the same process, in a thread as those that answer requests.
"""

import os
import sys
import types
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from statistics import median
from time import perf_counter
from typing import Any, Final

import pluggy

from scmhost.plugins import Candidate, PluginHost, PluginSettings, Settings
from scmhost.sdk import (
    PROJECT_NAME,
    Existence,
    Installation,
    InstallationDraft,
    Location,
    Provider,
    Repository,
    hookimpl,
    hooks,
)

CEILINGS: Final = {"dispatch_100_to_1": 1.2, "guarded_to_bare": 2.0}
CALLS: Final = 200
ROUNDS: Final = 60
MODULE: Final = "scmhost_benchmark_plugins"

REPOSITORY: Final = Repository(id=1, organization_id=1, name="app", created_at=datetime(2026, 1, 1, tzinfo=UTC))
INSTALLATION: Final = Installation(id=1, organization_id=1, provider="forge0", name="forge", external_id="1")
LOCATION: Final = Location(ref="main", ref_kind="branch", path="here.py", line=3)


class Forge:
    """A plugin with one provider."""

    def __init__(self, key: str) -> None:
        self._providers = (Provider(key=key, name=key),)

    @hookimpl
    def scm_register_providers(self) -> Sequence[Provider]:
        return self._providers

    @hookimpl
    def scm_install(self) -> InstallationDraft:
        return InstallationDraft(name="n", external_id="1")

    @hookimpl
    def scm_commit_url(self, sha: str) -> str:
        return f"https://forge.example/{sha}"

    @hookimpl
    def scm_file_exists(self) -> Existence:
        return Existence.YES


def ratios() -> dict[str, float]:
    """Return the ratios of the costs of calls."""
    one, many = host(1), host(100)
    bare, call, among_many = _bare(), _caller(one), _caller(many)
    try:
        with _one_processor():
            in_worker = _ratio(bare, _io_caller(one))
        with ThreadPoolExecutor(1) as thread:
            return {
                "dispatch_100_to_1": thread.submit(_ratio, call, among_many).result(),
                "guarded_to_bare": thread.submit(_ratio, bare, call).result(),
                "worker_to_bare": in_worker,
            }
    finally:
        one.close()
        many.close()


def main() -> int:
    """Print the ratios; exit with 1 when one is above its ceiling."""
    found = ratios()
    for name, ratio in found.items():
        print(f"{name}: {ratio:.2f} (at most {CEILINGS.get(name, 'any')})")
    return int(any(ratio > CEILINGS.get(name, ratio) for name, ratio in found.items()))


@contextmanager
def _one_processor() -> Iterator[None]:
    """Use one processor: a call that changes threads takes one to five times as long across processors, by chance."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def host(plugins: int) -> PluginHost:
    """Return a host with a number of plugins, each with a provider of its own."""
    names = [f"forge{number}" for number in range(plugins)]
    module: Any = types.ModuleType(MODULE)
    vars(module).update({name: Forge(name) for name in names})
    sys.modules[MODULE] = module
    candidates = [Candidate(name, f"{MODULE}:{name}", "benchmark", "1", ">=1.0") for name in names]
    enabled = PluginSettings(enabled=True, default=True)
    return PluginHost.open(Settings(plugins=dict.fromkeys(names, enabled)), candidates=candidates)


def _bare() -> Callable[[], object]:
    """The same call through pluggy alone, with one plugin."""
    manager = pluggy.PluginManager(PROJECT_NAME)
    manager.add_hookspecs(hooks)
    manager.register(Forge("forge"), "forge")

    def call() -> object:
        return manager.hook.scm_commit_url(installation=INSTALLATION, repository=REPOSITORY, sha="abc")

    return call


def _caller(host: PluginHost) -> Callable[[], object]:
    # The last of all by name, so that a walk over plugins would show.
    key = max(provider for report in host.plugins for provider in report.providers)

    def call() -> object:
        calls = host.calls(key)
        assert calls is not None
        return calls.commit_url(INSTALLATION, REPOSITORY, "abc")

    return call


def _io_caller(host: PluginHost) -> Callable[[], object]:
    calls = host.calls("forge0")
    assert calls is not None
    return lambda: calls.file_exists(INSTALLATION, REPOSITORY, LOCATION)


def _ratio(one: Callable[[], object], many: Callable[[], object]) -> float:
    """The median over rounds that take turns, so that the machine's other work falls on both."""
    rounds = [(_seconds(one), _seconds(many)) for _ in range(ROUNDS)]
    return median(seconds_many / seconds_one for seconds_one, seconds_many in rounds)


def _seconds(call: Callable[[], object]) -> float:
    begun = perf_counter()
    for _ in range(CALLS):
        call()
    return perf_counter() - begun


if __name__ == "__main__":
    sys.exit(main())
