"""plugins.toml changes while the host runs."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from hosting import ACME, GOOD, INSTALLATION, REPOSITORY, candidate, enabled, host_of, logged, report_of
from plugins import flag_services, keeper, listener
from scmhost.infra.settings import Limits
from scmhost.plugins import Candidate, ConfigError, PluginHost, PluginSettings, Settings
from scmhost.plugins.config.schema import FlagsProvider, HostSettings, Organizations, Source
from scmhost.sdk import InstallationDraft, Organization, Provider, hookimpl

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


class Still:
    """A clock that does not move."""

    def now(self) -> datetime:
        return NOW


def settings_of(**plugins: PluginSettings) -> Settings:
    return Settings(plugins=plugins, source=Source("plugins.toml", {}, "abc"))


def in_folder(folder: Path, **plugins: PluginSettings) -> Settings:
    return settings_of(**plugins).model_copy(update={"host": HostSettings(data_folder=str(folder))})


@contextmanager
def opened(entries: dict[str, str], settings: Settings, **terms: Any) -> Iterator[PluginHost]:
    with host_of(entries, settings, clock=Still(), **terms) as host:
        yield host


def test_enabling_brings_a_plugin_in() -> None:
    """A plugin that was off, and so never imported, is imported, checked and started by the change that enables it."""
    sys.modules.pop("plugins.git_forge", None)
    entries = {"good_forge": GOOD, "late": "plugins.listener:first"}
    listener.first.received = []
    with opened(entries, settings_of(good_forge=enabled())) as host:
        assert report_of(host, "late").state == "off"
        board = host.reload(settings_of(good_forge=enabled(), late=enabled()))
        assert (report_of(host, "late").state, board.generation, board.sha256) == ("ready", 2, "abc")
        assert listener.first.received == ["startup"]
        host.notify("scm_repository_saved", repository=REPOSITORY)
    assert listener.first.received == ["startup", "saved app", "shutdown"]


def test_disabling_unloads_a_plugin() -> None:
    """Its providers are removed at once, scm_shutdown is called, and a note has that its code stays in memory."""
    entries = {"good_forge": GOOD, "late": "plugins.listener:first"}
    listener.first.received = []
    with opened(entries, settings_of(good_forge=enabled(), late=enabled())) as host:
        kept, name = host.calls("good_forge"), host.providers(ACME)[0].name
        host.reload(settings_of(good_forge=PluginSettings(), late=PluginSettings()))
        report = report_of(host, "good_forge")
        assert (host.provider("good_forge"), host.calls("good_forge"), host.providers(ACME)) == (None, None, [])
        assert (report.state, report.hooks) == ("off", ())
        assert "its code stays in memory until a restart" in report.notes[0]
        assert host.decide("good_forge", ACME).reason == "enabled is not true: the plugin is not loaded"
        assert (host.provider_name("good_forge"), host.provider_name("none")) == (name, "none")
        assert kept is not None
        assert kept.commit_url(INSTALLATION, REPOSITORY, "abc") == "https://forge.example/commit/abc"
        host.notify("scm_repository_saved", repository=REPOSITORY)
    assert listener.first.received == ["startup", "shutdown"]


def test_command_does_not_start_plugins() -> None:
    """A process that does not serve calls neither scm_startup nor scm_shutdown, also when settings change."""
    entries = {"good_forge": GOOD, "late": "plugins.listener:first"}
    listener.first.received = []
    with opened(entries, settings_of(late=enabled()), serving=False) as host:
        host.reload(settings_of(good_forge=enabled(), late=enabled()))
        assert report_of(host, "late").state == "ready"
        host.reload(settings_of(good_forge=enabled()))
    assert listener.first.received == []


def test_listener_gets_nothing_about_organizations_for_which_it_is_off() -> None:
    """A rule that denies an organization is valid for listeners without a provider, too."""
    entries = {"late": "plugins.listener:first"}
    listener.first.received = []
    denied = PluginSettings(enabled=True, deny=Organizations(organizations=("globex",)))
    with opened(entries, settings_of(late=denied)) as host:
        for slug in ("acme", "globex"):
            organization = Organization(id=1, slug=slug, name=slug)
            host.notify("scm_commits_saved", organization=organization, repository=REPOSITORY, shas=("a",))
    assert listener.first.received == ["startup", "1 commits of acme", "shutdown"]


@pytest.mark.parametrize("default", [True, False])
def test_provider_gets_events_of_organizations_for_which_it_is_on(tmp_path: Path, default: bool) -> None:
    """Without a rule that names the organization, the plugin's default decides."""
    keeper.received.clear()
    settings = in_folder(tmp_path, keeper=PluginSettings(enabled=True, default=default))
    with opened({"keeper": "plugins.keeper"}, settings) as host:
        host.notify("scm_repository_saved", organization=ACME, repository=REPOSITORY)
    assert keeper.received.get("saved") == ("app" if default else None)


