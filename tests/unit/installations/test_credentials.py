"""Credentials of installations: stored encrypted, given to I/O hooks, renewed once, and lost keys."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier, Event
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from databases import opened
from hosting import LOCATION, REPOSITORY, START, SettableClock
from plugins.keyed_forge import KeyedForm, KeyedScript, draft_of, script
from scmhost.infra.db.engine import Store
from scmhost.infra.errors import Conflict, ProviderRefused
from scmhost.infra.paging import PageQuery
from scmhost.infra.secret_box import NO_KEYS, SecretBox, new_key
from scmhost.installations.credentials import EARLY, FRESH, LEASE, PAUSE, InstallationCredentials
from scmhost.installations.install import (
    InvalidForm,
    configure_installation,
    get_installation,
    install_provider,
    list_installations,
)
from scmhost.installations.sealing import attention_reasons, rotate_secrets, stored_secrets
from scmhost.organizations.create import create_organization
from scmhost.plugins import NeedsAttention, PluginFault, ProviderCalls
from scmhost.sdk import (
    Installation,
    Offer,
    Organization,
    ProviderError,
    ProviderUnauthorized,
    ProviderUnavailable,
    RefreshedCredentials,
)
from scmhost.services import Services
from use_cases import open_services

FORGE = "keyed_forge"
OLD, NEW = "the-first-token", "the-second-token"
KEY = SecretStr(new_key())


class Forge:
    """An installation of Keyed Forge, whose code host accepts some tokens."""

    def __init__(self, services: Services, organization: Organization, installation: Installation) -> None:
        self.services = services
        self.organization = organization
        self.installation = installation
        self.accepted = {OLD}
        self.seen: list[str] = []
        script.offer = self.offer

    def offer(self, installation: Installation) -> Sequence[Offer]:
        token = installation.secrets["token"].get_secret_value()
        self.seen.append(token)
        if token not in self.accepted:
            raise ProviderUnauthorized(f"the token {token} is not valid")
        return [Offer(identifier="1", name="app")]

    @property
    def calls(self) -> ProviderCalls:
        return self.services.plugins.calls_for(FORGE, self.organization)

    def ask(self) -> Sequence[Offer]:
        """Call an I/O hook."""
        return self.calls.offer_repositories(self.installation, [], "").offers

    def wait(self, span: timedelta) -> None:
        clock = self.services.clock
        assert isinstance(clock, SettableClock)
        clock.turn(span.total_seconds())

    @property
    def reason(self) -> str | None:
        """Why the installation needs attention."""
        return attention_reasons(self.services, self.organization, [self.installation]).get(self.installation.id)


@pytest.fixture(autouse=True)
def _script() -> Iterator[KeyedScript]:
    script.reset()
    yield script
    script.reset()


@pytest.fixture
def services(sqlite_store: Store) -> Iterator[Services]:
    with open_services(sqlite_store, {FORGE: "plugins.keyed_forge"}, secret_box=SecretBox([KEY])) as opened:
        yield opened


@pytest.fixture
def acme(services: Services) -> Organization:
    return create_organization(services, "acme")


@pytest.fixture
def forge(services: Services, acme: Organization) -> Forge:
    return installed(services, acme)


def installed(services: Services, organization: Organization, name: str = "team", **fields: Any) -> Forge:
    """Install Keyed Forge; ``fields`` are those of the plugin's draft."""
    script.draft = lambda form: draft_of(form, **fields)
    stored = install_provider(services, organization, FORGE, {"name": name, "token": OLD})
    return Forge(services, organization, stored.installation)


def renewed(token: str = NEW, *, hours: int | None = None) -> Callable[[Installation], RefreshedCredentials]:
    """Return a refresh hook that gives a token."""
    expires = START + timedelta(hours=hours) if hours else None
    return lambda _installation: RefreshedCredentials(secrets={"token": SecretStr(token)}, expires_at=expires)


