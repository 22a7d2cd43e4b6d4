"""A host with healthy, missing, doubled and hostile plugins."""

import importlib
import sys
from functools import partial
from typing import Any

import pytest

from broken import call, fault_of
from hosting import ACME, GOOD, INSTALLATION, REPOSITORY, budget, candidate, enabled, host_of, logged, report_of
from loading import case_id, load_cases
from plugins import hostile, listener
from scmhost.plugins import PluginHost, PluginSettings, Settings
from scmhost.sdk import Organization

OTHER = Organization(id=2, slug="other", name="Other")

CALLS = load_cases("hostile_plugins")


def test_healthy_plugin_is_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin that passes is listed with all that it offers and how long its import took."""
    # A module that another test has imported takes no time.
    monkeypatch.delitem(sys.modules, GOOD, raising=False)
    with host_of({"good_forge": GOOD}) as host:
        report = report_of(host, "good_forge")
    assert (report.state, report.distribution, report.version) == ("ready", "acme-good_forge", "1.2")
    assert (report.providers, report.notes) == (("good_forge",), ())
    assert report.features == ("commits", "compare-commits", "push-webhooks", "stacktrace-link")
    assert "scm_source_url" in report.hooks
    assert report.import_ms is not None


@pytest.mark.parametrize("case", CALLS, ids=case_id)
def test_fault_of_a_hostile_plugin(case: dict[str, Any]) -> None:
    """The fault, or the log, names the plugin, the hook and the line."""
    fault = call(case)
    assert (fault.kind, fault.words) == (case["kind"], case["words"])


def test_hostile_plugin_does_not_affect_others() -> None:
    """A healthy plugin works as usual while and after another one misbehaves in every way."""
    names = [case["entry"] for case in CALLS if case["hook"] == "commit_url"]
    entries = {"good_forge": GOOD, **{name: f"plugins.hostile:{name}" for name in names}}
    with host_of(entries, specs=budget(0.5)) as host:
        good = host.calls("good_forge")
        assert good is not None
        for name in names:
            bad = host.calls(name)
            assert bad is not None
            fault = fault_of(host, partial(bad.commit_url, INSTALLATION, REPOSITORY, "abc"))
            assert fault.words.startswith(f"plugin {name!r} (acme-{name}), scm_commit_url: ")
            assert good.commit_url(INSTALLATION, REPOSITORY, "abc") == "https://forge.example/commit/abc"
            assert host.counts[name, "scm_commit_url"].faults == 1
        hostile.gate.open()


def test_installed_but_unnamed_plugin_is_off() -> None:
    """A plugin that is not enabled is listed with the line that enables it."""
    host = PluginHost.open(Settings(), candidates=[candidate("good_forge")])
    report = report_of(host, "good_forge")
    assert (report.state, report.hooks) == ("off", ())
    assert "write enabled = true under [plugins.good_forge]" in report.reason
    assert host.decide("good_forge", ACME).on is False


def test_named_but_missing_plugin_is_broken() -> None:
    """A plugin that is enabled but not installed is listed with the nearest installed name."""
    settings = Settings(plugins={"good_forg": enabled(), "unloved": PluginSettings()})
    host = PluginHost.open(settings, candidates=[candidate("good_forge")])
    assert report_of(host, "good_forg").state == "broken"
    assert (
        "no such plugin is installed; install it, or fix the name (did you mean 'good_forge'?)"
        in report_of(host, "good_forg").reason
    )
    assert report_of(host, "unloved").state == "off"


def test_two_claimants_of_a_name_are_a_conflict() -> None:
    """If two distributions claim one name, neither is loaded, and both are named."""
    rivals = [candidate("forge", distribution="acme-forge"), candidate("forge", distribution="evil-forge")]
    host = PluginHost.open(Settings(plugins={"forge": enabled()}), candidates=rivals)
    report = report_of(host, "forge")
    assert (report.state, report.distribution) == ("broken", None)
    assert "claimed by acme-forge and evil-forge; write distribution = 'acme-forge' (or the other)" in report.reason


@pytest.mark.parametrize(("pinned", "state"), [("Acme_Forge", "ready"), ("third-forge", "broken")])
def test_operator_selects_the_distribution_of_a_name(pinned: str, state: str) -> None:
    """The plugin of the configured distribution is loaded; if it is not installed, none is."""
    rivals = [
        candidate("forge", distribution="acme-forge"),
        candidate("forge", "plugins.not_there", distribution="evil"),
    ]
    host = PluginHost.open(Settings(plugins={"forge": enabled(distribution=pinned)}), candidates=rivals)
    report = report_of(host, "forge")
    host.close()
    assert report.state == state
    assert report.distribution == ("acme-forge" if state == "ready" else None)


def test_environment_keeps_a_plugin_from_being_imported() -> None:
    """A plugin that the environment turns off is not imported, even if the import would fail."""
    settings = Settings(plugins={"bomb": enabled()}, plugins_off=frozenset({"*"}))
    with host_of({"bomb": "plugins.exits_at_import"}, settings) as host:
        report, switch = report_of(host, "bomb"), host.decide("bomb", ACME)
    assert (report.state, switch.on) == ("off", False)
    assert switch.source == "environment SCMHOST_PLUGINS_OFF"


def test_providers_are_those_that_are_on() -> None:
    """An organization sees the providers that are on for it, by key; a provider without a flag is on for all."""
    plugins = {"zz": enabled(default=False, allow={"organizations": ["acme"]}), "aa": enabled(default=False)}
    with host_of({"zz": GOOD, "aa": "plugins.refused:fine"}, Settings(plugins=plugins)) as host:
        seen = {org.slug: [provider.key for provider in host.providers(org)] for org in (ACME, OTHER)}
        known = host.provider("good_forge")
    assert seen == {"acme": ["fine", "good_forge"], "other": ["fine"]}
    assert known is not None


def test_unknown_provider_is_off() -> None:
    """A provider that no plugin offers is off, and has no calls."""
    with host_of({"other": GOOD}) as host:
        switch = host.decide("nothing", ACME)
        assert (host.provider("nothing"), host.calls("nothing")) == (None, None)
        assert "offers no provider 'other'" in host.decide("other", ACME).reason
    assert (switch.on, switch.reason) == (False, "no installed plugin offers 'nothing'")


def test_broken_plugin_explains_its_provider() -> None:
    """A provider of a broken plugin is off, for the reason in the plugin's report."""
    with host_of({"forge": "plugins.fails_at_import"}) as host:
        switch = host.decide("forge", ACME)
    assert switch.on is False
    assert "nothing_of_this_name" in switch.reason


