"""Installations that grow old: upgraded configurations, listeners, and the end of an installation."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from factories import new_repository
from hosting import REPOSITORY, SettableClock
from plugins import lifecycle
from plugins.stepped_forge import script
from scmhost.admin.background import background_loops
from scmhost.audit.queries import list_entries
from scmhost.infra.db.engine import Store
from scmhost.infra.errors import NotFound
from scmhost.infra.paging import PageQuery
from scmhost.infra.secret_box import SecretBox, new_key
from scmhost.installations import queries as installation_queries
from scmhost.installations.install import (
    configuration_form,
    configure_installation,
    get_installation,
    install_provider,
    shown_configuration,
)
from scmhost.installations.install_steps import BegunInstallation, begin_installation, finish_installation
from scmhost.installations.sealing import attention_reasons, seal, stored_secrets
from scmhost.installations.upgrade import AGAIN_AFTER, upgrade_configurations, upgrade_when_due
from scmhost.organizations import queries as organization_queries
from scmhost.organizations.create import create_organization
from scmhost.plugins import NeedsAttention, PluginSettings, Settings
from scmhost.plugins.config.schema import Organizations
from scmhost.repositories import queries as repository_queries
from scmhost.repositories.manage import uninstall
from scmhost.sdk import (
    Installation,
    InstallationDraft,
    Location,
    Organization,
    ProviderError,
    ProviderUnavailable,
    RedirectTo,
)
from scmhost.services import Services
from use_cases import open_services, recorded

KEY = "aging"
LOCATION = Location(ref="main", ref_kind="branch", path="a.py")
NEW_FORGE = {"server": "https://forge.example"}
OLD, NEW = {"host": "forge.example"}, {"url": "https://forge.example"}


@pytest.fixture(autouse=True)
def _fresh() -> None:
    """Each test begins with plugins that have received nothing."""
    for plugin in (lifecycle.old, lifecycle.new, lifecycle.stubborn):
        plugin.received.clear()
        plugin.uninstall = lambda _installation: None
    lifecycle.new.upgrade = lifecycle._renamed


@pytest.fixture
def installed(store: Store) -> int:
    """The id of an installation that version 1 of the plugin made for the organization acme."""
    with version(store, "old") as services:
        acme = create_organization(services, "acme")
        return install_provider(services, acme, KEY, {}).installation.id


@contextmanager
def version(store: Store, name: str, **fields: Any) -> Iterator[Services]:
    """Services with one version of the plugin."""
    with open_services(store, {KEY: f"plugins.lifecycle:{name}"}, **fields) as services:
        yield services


def acme_of(services: Services) -> Organization:
    with services.store.read() as tx:
        found = organization_queries.find_organization(tx, "acme")
    assert found is not None
    return found


def read(services: Services, id_: int) -> Installation:
    return get_installation(services, acme_of(services), id_).installation


def linked(services: Services, id_: int) -> object:
    """The page of a link through the installation as it is stored."""
    calls = services.plugins.calls(KEY)
    assert calls is not None
    return calls.source_url(read(services, id_), REPOSITORY, LOCATION)


def reason(services: Services, id_: int) -> str | None:
    return attention_reasons(services, acme_of(services), [read(services, id_)]).get(id_)


def test_upgrade_is_used_at_once_and_saved_once(store: Store, installed: int) -> None:
    """A read upgrades in memory and writes nothing; the background work saves the result, with an audit entry."""
    with version(store, "new") as services:
        assert (linked(services, installed), linked(services, installed)) == ("https://forge.example/app",) * 2
        assert lifecycle.new.received == [f"upgrade {OLD} of '1.2'"]
        assert (read(services, installed).configuration, reason(services, installed)) == (OLD, None)
        assert (upgrade_configurations(services), upgrade_configurations(services)) == (1, 0)
        assert read(services, installed).configuration == NEW
        assert linked(services, installed) == "https://forge.example/app"
        assert lifecycle.new.received == [f"upgrade {OLD} of '1.2'", f"saved forge of acme: {NEW} {{}}"]
        entry = list_entries(services, acme_of(services), PageQuery()).items[0]
        assert (entry.action, entry.details) == ("integration.edit", {"upgradedFrom": "1.2", "upgradedTo": "1.2"})


def test_valid_configuration_is_not_upgraded(store: Store, installed: int) -> None:
    """The hook is called only for what the model refuses."""
    with version(store, "new") as services:
        configure_installation(services, acme_of(services), installed, {"url": "https://other.example"})
        lifecycle.new.received.clear()
        assert linked(services, installed) == "https://other.example/app"
        assert (upgrade_configurations(services), lifecycle.new.received) == (0, [])


def test_unknown_version_is_empty(store: Store, installed: int) -> None:
    """A configuration that an older scmhost stored has no version."""
    with store.write() as tx:
        tx.execute(text("UPDATE installations SET configuration_version = NULL"))
    with version(store, "new") as services:
        upgrade_configurations(services)
        assert lifecycle.new.received[0] == f"upgrade {OLD} of ''"


FAILURES = {
    "raises": (lambda _old, _version: 1 / 0, "scm_upgrade_configuration failed: plugin 'aging'"),
    "refuses": (ProviderError("Version 0 is too old."), "scm_upgrade_configuration failed: Version 0 is too old."),
    "no mapping": (lambda _old, _version: None, "returned 'NoneType'"),
    "not valid either": (lambda _old, _version: {"port": 3}, "returned one that is not either: configuration is not"),
    "unchanged": (lambda configuration, _version: configuration, "returned one that is not either"),
}


@pytest.mark.parametrize(("upgrade", "text"), FAILURES.values(), ids=FAILURES)
def test_failed_upgrade_needs_attention(store: Store, installed: int, upgrade: Any, text: str) -> None:
    """The installation needs attention with both reasons, no hook gets it, and nothing is saved."""

    def refuse(_old: object, _version: str) -> Any:
        raise upgrade

    lifecycle.new.upgrade = refuse if isinstance(upgrade, Exception) else upgrade
    with version(store, "new") as services:
        with pytest.raises(NeedsAttention, match="configuration is not valid for NewModel"):
            linked(services, installed)
        shown = reason(services, installed) or ""
        assert shown.startswith("Installation needs attention: its configuration is not valid for NewModel (url: Field")
        assert text in shown
        assert (upgrade_configurations(services), read(services, installed).configuration) == (0, OLD)


def test_configuration_without_upgrade_needs_attention(store: Store, installed: int) -> None:
    """Without the hook the reason is that of the model alone."""
    with version(store, "stubborn") as services:
        assert (reason(services, installed) or "").endswith("not valid for NewModel (url: Field required).")
        assert upgrade_configurations(services) == 0


def test_upgrade_keeps_what_was_changed_meanwhile(store: Store, installed: int) -> None:
    """A person's change between reading and saving wins."""
    with version(store, "new") as services:

        def meanwhile(_old: object, _version: str) -> Any:
            with services.store.write() as tx:
                tx.execute(text('UPDATE installations SET configuration = \'{"url": "https://person.example"}\''))
            return NEW

        lifecycle.new.upgrade = meanwhile
        assert upgrade_configurations(services) == 0
        assert read(services, installed).configuration == {"url": "https://person.example"}
        assert "saved" not in str(lifecycle.new.received)