def test_io_hook_gets_secrets(forge: Forge) -> None:
    """An I/O hook gets the secrets that the plugin returned; they are in the database in encrypted form only."""
    assert [offer.name for offer in forge.ask()] == ["app"]
    assert forge.seen == [OLD]
    with forge.services.store.read() as tx:
        rows = tx.execute(text("SELECT * FROM installations, installation_secrets")).all()
    assert OLD not in repr(rows)
    assert forge.reason is None


def test_pure_hook_gets_no_secrets(forge: Forge) -> None:
    """Neither a pure hook nor the rest of the host gets them."""
    stored = get_installation(forge.services, forge.organization, forge.installation.id)
    assert stored.installation.secrets == {}
    forge.calls.source_url(forge.installation, REPOSITORY, LOCATION)
    assert [each.secrets for each in script.pure] == [{}]


def test_without_a_key_nothing_is_installed(sqlite_store: Store) -> None:
    """The error names the command that makes a key."""
    with open_services(sqlite_store, {FORGE: "plugins.keyed_forge"}) as services:
        acme = create_organization(services, "acme")
        with pytest.raises(Conflict, match="scmhost secrets new-key"):
            installed(services, acme)
        assert list_installations(services, acme, PageQuery()).items == []


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"configuration": {"token": "**********"}}, r"configuration.token is the mask of a SecretStr"),
        ({"metadata": {"deep": [{"x": f"Bearer {OLD}"}]}}, r"metadata.deep.x contains the secret 'token'"),
        ({"metadata": {OLD: 1}}, r"metadata has a key that contains the secret 'token'"),
        ({"name": OLD}, "name contains the secret"),
        ({"configuration": {"branch": "x" * 21}}, r"not valid for KeyedConfiguration \(branch: String should have"),
        ({"configuration": {"more": 1}}, r"not valid for KeyedConfiguration \(more: Extra inputs"),
    ],
)
def test_draft_that_cannot_be_stored_is_refused(
    services: Services, acme: Organization, fields: dict[str, Any], problem: str
) -> None:
    """A draft that loses or shows a secret, or has a wrong configuration, is the plugin's fault, and is not saved."""
    with pytest.raises(PluginFault, match=problem) as fault:
        installed(services, acme, **fields)
    assert OLD not in str(fault.value)
    assert list_installations(services, acme, PageQuery()).items == []


def test_secret_field_of_a_configuration_is_stored_as_secret(services: Services, acme: Organization) -> None:
    """A plugin that puts the value of a secret field into the configuration gets it among the secrets."""
    forge = installed(services, acme, secrets={}, configuration={"branch": "main", "token": OLD})
    assert forge.installation.configuration == {"branch": "main"}
    forge.ask()
    assert forge.seen == [OLD]


def test_configured_secret_replaces_the_stored_one(forge: Forge) -> None:
    """A new secret takes effect; one that is left out stays; one that is null is removed."""
    services, acme, id_ = forge.services, forge.organization, forge.installation.id
    changed = configure_installation(services, acme, id_, {"branch": "main", "token": NEW})
    assert changed.installation.configuration == {"branch": "main"}
    assert configure_installation(services, acme, id_, {"branch": "dev"}).installation.configuration == {
        "branch": "dev"
    }
    assert stored_secrets(services, forge.installation)["token"].get_secret_value() == NEW
    configure_installation(services, acme, id_, {"token": None})
    assert stored_secrets(services, forge.installation) == {}


def test_invalid_form_does_not_repeat_a_secret(services: Services, acme: Organization) -> None:
    """The errors of a form have no value of a secret field, whatever its type is."""
    for token in (["a-secret-in-a-list"], {"a-secret": 1}, 12345678):
        with pytest.raises(InvalidForm) as refusal:
            install_provider(services, acme, FORGE, {"name": "x", "token": token})  # type: ignore[dict-item]
        assert "secret" not in str(refusal.value.problems["token"])
        assert "12345678" not in f"{refusal.value} {refusal.value.__cause__}"