def test_plugin_gets_a_data_folder_of_its_own(tmp_path: Path) -> None:
    """The folder exists, is private, and has the plugin's name; commands get it and the settings too."""
    keeper.received.clear()
    with opened({"keeper": "plugins.keeper"}, in_folder(tmp_path, keeper=enabled())) as host:
        assert host.commands() == []
    folder = tmp_path / "keeper"
    assert keeper.received == {"startup": (folder, True), "commands": (folder, "NoFields")}
    assert folder.stat().st_mode & 0o077 == 0


def test_plugin_without_its_data_folder_is_broken(tmp_path: Path) -> None:
    """The reason names the folder and the key that is to be changed."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    with opened({"keeper": "plugins.keeper"}, in_folder(tmp_path / "file", keeper=enabled())) as host:
        report = report_of(host, "keeper")
        assert host.commands() == []
    assert report.state == "broken"
    assert f"{tmp_path / 'file' / 'keeper'} cannot be made" in report.reason
    assert "set host.data_folder" in report.reason


def test_plugin_comes_and_goes_and_comes() -> None:
    """Disabling and enabling a plugin restores the first state."""
    on, off = settings_of(good_forge=enabled()), settings_of(good_forge=PluginSettings())
    with opened({"good_forge": GOOD}, on) as host:
        before = host.plugins
        for settings in (off, on, off, on):
            host.reload(settings)
        assert host.plugins == before
        assert (host.decide("good_forge", ACME).on, host.configuration_status.generation) == (True, 5)


def test_flags_change() -> None:
    """A rule on organizations takes effect with the next decision."""
    with opened({"good_forge": GOOD}, settings_of(good_forge=enabled())) as host:
        assert host.decide("good_forge", ACME).on is True
        host.reload(settings_of(good_forge=enabled(deny={"organizations": ["acme"]})))
        switch = host.decide("good_forge", ACME)
    assert (switch.on, switch.rule, switch.generation) == (False, "deny", 2)


def test_calls_are_the_same_while_nothing_of_theirs_changes() -> None:
    """A provider's calls stay the same through changes of other plugins, and are replaced with its own settings."""
    with opened({"good_forge": GOOD}, settings_of(good_forge=enabled())) as host:
        first = host.calls("good_forge")
        host.reload(settings_of(good_forge=enabled(default=False)))
        second = host.calls("good_forge")
        host.reload(settings_of(good_forge=enabled(settings={"region": "us"})))
        third = host.calls("good_forge")
        assert third is not None
        draft = third.install(third.provider.install_form(), ACME)
    assert (first is second, second is third, draft.name) == (True, False, "us")