def test_value_that_becomes_a_secret_is_encrypted(store: Store, installed: int) -> None:
    """A plain token of an old configuration becomes a secret; without a key of the host it stays until there is one."""
    lifecycle.new.upgrade = lambda _old, _version: {**NEW, "token": "t0k3n"}
    with version(store, "new") as services:
        assert (upgrade_configurations(services), read(services, installed).configuration) == (0, OLD)
    with version(store, "new", secret_box=SecretBox([SecretStr(new_key())])) as services:
        assert (upgrade_configurations(services), read(services, installed).configuration) == (1, NEW)
        secrets = stored_secrets(services, read(services, installed))
        assert {name: secret.get_secret_value() for name, secret in secrets.items()} == {"token": "t0k3n"}
        assert reason(services, installed) is None


def test_upgrade_without_the_key_of_other_secrets_keeps_them(store: Store, installed: int) -> None:
    """A value that becomes a secret does not replace secrets that this host cannot decrypt; later it joins them."""
    lifecycle.new.upgrade = lambda _old, _version: {**NEW, "token": "t0k3n"}
    own, other = SecretStr(new_key()), SecretStr(new_key())
    with version(store, "new", secret_box=SecretBox([own])) as services:
        installation = read(services, installed)
        sealed = seal(services.secret_box, installation, {"password": SecretStr("hunter2")})
        with store.write() as tx:
            installation_queries.save_secrets(tx, installation, *sealed, None)
    with version(store, "new", secret_box=SecretBox([other])) as services:
        assert (upgrade_configurations(services), read(services, installed).configuration) == (0, OLD)
    with version(store, "new", secret_box=SecretBox([own])) as services:
        assert upgrade_configurations(services) == 1
        secrets = stored_secrets(services, read(services, installed))
        assert {name: secret.get_secret_value() for name, secret in secrets.items()} == {
            "password": "hunter2",
            "token": "t0k3n",
        }


