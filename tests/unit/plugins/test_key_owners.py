"""Which of several plugins owns a provider key: the same after a start and after any change of plugins.toml."""

from collections.abc import Sequence
from typing import Any

import pytest

from hosting import ACME, candidate, enabled, host_of, report_of
from plugins.same_key import KEY, other
from scmhost.plugins import PluginHost, PluginSettings, Settings
from scmhost.plugins.config.schema import Source

ENTRIES = {"aaa": "plugins.same_key:other", KEY: "plugins.same_key:custom"}


def pinned(**more: Any) -> PluginSettings:
    """Settings that state the distribution of the real plugin."""
    return enabled(distribution=f"acme-{KEY}", **more)


def settings_of(**plugins: PluginSettings) -> Settings:
    lines: dict[tuple[str, ...], int] = {("plugins", KEY, "distribution"): 7}
    return Settings(plugins=plugins, source=Source("plugins.toml", lines, "abc"))


def owner(host: PluginHost) -> str | None:
    calls = host.calls(KEY)
    return calls.plugin if calls else None


def owner_after(*steps: Settings) -> str | None:
    """Return the owner of the key after a start with the first settings and reloads of the others."""
    with host_of(ENTRIES, steps[0]) as host:
        for settings in steps[1:]:
            host.reload(settings)
        return owner(host)


OFF = PluginSettings()
CASES = {
    "stated distribution": (settings_of(aaa=enabled(), custom_scm=pinned()), KEY),
    "stated distribution before order": (settings_of(aaa=enabled(order=1), custom_scm=pinned(order=900)), KEY),
    "name": (settings_of(aaa=enabled(), custom_scm=enabled()), "aaa"),
    "order": (settings_of(aaa=enabled(order=200), custom_scm=enabled()), KEY),
    "only one is enabled": (settings_of(aaa=enabled(), custom_scm=OFF), "aaa"),
    "another plugin's stated distribution": (
        settings_of(aaa=enabled(distribution="acme-aaa", order=200), custom_scm=enabled()),
        "aaa",
    ),
    "both state it": (settings_of(aaa=enabled(distribution="acme-aaa"), custom_scm=pinned()), KEY),
    "the real one is switched off": (
        settings_of(aaa=enabled(), custom_scm=PluginSettings(distribution=f"acme-{KEY}")),
        "aaa",
    ),
}


@pytest.mark.parametrize(("settings", "expected"), CASES.values(), ids=CASES)
def test_owner_after_a_start(settings: Settings, expected: str) -> None:
    """A stated distribution decides before order and name."""
    assert owner_after(settings) == expected


@pytest.mark.parametrize("before", CASES.values(), ids=CASES)
@pytest.mark.parametrize(("settings", "expected"), CASES.values(), ids=CASES)
def test_owner_after_a_reload_is_that_after_a_start(
    before: tuple[Settings, str], settings: Settings, expected: str
) -> None:
    """Whatever was loaded before, a change of the file has the result of a restart."""
    assert owner_after(before[0], settings) == expected
    assert owner_after(settings, before[0], settings) == expected


def test_plugin_that_loses_its_key_is_refused_with_the_reason() -> None:
    """It is unloaded and stopped; the reason names the owner, and it comes back when the key is free again."""
    alone = settings_of(aaa=enabled(), custom_scm=OFF)
    with host_of(ENTRIES, alone) as host:
        host.reload(settings_of(aaa=enabled(), custom_scm=pinned()))
        report = report_of(host, "aaa")
        assert report.state == "broken"
        assert f"provider '{KEY}': the key is taken by plugin '{KEY}' (acme-{KEY} 1.2" in report.reason
        assert "choose another key, or enable only one of the two" in report.reason
        assert [provider.name for provider in host.providers(ACME)] == ["Custom"]
        host.reload(alone)
        assert (report_of(host, "aaa").state, owner(host)) == ("ready", "aaa")


@pytest.mark.parametrize("entry", ["plugins.refused:without_install", "plugins.not_there"])
def test_key_is_kept_for_a_plugin_that_cannot_be_loaded(entry: str) -> None:
    """While the stated plugin is broken, no other plugin gets its installations."""
    settings = settings_of(aaa=enabled(), custom_scm=pinned())
    for steps in ((settings,), (settings_of(aaa=enabled()), settings)):
        with host_of({**ENTRIES, KEY: entry}, steps[0]) as host:
            for each in steps[1:]:
                host.reload(each)
            assert owner(host) is None
            reason = report_of(host, "aaa").reason
            assert f"plugins.toml:7 gives the key to plugin '{KEY}' of acme-{KEY}" in reason


def test_key_is_kept_for_a_plugin_that_is_not_installed() -> None:
    """The file may name the distribution before it is installed; this holds after a reload too."""
    settings = settings_of(aaa=enabled(), custom_scm=pinned())
    installed = [candidate("aaa", ENTRIES["aaa"])]
    for steps in ((settings,), (settings_of(aaa=enabled()), settings)):
        assert _owner_of(installed, steps) is None


def _owner_of(installed: Sequence[Any], steps: Sequence[Settings]) -> str | None:
    host = PluginHost.open(steps[0], candidates=installed)
    try:
        for settings in steps[1:]:
            host.reload(settings)
        return owner(host)
    finally:
        host.close()


def test_displaced_plugin_is_shut_down() -> None:
    """scm_shutdown is called after the exchange, and scm_startup again when the plugin returns."""
    entries = {"aaa": "plugins.same_key:other", KEY: ENTRIES[KEY]}
    other.received.clear()
    with host_of(entries, settings_of(aaa=enabled(), custom_scm=OFF)) as host:
        host.reload(settings_of(aaa=enabled(), custom_scm=pinned()))
        assert other.received == ["startup", "shutdown"]
        host.reload(settings_of(aaa=enabled(), custom_scm=OFF))
        assert other.received == ["startup", "shutdown", "startup"]