def test_refused_credentials_are_renewed_once(forge: Forge) -> None:
    """The hook is called again with the new ones, which are saved."""
    forge.accepted, script.refresh = {NEW}, renewed()
    assert len(forge.ask()) == 1
    assert forge.seen == [OLD, NEW]
    forge.ask()
    assert forge.seen == [OLD, NEW, NEW]
    assert forge.reason is None


def test_other_secrets_stay_when_one_is_renewed(services: Services, acme: Organization) -> None:
    """A refresh hook returns those that changed."""
    forge = installed(services, acme, secrets={"token": OLD, "key": "a-private-key"})
    forge.accepted, script.refresh = {NEW}, renewed()
    forge.ask()
    held = stored_secrets(services, forge.installation)
    assert {name: secret.get_secret_value() for name, secret in held.items()} == {"token": NEW, "key": "a-private-key"}


def test_credentials_are_renewed_before_they_expire(services: Services, acme: Organization) -> None:
    """They are renewed shortly before, and the new ones have a time of their own."""
    forge = installed(services, acme, secrets_expire_at=START + timedelta(hours=1))
    forge.accepted, script.refresh = {OLD, NEW}, renewed(hours=2)
    forge.ask()
    forge.wait(timedelta(hours=1) - EARLY)
    forge.ask()
    forge.ask()
    assert forge.seen == [OLD, NEW, NEW]


def test_valid_credentials_are_used_while_the_host_is_down(services: Services, acme: Organization) -> None:
    """A renewal that fails for now does no harm before the expiry; after it, the call fails for now."""
    forge = installed(services, acme, secrets_expire_at=START + timedelta(hours=1))

    def down(_installation: Installation) -> None:
        raise ProviderUnavailable("the forge is down")

    script.refresh = down
    forge.wait(timedelta(hours=1) - EARLY)
    assert len(forge.ask()) == 1
    forge.wait(EARLY)
    with pytest.raises(ProviderUnavailable, match="is down") as refusal:
        forge.ask()
    assert not isinstance(refusal.value, NeedsAttention)
    assert forge.reason is None


def fails(error: Exception) -> Callable[[Installation], None]:
    def refresh(_installation: Installation) -> None:
        raise error

    return refresh


@pytest.mark.parametrize(
    ("refresh", "reason"),
    [
        (lambda _: None, r"the token \(hidden\) is not valid"),
        (fails(ProviderError("the grant is revoked")), "the grant is revoked"),
        (fails(ProviderUnauthorized(f"{OLD} is revoked")), r"\(hidden\) is revoked"),
        (renewed("another wrong token"), r"the token \(hidden\) is not valid"),
    ],
)
def test_failed_renewal_needs_attention(forge: Forge, refresh: Callable[[Installation], Any], reason: str) -> None:
    """The reason is shown; hooks are not called for a while, and then once; a success ends it."""
    forge.accepted, script.refresh = set(), refresh
    for _ in range(2):
        with pytest.raises(NeedsAttention, match=rf"'team' needs attention: the code host refuses .*{reason}"):
            forge.ask()
    calls = len(forge.seen)
    assert calls in (1, 2)
    assert "enter new ones in its configuration" in str(forge.reason)
    forge.accepted = {OLD, "another wrong token"}
    forge.wait(PAUSE)
    forge.ask()
    assert len(forge.seen) == calls + 1
    assert forge.reason is None


def test_faulty_refresh_hook_is_a_fault(forge: Forge) -> None:
    """A bug is the plugin's fault, its text has no secret, and the installation needs attention."""
    forge.accepted, script.refresh = set(), fails(KeyError(OLD))
    with pytest.raises(PluginFault, match=r"scm_refresh_credentials: raised KeyError: '\(hidden\)'") as fault:
        forge.ask()
    assert fault.value.__cause__ is None
    assert "its plugin cannot renew its credentials" in str(forge.reason)