def test_one_bad_installation_does_not_stop_the_others(store: Store, installed: int) -> None:
    """The failing one needs attention; the next one is upgraded."""
    with version(store, "old") as services:
        other = create_organization(services, "globex")
        second = install_provider(services, other, KEY, {}).installation.id
    with store.write() as tx:
        tx.execute(text("UPDATE installations SET configuration = '{}' WHERE id = :id"), {"id": installed})
    with version(store, "new") as services:
        assert upgrade_configurations(services) == 1
        assert get_installation(services, other, second).installation.configuration == NEW


def test_organization_for_which_the_plugin_is_off_is_left_alone(store: Store, installed: int) -> None:
    """No hook is called for it; once the plugin is on, the next round upgrades it."""
    off = PluginSettings(enabled=True, deny=Organizations(organizations=("acme",)))
    with version(store, "new") as services:
        services.plugins.reload(Settings(plugins={KEY: off}))
        assert (upgrade_when_due(services), lifecycle.new.received) == (0, [])
        services.plugins.reload(Settings(plugins={KEY: PluginSettings(enabled=True)}))
        assert (upgrade_when_due(services), read(services, installed).configuration) == (1, NEW)


def test_rounds_check_again_after_a_change_or_an_hour(store: Store, installed: int) -> None:
    """Between them a round reads nothing."""
    with version(store, "new") as services:
        assert (upgrade_when_due(services), upgrade_when_due(services)) == (1, 0)
        with services.store.write() as tx:
            tx.execute(text('UPDATE installations SET configuration = \'{"host": "again.example"}\''))
        assert upgrade_when_due(services) == 0
        assert isinstance(services.clock, SettableClock)
        services.clock.turn(AGAIN_AFTER.total_seconds())
        assert upgrade_when_due(services) == 1
        assert read(services, installed).configuration == {"url": "https://again.example"}
        services.clock.turn(timedelta(minutes=1).total_seconds())
        assert upgrade_when_due(services) == 0


def test_listeners_get_new_and_changed_installations(store: Store, installed: int) -> None:
    """They get no secrets, and nothing for a form that changes nothing."""
    assert lifecycle.old.received == [f"saved forge of acme: {OLD} {{}}"]
    with version(store, "new", secret_box=SecretBox([SecretStr(new_key())])) as services:
        for _ in range(2):
            configure_installation(services, acme_of(services), installed, {**NEW, "token": "t0k3n"})
        assert [item for item in lifecycle.new.received if "saved" in item] == [f"saved forge of acme: {NEW} {{}}"]


def test_listeners_get_installations_in_steps(store: Store) -> None:
    """Also one that a person finishes at the code host, and one whose form has all that is needed."""
    plugins = {KEY: "plugins.lifecycle:old", "stepped_forge": "plugins.stepped_forge"}
    box = SecretBox([SecretStr(new_key())])
    with open_services(store, plugins, secret_box=box, url="https://scmhost.example") as services:
        acme = create_organization(services, "acme")
        drafts = [InstallationDraft(name=name, external_id=name, configuration=NEW_FORGE) for name in ("a", "b")]
        script.begin = lambda _form, _url, state: RedirectTo(url=f"https://forge.example/?state={state}")
        script.finish = lambda _query, _saved: drafts[0]
        begun = begin_installation(services, acme, "stepped_forge", NEW_FORGE)
        assert isinstance(begun, BegunInstallation)
        assert lifecycle.old.received == []
        finish_installation(services, "stepped_forge", begun.redirect.partition("?")[2].encode())
        script.begin = lambda _form, _url, _state: drafts[1]
        begin_installation(services, acme, "stepped_forge", NEW_FORGE)
    script.reset()
    assert [item.partition(":")[0] for item in lifecycle.old.received] == ["saved a of acme", "saved b of acme"]