def test_listeners_are_called_in_their_order() -> None:
    """All listeners are called, the lower order first; a failing one is logged and counted."""
    plugins = {"a": enabled(order=2), "b": enabled(order=1), "deaf": enabled(order=0)}
    entries = {"a": "plugins.listener:first", "b": "plugins.listener:second", "deaf": "plugins.hostile:deaf"}
    calls: list[str] = []
    listener.first.received = listener.second.received = calls
    with logged() as logs, host_of(entries, Settings(plugins=plugins)) as host:
        host.notify("scm_repository_saved", organization=ACME, repository=REPOSITORY)
        host.notify("scm_commits_saved", organization=ACME, repository=REPOSITORY, shas=("abc", "def"))
    assert calls == ["startup", "startup", "saved app", "saved app", *["2 commits of acme"] * 2, "shutdown", "shutdown"]
    assert [(entry["plugin"], entry["hook"]) for entry in logs] == [("deaf", "scm_repository_saved")]
    assert host.counts["deaf", "scm_repository_saved"].faults == 1


def test_order_is_the_operators() -> None:
    """Of two plugins that add the same command, the one with the lower order wins."""
    plugins = {"good_forge": enabled(order=5), "late": enabled(order=1)}
    with host_of({"good_forge": GOOD, "late": "plugins.listener:first"}, Settings(plugins=plugins)) as host:
        summaries = [command.summary for command in host.commands()]
    assert summaries == ["Another command of that name."]


def test_settings_reach_the_plugin() -> None:
    """Hooks get the operator's settings as an instance of the plugin's model."""
    settings = Settings(plugins={"good_forge": enabled(settings={"region": "us"})})
    with host_of({"good_forge": GOOD}, settings) as host:
        calls = host.calls("good_forge")
        assert calls is not None
        draft = calls.install(calls.provider.install_form(), ACME)
    assert draft.name == "us"


def test_later_contract_runs_here_too() -> None:
    """Optional hooks and arguments of a later contract are noted and not used."""
    with host_of({"later": "plugins.later"}) as host:
        report = report_of(host, "later")
    assert (report.state, report.hooks) == ("ready", ("scm_compare_url",))
    assert ["has no such hook" in report.notes[0], "passes no 'mood'" in report.notes[1]] == [True, True]


def test_unstated_range_is_noted() -> None:
    """A plugin without an API range is loaded, with a note for its author."""
    settings = Settings(plugins={"good_forge": enabled()})
    host = PluginHost.open(settings, candidates=[candidate("good_forge", api_range=None)])
    report = report_of(host, "good_forge")
    host.close()
    assert (report.state, "states no API range" in report.notes[0]) == ("ready", True)


def test_twelve_plugins_at_once() -> None:
    """Each broken plugin is listed with its own reason, and the healthy one is ready."""
    bad = (
        "unknown_hook",
        "wrong_argument",
        "async_pure",
        "unmarked",
        "wrapper",
        "twice",
        "same_key_twice",
        "untouchable",
    )
    entries = {name: f"plugins.refused:{name}" for name in bad}
    entries |= {"good_forge": GOOD, "bomb": "plugins.exits_at_import", "lost": "plugins.fails_at_import"}
    with host_of(entries) as host:
        states = {report.name: report.state for report in host.plugins}
        reasons = {report.reason for report in host.plugins}
    assert [name for name, state in states.items() if state == "ready"] == ["good_forge"]
    assert len(reasons) == len(entries)


def test_closing_twice_is_fine() -> None:
    """Closing a closed host has no effect."""
    with host_of({"good_forge": GOOD}) as host:
        host.close()
    assert report_of(host, "good_forge").state == "ready"


def test_time_of_the_first_import_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second host in the process finds the module in memory, and reports the time of the first import."""
    monkeypatch.delitem(sys.modules, "plugins.moody", raising=False)
    with host_of({"moody": "plugins.moody"}) as host:
        first = report_of(host, "moody").import_ms
    with host_of({"moody": "plugins.moody"}) as host:
        assert report_of(host, "moody").import_ms == first


def test_time_of_an_import_by_others_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that the application imported before has no import time."""
    monkeypatch.setitem(sys.modules, "plugins.brought", importlib.import_module("plugins.moody"))
    with host_of({"moody": "plugins.brought"}) as host:
        assert report_of(host, "moody").import_ms is None