def test_new_credentials_end_the_need_for_attention(forge: Forge) -> None:
    """A person who enters new ones need not wait."""
    forge.accepted = {NEW}
    with pytest.raises(NeedsAttention):
        forge.ask()
    configure_installation(forge.services, forge.organization, forge.installation.id, {"token": NEW})
    assert forge.reason is None
    forge.wait(FRESH)
    assert len(forge.ask()) == 1


def test_one_worker_renews_at_a_time(forge: Forge) -> None:
    """Callers at the same time wait for the new credentials; the code host gets one request to renew."""
    forge.accepted = {NEW}
    asked, go = [], Event()

    def refresh(installation: Installation) -> RefreshedCredentials:
        asked.append(installation.secrets["token"].get_secret_value())
        assert go.wait(5)
        return RefreshedCredentials(secrets={"token": SecretStr(NEW)})

    refused = Barrier(5)

    def offer(installation: Installation) -> Sequence[Offer]:
        if installation.secrets["token"].get_secret_value() == OLD:
            refused.wait(5)
        return forge.offer(installation)

    script.refresh, script.offer = refresh, offer
    with ThreadPoolExecutor(4) as threads:
        results = [threads.submit(forge.ask) for _ in range(4)]
        refused.wait(5)
        go.set()
        assert [len(result.result()) for result in results] == [1, 1, 1, 1]
    assert asked == [OLD]
    assert sorted(forge.seen[4:]) == [NEW] * 4


def other_process(store: Store, clock: SettableClock, box: SecretBox, waits: list[float]) -> InstallationCredentials:
    def pause(seconds: float) -> None:
        waits.append(seconds)
        clock.turn(LEASE.total_seconds())

    return InstallationCredentials(store, clock, box, pause)


def test_lease_of_a_dead_worker_ends(forge: Forge) -> None:
    """Another process waits for the lease to end, and then renews."""
    clock = forge.services.clock
    assert isinstance(clock, SettableClock)
    waits: list[float] = []
    first, second = (other_process(forge.services.store, clock, forge.services.secret_box, waits) for _ in range(2))
    held = first.get(forge.installation, None, 1)

    def dies(_installation: Installation, _held: object) -> None:
        raise KeyboardInterrupt

    error = ProviderUnauthorized("no")
    with pytest.raises(KeyboardInterrupt):
        first.renew(forge.installation, held, dies, 1, error)
    fresh = second.renew(forge.installation, held, lambda installation, _: renewed()(installation), 1, error)
    assert (fresh.secrets["token"].get_secret_value(), len(waits)) == (NEW, 1)
    # The first process learns of it without another request to the code host.
    assert first.renew(forge.installation, held, dies, 1, error).version == fresh.version


def test_waiting_for_another_worker_is_bounded(forge: Forge) -> None:
    """After its patience a caller gets an error that it may try again."""
    clock = forge.services.clock
    assert isinstance(clock, SettableClock)
    credentials = InstallationCredentials(forge.services.store, clock, forge.services.secret_box)
    held = credentials.get(forge.installation, None, 1)

    def ask_again(_installation: Installation, _held: object) -> None:
        credentials.renew(forge.installation, held, ask_again, 0, ProviderUnauthorized("no"))

    with pytest.raises(ProviderUnavailable, match="cannot be renewed now; try again") as refusal:
        credentials.renew(forge.installation, held, ask_again, 0, ProviderUnauthorized("no"))
    assert not isinstance(refusal.value, NeedsAttention)