def test_settings_that_do_not_suit_change_nothing() -> None:
    """If a plugin's model refuses its new settings, all old settings stay in use, also those of other plugins."""
    entries = {"good_forge": GOOD, "late": "plugins.listener:first"}
    with opened(entries, settings_of(good_forge=enabled())) as host:
        plugins, board = host.plugins, host.configuration_status
        with pytest.raises(ConfigError, match=r"plugins\.good_forge\.settings"):
            host.reload(settings_of(good_forge=enabled(settings={"region": 5}), late=enabled()))
        assert (host.plugins, host.configuration_status) == (plugins, board)
        host.reload(settings_of(good_forge=enabled(), late=enabled()))
        assert report_of(host, "late").state == "ready"


def test_new_plugin_that_fails_does_not_prevent_the_change() -> None:
    """A newly enabled plugin that cannot be imported is listed as broken; the rest of the change is applied."""
    entries = {"good_forge": GOOD, "bomb": "plugins.exits_at_import"}
    with opened(entries, settings_of(good_forge=enabled())) as host, logged() as logs:
        host.reload(settings_of(good_forge=enabled(default=False), bomb=enabled()))
        assert report_of(host, "bomb").state == "broken"
        assert host.decide("good_forge", ACME).on is False
        host.reload(settings_of(good_forge=enabled(), bomb=enabled()))
        assert [line["event"] for line in logs] == ["plugin refused"]
        host.reload(settings_of(good_forge=enabled(), bomb=enabled()), retry=True)
        assert [line["event"] for line in logs] == ["plugin refused"] * 2
        host.reload(settings_of(good_forge=enabled(), bomb=enabled(order=5)))
        assert [line["event"] for line in logs] == ["plugin refused"] * 3


def test_plugin_that_hangs_at_import_does_not_delay_disabling_others() -> None:
    """A change first turns plugins off, and then imports new ones."""
    entries = {"good_forge": GOOD, "slow": "plugins.looks_around"}
    seen: list[bool] = []
    module = ModuleType("plugins.looks_around")
    with opened(entries, settings_of(good_forge=enabled())) as host:

        class Slow:
            @hookimpl
            def scm_startup(self) -> None:
                seen.append(host.decide("good_forge", ACME).on)
                seen.append(report_of(host, "slow").reason == "it is being loaded")

        vars(module).update(scm_startup=Slow().scm_startup)
        sys.modules["plugins.looks_around"] = module
        host.reload(settings_of(good_forge=enabled(kill=True), slow=enabled()))
        assert report_of(host, "slow").state == "ready"
    del sys.modules["plugins.looks_around"]
    assert seen == [False, True]


def test_plugin_that_cannot_start_can_be_started_later() -> None:
    """A failed start leaves nothing registered that would prevent a later one."""
    module: Any = ModuleType("plugins.late_starter")
    starts = iter([RuntimeError("not yet"), None])

    class Starter:
        @hookimpl
        def scm_startup(self) -> None:
            problem = next(starts)
            if problem:
                raise problem

        @hookimpl
        def scm_register_providers(self) -> list[Provider]:
            return [Provider(key="starter", name="Starter")]

        @hookimpl
        def scm_install(self) -> InstallationDraft:
            return InstallationDraft(name="n", external_id="1")

    module.plugin = Starter()
    sys.modules["plugins.late_starter"] = module
    with logged(), opened({"starter": "plugins.late_starter:plugin"}, settings_of(starter=enabled())) as host:
        assert report_of(host, "starter").state == "broken"
        host.reload(settings_of(starter=enabled()), retry=True)
        assert report_of(host, "starter").state == "ready"
    del sys.modules["plugins.late_starter"]


def test_other_version_waits_for_a_restart() -> None:
    """A plugin that was upgraded on disk keeps its loaded version, with a note that a restart is needed."""
    installed = [candidate("good_forge")]
    host = PluginHost.open(settings_of(good_forge=enabled()), candidates=installed)
    installed[:] = [replace(installed[0], version="2.0")]
    host.reload(settings_of(good_forge=enabled()))
    report = report_of(host, "good_forge")
    host.close()
    assert (report.state, report.version) == ("ready", "1.2")
    assert report.notes == ("acme-good_forge 2.0 is installed by now; restart to run it",)


