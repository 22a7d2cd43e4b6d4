"""The state of a process: readiness and plugins, without HTTP."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from api import PLUGINS_TOML, ApiClient, open_api
from hosting import candidate
from installed import NOT_CONFIGURED
from scmhost.admin.status import find_plugin, is_operator, list_plugins, plugin_record, readiness
from scmhost.infra.errors import NotFound, Unavailable
from scmhost.infra.loops import Loop, Loops
from scmhost.organizations.access import Caller, authenticate
from scmhost.organizations.create import create_organization
from scmhost.plugins import PluginFault

MORE = """\
[plugins.broken]
enabled = true
settings = { password = "hunter2-hunter2" }
[plugins.faulty]
enabled = true
default = true
breaker = { faults = 1 }
"""
CANDIDATES = [candidate("broken", "plugins.fails_at_import"), candidate("faulty", "plugins.faulty")]


@pytest.fixture
def api(tmp_path: Path) -> Iterator[ApiClient]:
    with open_api(tmp_path, PLUGINS_TOML + MORE, more=CANDIDATES, background=False) as opened:
        yield opened


def suspend(api: ApiClient) -> None:
    calls = api.services.plugins.calls("faulty")
    assert calls is not None
    with pytest.raises(PluginFault, match="raised RuntimeError"):
        calls.install(calls.read_form(calls.provider.install_form, {}), api.there.organization)


def test_process_with_failing_plugins_is_ready(api: ApiClient) -> None:
    """Plugins are counted by state, and the suspended ones are named."""
    suspend(api)
    found = readiness(api.services)
    assert (found.ready, found.detail, found.database, found.generation) == (True, None, "ok", 1)
    assert dict(found.plugins) == {"ready": 1, "broken": 1, "suspended": 1, "off": len(NOT_CONFIGURED)}
    assert (found.suspended, found.stuck, found.stale_since) == (("faulty",), (), None)


def test_invalid_configuration_leaves_the_process_ready(api: ApiClient) -> None:
    """Readiness has the time since when the file is invalid, without the error."""
    api.services.plugins.keep_last_good("plugins.toml:4: wrong")
    found = readiness(api.services)
    assert (found.ready, found.detail) == (True, None)
    assert found.stale_since == api.services.plugins.configuration_status.stale_since is not None


def test_old_tables_make_the_process_unready(api: ApiClient) -> None:
    """The detail names the command that upgrades them."""
    api.services.store.downgrade("0001")
    found = readiness(api.services)
    assert (found.ready, found.database) == (False, "not_migrated")
    assert "scmhost migrate" in (found.detail or "")


def test_database_that_is_down_makes_the_process_unready(api: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """The detail contains neither an address nor a user."""

    def away() -> Any:
        raise Unavailable("postgresql://ada@db.internal does not answer")

    monkeypatch.setattr(api.services.store, "schema_status", away, raising=False)
    found = readiness(api.services)
    assert (found.ready, found.database) == (False, "unreachable")
    assert "db.internal" not in (found.detail or "")


def test_stuck_loop_makes_the_process_unready(api: ApiClient) -> None:
    """A loop without progress is named, a running one is not."""
    times = iter([0.0, 0.0, 999.0, 1.0])
    for name in ("configuration", "jobs"):
        loop = Loop(name, lambda _woken: False, seconds=1.0, monotonic=lambda: next(times))
        api.services.shared(Loops).add(loop)
    found = readiness(api.services)
    assert (found.ready, found.stuck) == (False, ("configuration has made no progress for 999 s",))
    assert found.detail == "Background work is stuck: configuration has made no progress for 999 s."


def test_plugins_are_listed_with_their_calls(api: ApiClient) -> None:
    """Installed and configured plugins are listed by name, with calls, faults and suspensions."""
    suspend(api)
    plugins = {plugin.report.name: plugin for plugin in list_plugins(api.services)}
    assert list(plugins) == sorted(["broken", "custom_scm", "faulty", *NOT_CONFIGURED])
    record: Any = plugin_record(plugins["faulty"])
    [hook] = [hook for hook in record["hooks"] if hook["name"] == "scm_install"]
    assert (record["state"], hook["calls"], hook["faults"]) == ("suspended", 1, 1)
    [suspension] = record["suspensions"]
    assert (suspension["hook"], suspension["faults"], suspension["since"][-1]) == ("scm_install", 1, "Z")
    assert "RuntimeError" in suspension["lastFault"]


def test_settings_of_an_unloaded_plugin_are_hidden(api: ApiClient) -> None:
    """Only a loaded plugin's model marks its secrets, so that no value of another one is shown."""
    record: Any = plugin_record(find_plugin(api.services, "broken"))
    assert (record["state"], list(record["settings"])) == ("broken", ["password"])
    assert "hunter2" not in str(record)


@pytest.mark.parametrize("name", ["custom_scn", "", "x" * 10_000, "\x00", "../git"])
def test_unknown_plugin_is_not_found(api: ApiClient, name: str) -> None:
    """The error is short, and suggests a name that is near."""
    with pytest.raises(NotFound, match="No plugin") as error:
        find_plugin(api.services, name)
    assert len(str(error.value)) < 200
    assert name != "custom_scn" or "did you mean 'custom_scm'?" in str(error.value)


def caller_of(api: ApiClient) -> Caller:
    return authenticate(api.services, api.there.token)


def test_operators_are_named_by_slug_or_id(api: ApiClient) -> None:
    """Of several organizations, those that the file names may see the host."""
    caller = caller_of(api)
    create_organization(api.services, "rival")
    for operators, allowed in ((("acme",), True), ((caller.organization.id,), True), (("rival",), False), ((), False)):
        assert is_operator(replace(api.services, operators=operators), caller) is allowed


def test_only_organization_is_the_operator(api: ApiClient) -> None:
    """A host with one organization needs no list of operators."""
    assert is_operator(replace(api.services, operators=()), caller_of(api))