@pytest.mark.parametrize("keys", [[], [SecretStr(new_key())]])
def test_lost_key_stops_only_hooks_that_need_secrets(sqlite_url: str, keys: list[SecretStr]) -> None:
    """I/O hooks are not called, pure hooks are; the reason is shown. With the key everything works again."""
    plugins = {FORGE: "plugins.keyed_forge"}
    with opened(sqlite_url) as store, open_services(store, plugins, secret_box=SecretBox([KEY])) as services:
        forge = installed(services, create_organization(services, "acme"))
        with open_services(store, plugins, secret_box=SecretBox(keys)) as other:
            lost = Forge(other, forge.organization, forge.installation)
            with pytest.raises(NeedsAttention, match=r"key that encrypted them is not among host\.secret_keys"):
                lost.ask()
            assert lost.seen == []
            assert (
                str(lost.calls.source_url(lost.installation, REPOSITORY, LOCATION)) == "https://forge.example/here.py"
            )
            assert "host.secret_keys" in str(lost.reason)
        with open_services(store, plugins, secret_box=SecretBox([*keys, KEY])) as again:
            found = Forge(again, forge.organization, forge.installation)
            assert (len(found.ask()), found.reason) == (1, None)


def test_secrets_of_another_installation_are_refused(services: Services, acme: Organization) -> None:
    """A row that was copied to another installation does not give it the secrets."""
    first, second = installed(services, acme, "one"), installed(services, acme, "two")
    with services.store.write() as tx:
        copy = "UPDATE installation_secrets SET encrypted = (SELECT encrypted FROM installation_secrets WHERE"
        tx.execute(
            text(f"{copy} installation_id = :one) WHERE installation_id = :two"),
            {"one": first.installation.id, "two": second.installation.id},
        )
    with pytest.raises(NeedsAttention):
        second.ask()
    assert second.seen == []


def test_keys_are_rotated(sqlite_url: str) -> None:
    """All secrets are encrypted with the first key; a second run changes nothing; lost ones are counted and kept."""
    plugins, first, second = {FORGE: "plugins.keyed_forge"}, SecretStr(new_key()), SecretStr(new_key())
    with opened(sqlite_url) as store:
        with open_services(store, plugins, secret_box=SecretBox([first])) as services:
            acme = create_organization(services, "acme")
            forges = [installed(services, acme, f"team {number}") for number in range(3)]
        with open_services(store, plugins, secret_box=SecretBox([SecretStr(new_key())])) as services:
            installed(services, acme, "lost")
        with open_services(store, plugins, secret_box=SecretBox([second, first])) as services:
            done = rotate_secrets(services)
            assert (done.rotated, done.current, done.lost) == (3, 0, 1)
            done = rotate_secrets(services)
            assert (done.rotated, done.current, done.lost) == (0, 3, 1)
        with open_services(store, plugins, secret_box=SecretBox([second])) as services:
            for forge in forges:
                assert len(Forge(services, acme, forge.installation).ask()) == 1
        with open_services(store, plugins, secret_box=NO_KEYS) as services, pytest.raises(Conflict, match="new-key"):
            rotate_secrets(services)


def test_invalid_configuration_needs_attention(forge: Forge) -> None:
    """No hook is called for an installation whose stored configuration its model refuses."""
    with forge.services.store.write() as tx:
        tx.execute(text("UPDATE installations SET configuration = '{\"gone\": 1}'"))
    broken = get_installation(forge.services, forge.organization, forge.installation.id).installation
    for call in (
        lambda: forge.calls.offer_repositories(broken, [], ""),
        lambda: forge.calls.source_url(broken, REPOSITORY, LOCATION),
    ):
        with pytest.raises(NeedsAttention, match=r"not valid for KeyedConfiguration \(gone: Extra inputs"):
            call()
    assert (forge.seen, script.pure) == ([], [])
    assert "KeyedConfiguration" in str(attention_reasons(forge.services, forge.organization, [broken])[broken.id])


def test_hook_without_installation_needs_no_credentials(forge: Forge) -> None:
    """A code host that refuses credentials which the host does not have is a refusal."""
    form = KeyedForm(name="x", token=SecretStr(OLD))

    def refuse(_form: KeyedForm) -> Any:
        raise ProviderUnauthorized("the token is wrong")

    script.draft = refuse
    with pytest.raises(ProviderRefused, match="the token is wrong") as refusal:
        install_provider(forge.services, forge.organization, FORGE, {"name": form.name, "token": OLD})
    assert refusal.value.reason == "forbidden"