def test_other_version_is_noted_without_a_change_of_the_file() -> None:
    """The note appears without a reload, and disappears when the running version is installed again."""
    before = candidate("good_forge")
    installed = [before]
    host = PluginHost.open(settings_of(good_forge=enabled()), candidates=installed)
    installed[:] = [replace(before, version="2.0")]
    host.notice_installed()
    later = report_of(host, "good_forge")
    installed[:] = [before]
    host.notice_installed()
    back = report_of(host, "good_forge")
    host.close()
    assert later.notes == ("acme-good_forge 2.0 is installed by now; restart to run it",)
    assert (back.notes, host.configuration_status.generation) == ((), 1)


def test_newly_installed_plugin_is_found() -> None:
    """A plugin that was installed after the start can be enabled without a restart."""
    installed: list[Candidate] = []
    host = PluginHost.open(settings_of(), candidates=installed)
    installed.append(candidate("good_forge"))
    host.reload(settings_of(good_forge=enabled()))
    assert report_of(host, "good_forge").state == "ready"
    host.close()


def test_order_follows_the_file() -> None:
    """A new order is used after the change."""
    entries = {"a": "plugins.listener:first", "b": "plugins.listener:second"}
    calls: list[str] = []
    listener.first.received = listener.second.received = calls
    with opened(entries, settings_of(a=enabled(order=1), b=enabled(order=2))) as host:
        host.reload(settings_of(a=enabled(order=2), b=enabled(order=1)))
        assert [plugin.candidate.name for plugin in host._snapshot.loaded] == ["b", "a"]
    assert calls == ["startup", "startup", "shutdown", "shutdown"]


def test_keys_that_need_a_restart_are_listed() -> None:
    """Keys that a process reads only at its start are listed until the next start."""
    with opened({}, settings_of()) as host:
        changed = Settings(host=HostSettings(database_url="sqlite:///other.db"), limits=Limits(page_size=7))
        assert host.reload(changed).restart_for == ("host.database_url", "limits.page_size")
        assert host.reload(settings_of()).restart_for == ()


def test_stale_since_is_the_first_fault() -> None:
    """A file that cannot be used is stale since its first fault, until it can be used again."""
    with opened({}, settings_of()) as host:
        host.keep_last_good("plugins.toml:3: this is not TOML")
        host.keep_last_good("plugins.toml:4: this is not TOML")
        board = host.configuration_status
        assert (board.stale_since, board.error, board.generation) == (NOW, "plugins.toml:4: this is not TOML", 1)
        host.keep_last_good(None)
        assert (host.configuration_status.stale_since, host.configuration_status.error) == (None, None)


@pytest.mark.usefixtures("flag_entry_points")
def test_flag_service_comes_and_goes() -> None:
    """A flags provider is used after the change that names it; a missing one is refused and changes nothing."""
    flags = {"plugins.good_forge": False}
    service = FlagsProvider(provider="Service", settings={"flags": flags})
    with opened({"good_forge": GOOD}, settings_of(good_forge=enabled())) as host:
        named = settings_of(good_forge=enabled()).model_copy(update={"flags_provider": service})
        host.reload(named)
        assert (host.decide("good_forge", ACME).on, host.decide("good_forge", ACME).rule) == (False, "flags_provider")
        host.reload(named.model_copy(update={"limits": Limits(page_size=3)}))
        made = flag_services.made[-1]
        assert host.decide("good_forge", ACME).on is False
        missing = FlagsProvider(provider="nobody")
        with pytest.raises(ConfigError, match="no entry points"):
            host.reload(named.model_copy(update={"flags_provider": missing, "plugins": {}}))
        assert host.decide("good_forge", ACME).on is False
        host.reload(settings_of(good_forge=enabled()))
        assert host.decide("good_forge", ACME).on is True
        assert made.ended.wait(5)