def test_uninstall_calls_the_plugin_with_secrets(store: Store, installed: int) -> None:
    """The hook runs before the deletion, so that it can reach the code host; repositories stay, unclaimed."""
    with version(store, "new", secret_box=SecretBox([SecretStr(new_key())])) as services:
        acme = acme_of(services)
        configure_installation(services, acme, installed, {**NEW, "token": "t0k3n"})
        held = new_repository(store, acme.id, provider=KEY, installation_id=installed)
        seen: list[int] = []
        lifecycle.new.uninstall = lambda it: seen.append(get_installation(services, acme, it.id).installation.id)
        assert uninstall(services, acme, installed) == []
        assert (lifecycle.new.received[-1], seen) == (f"uninstall {NEW} ['token']", [installed])
        with pytest.raises(NotFound):
            uninstall(services, acme, installed)
        with services.store.read() as tx:
            repository = repository_queries.get(tx, acme.id, held)
        assert repository is not None
        assert (repository.unclaimed, repository.name) == (True, "acme/web")
        assert recorded(services, acme)[-1] == ("integration.remove", "forge")


def unavailable(_installation: Installation) -> None:
    raise ProviderUnavailable("Forge does not answer.")


def raises(_installation: Installation) -> None:
    raise KeyError("hook")


@pytest.mark.parametrize(
    ("hook", "note"),
    [
        (unavailable, "The plugin could not clean up at the code host: Forge does not answer."),
        (raises, "The plugin could not clean up at the code host: plugin 'aging' (acme-aging), scm_uninstall: raised"),
    ],
)
def test_failing_hook_does_not_keep_the_installation(store: Store, installed: int, hook: Any, note: str) -> None:
    """What is left at the code host is returned and recorded, and the installation is gone."""
    lifecycle.old.uninstall = hook
    with version(store, "old") as services:
        acme = acme_of(services)
        (found,) = uninstall(services, acme, installed)
        assert found.startswith(note)
        with pytest.raises(NotFound):
            get_installation(services, acme, installed)
        entry = list_entries(services, acme, PageQuery()).items[0]
        assert (entry.action, entry.details) == ("integration.remove", {"provider": KEY, "notes": [found]})


def test_uninstall_without_the_plugin(store: Store, installed: int) -> None:
    """An installation can be removed while its plugin is not loaded, off, or refuses its configuration."""
    off = PluginSettings(enabled=True, deny=Organizations(organizations=("acme",)))
    with version(store, "old") as services:
        acme = acme_of(services)
        services.plugins.reload(Settings(plugins={KEY: off}))
        assert uninstall(services, acme, installed) == [
            "The plugin did not clean up at the code host, because it is off: deny names 'acme'."
        ]
        services.plugins.reload(Settings(plugins={KEY: PluginSettings(enabled=True)}))
        again = install_provider(services, acme, KEY, {}).installation.id
    with version(store, "stubborn") as services:
        (note,) = uninstall(services, acme, again)
        assert "needs attention" in note
        assert lifecycle.stubborn.received == []
    with version(store, "old") as services:
        last = install_provider(services, acme, KEY, {}).installation.id
    with open_services(store) as services:
        assert uninstall(services, acme, last) == []


def test_form_of_a_configuration_is_its_schema(store: Store, installed: int) -> None:
    """Secrets are fields of the form, but not of the values; without the plugin there is no form."""
    with version(store, "new") as services:
        upgrade_configurations(services)
        (schema,) = configuration_form(services, read(services, installed))
        assert isinstance(schema, dict)
        assert (schema["title"], schema["required"]) == ("NewModel", ["url"])
        assert isinstance(schema["properties"], dict)
        assert list(schema["properties"]) == ["url", "token"]
        assert shown_configuration(services, read(services, installed)) == NEW
        assert configuration_form(services, read(services, installed).model_copy(update={"provider": "gone"})) == []


def test_service_upgrades_in_its_housekeeping(store: Store, installed: int) -> None:
    """The loops of a serving process save upgraded configurations; reading does not."""
    with version(store, "new") as services:
        for loop in background_loops(services):
            loop._work(False)  # noqa: FBT003 - the signature of a round
        assert read(services, installed).configuration == NEW
