"""Installations in steps: states are used once, bound to organization, provider and person, and expire."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest
from pydantic import JsonValue, SecretStr
from sqlalchemy import text

from hosting import SettableClock
from plugins.stepped_forge import CLIENT_SECRET, SteppedForm, script
from scmhost.admin.background import background_loops
from scmhost.admin.host_checks import check_address
from scmhost.infra.db.engine import Store
from scmhost.infra.errors import Conflict, NotFound, ProviderRefused
from scmhost.infra.paging import PageQuery
from scmhost.infra.secret_box import KeyLost, SecretBox, new_key
from scmhost.installations import install_steps, pending_queries
from scmhost.installations.install import InvalidForm, list_installations
from scmhost.installations.install_steps import (
    KEPT,
    LIFETIME,
    BegunInstallation,
    CallbackRefused,
    FinishedInstallation,
    begin_installation,
    finish_installation,
    forget_expired,
    pending_installation,
    read_query,
    shown_error,
)
from scmhost.installations.queries import StoredInstallation
from scmhost.installations.sealing import stored_secrets
from scmhost.organizations.create import create_organization
from scmhost.organizations.tokens import create_token, revoke_token
from scmhost.plugins import PluginFault, ProviderOff
from scmhost.sdk import InstallationDraft, Organization, ProviderError, ProviderForbidden, RedirectTo
from scmhost.services import Actor, Services
from use_cases import open_services, recorded

FORGE = "stepped_forge"
URL = "https://scmhost.example"
CODE = "the-code-of-the-forge"
VERIFIER = "the-verifier-of-the-code"
ADA = Actor("user", "ada")


@pytest.fixture
def services(store: Store) -> Iterator[Services]:
    script.reset()
    plugins = {FORGE: "plugins.stepped_forge", "moody": "plugins.moody"}
    with open_services(store, plugins, url=URL, secret_box=SecretBox([SecretStr(new_key())])) as opened:
        script.begin, script.finish = redirect, draft_of
        yield opened.for_actor(ADA)
    script.reset()


@pytest.fixture
def acme(services: Services) -> Organization:
    return create_organization(services, "acme")


def redirect(form: SteppedForm, callback_url: str, state: str) -> RedirectTo:
    query = urlencode({"state": state, "redirect_uri": callback_url})
    return RedirectTo(url=f"{form.server}/authorize?{query}", saved={"server": form.server, "code_verifier": VERIFIER})


def draft_of(query: Mapping[str, str], saved: Mapping[str, JsonValue]) -> InstallationDraft:
    assert saved["code_verifier"] == VERIFIER
    name, token = query.get("name", "ada"), SecretStr(f"token for {query['code']}")
    configuration = {"server": saved["server"]}
    return InstallationDraft(name=name, external_id=name, configuration=configuration, secrets={"token": token})


def begin(services: Services, organization: Organization, **fields: str) -> BegunInstallation:
    made = begin_installation(services, organization, FORGE, {"server": "https://forge.example", **fields})
    assert isinstance(made, BegunInstallation)
    return made


def state_of(begun: BegunInstallation) -> str:
    return parse_qs(urlsplit(begun.redirect).query)["state"][0]


def finish(services: Services, begun: BegunInstallation, provider: str = FORGE, **query: str) -> FinishedInstallation:
    parameters = {"state": state_of(begun), "code": CODE, **query}
    return finish_installation(services, provider, urlencode(parameters).encode())


def names(services: Services, organization: Organization) -> list[str]:
    return [each.installation.name for each in list_installations(services, organization, PageQuery()).items]


def refused(services: Services, begun: BegunInstallation, **query: str) -> CallbackRefused:
    with pytest.raises(CallbackRefused) as refusal:
        finish(services, begun, **query)
    return refusal.value


def advance(services: Services, by: timedelta) -> None:
    assert isinstance(services.clock, SettableClock)
    services.clock.turn(by.total_seconds())


def status_of(services: Services, begun: BegunInstallation, organization: Organization) -> tuple[str, str | None]:
    pending = pending_installation(services, organization, begun.pending.id)
    return pending.status, pending.detail


def test_plugin_gets_address_and_state(services: Services, acme: Organization) -> None:
    """The address of the callback is that of the service and the provider; every state is another one."""
    begun = begin(services, acme)
    query = parse_qs(urlsplit(begun.redirect).query)
    assert query["redirect_uri"] == [f"{URL}/hooks/install/{FORGE}/"]
    assert state_of(begun) != state_of(begin(services, acme))
    assert quote(state_of(begun), safe="") == state_of(begun)
    assert (begun.pending.actor, begun.pending.expires_at) == (ADA, services.clock.now() + LIFETIME)
    assert (names(services, acme), recorded(services, acme)) == ([], [("org.create", "acme")])


def test_installation_is_finished(services: Services, acme: Organization) -> None:
    """The installation has what the plugin returned; it is recorded under the person who began."""
    begun = begin(services, acme)
    done = finish(services.for_actor(Actor("system", "scmhost")), begun)
    assert done.installation is not None
    installation = done.installation.installation
    assert (installation.name, installation.configuration) == ("ada", {"server": "https://forge.example"})
    assert stored_secrets(services, installation)["token"].get_secret_value() == f"token for {CODE}"
    pending = pending_installation(services, acme, begun.pending.id)
    assert (pending.status, pending.installation_id) == ("installed", installation.id)
    assert recorded(services, acme)[1:] == [("integration.add", "ada")]


def test_form_with_all_that_is_needed_installs_at_once(services: Services, acme: Organization) -> None:
    """A draft in place of a page is saved; this needs no address of the service."""
    token = SecretStr("a-token")
    script.begin = lambda *_: InstallationDraft(
        name="team", external_id="1", configuration={"server": "https://x.example"}, secrets={"token": token}
    )
    made = begin_installation(services, acme, FORGE, {"server": "https://forge.example", "token": "a-token"})
    assert isinstance(made, StoredInstallation)
    assert stored_secrets(services, made.installation) == {"token": token}
    assert begin_installation(services, acme, "moody", {}) != made
    assert names(services, acme) == ["moody", "team"]


def test_wrong_form_begins_nothing(services: Services, acme: Organization) -> None:
    """The form is checked as for an installation in one step."""
    with pytest.raises(InvalidForm, match="server: This field is required"):
        begin_installation(services, acme, FORGE, {})
    assert rows(services) == []


def rows(services: Services) -> list[Any]:
    with services.store.read() as tx:
        return list(tx.execute(text("SELECT * FROM pending_installations")))


def test_state_and_saved_data_are_not_readable_in_the_database(services: Services, acme: Organization) -> None:
    """The state is hashed and the saved data encrypted; after the callback, the data is gone."""
    begun = begin(services, acme)
    assert len(rows(services)) == 1
    stored = str(rows(services))
    assert [part for part in (state_of(begun), state_of(begun).partition(".")[2], VERIFIER) if part in stored] == []
    assert (VERIFIER in repr(begun), "sealed" in repr(begun)) == (False, False)
    finish(services, begun)
    assert rows(services)[0]._mapping["sealed"] is None


def test_state_is_used_once(services: Services, acme: Organization) -> None:
    """A second callback, also while the first is running, changes nothing."""
    begun = begin(services, acme)
    seen: list[CallbackRefused] = []

    def finish_again(query: Mapping[str, str], saved: Mapping[str, JsonValue]) -> InstallationDraft:
        seen.append(refused(services, begun))
        assert status_of(services, begun, acme) == ("finishing", None)
        return draft_of(query, saved)

    script.finish = finish_again
    assert finish(services, begun).installation is not None
    seen.append(refused(services, begun, name="other"))
    assert [(error.gone, "was used already" in str(error)) for error in seen] == [(True, True)] * 2
    assert names(services, acme) == ["ada"]


def test_of_two_workers_one_uses_a_state(services: Services, acme: Organization) -> None:
    """Both have read the same row; the database lets one of them go on."""
    pending, now = begin(services, acme).pending, services.clock.now()
    ready = Barrier(2)

    def use(_: int) -> bool:
        ready.wait(30)
        with services.store.write() as tx:
            return pending_queries.use(tx, pending, now)

    with ThreadPoolExecutor(2) as workers:
        assert sorted(workers.map(use, range(2))) == [False, True]


def test_state_expires(services: Services, acme: Organization) -> None:
    """After ten minutes the browser is too late."""
    begun, late = begin(services, acme), begin(services, acme)
    advance(services, LIFETIME - timedelta(seconds=1))
    assert finish(services, begun).installation is not None
    advance(services, timedelta(seconds=1))
    error = refused(services, late)
    assert (error.gone, "in time" in str(error)) == (True, True)
    assert status_of(services, late, acme)[0] == "expired"
    assert names(services, acme) == ["ada"]


@pytest.mark.parametrize(
    "change",
    [
        lambda _state, _other: "",
        lambda _state, _other: "unknown",
        lambda state, _other: state[:-1],
        lambda state, _other: f"{state}x",
        lambda state, _other: state.swapcase(),
        lambda state, other: f"{other}.{state.partition('.')[2]}",
        lambda state, _other: f"9999999999999999.{state.partition('.')[2]}",
        lambda state, _other: "\u0661" + state[1:],
    ],
)
def test_foreign_state_is_refused(services: Services, acme: Organization, change: Callable[[str, int], str]) -> None:
    """A missing, unknown, changed or foreign state finishes nothing; the true one still does."""
    other, begun = create_organization(services, "other"), begin(services, acme)
    error = refused(services, begun, state=change(state_of(begun), other.id))
    assert (error.gone, "no installation that was begun here" in str(error)) == (False, True)
    assert (names(services, acme), names(services, other)) == ([], [])
    assert finish(services, begun).installation is not None


def test_state_is_bound_to_the_provider(services: Services, acme: Organization) -> None:
    """The callback of another provider does not accept it."""
    begun = begin(services, acme)
    for provider in ("moody", "unknown", "\ud800", ""):
        with pytest.raises(CallbackRefused, match="no installation that was begun here"):
            finish(services, begun, provider)
    assert finish(services, begun).installation is not None


def test_result_is_shown_to_who_began(services: Services, acme: Organization) -> None:
    """Other tokens, users and organizations get the same answer as for an unknown id."""
    begun, other = begin(services, acme), create_organization(services, "other")
    for actor in (Actor("user", "bob"), Actor("token", "ada", 1)):
        with pytest.raises(NotFound):
            pending_installation(services.for_actor(actor), acme, begun.pending.id)
    for organization, pending_id in ((other, begun.pending.id), (acme, 2**60), (acme, -1)):
        with pytest.raises(NotFound):
            pending_installation(services, organization, pending_id)
    assert status_of(services, begun, acme) == ("waiting", None)


def test_revoked_or_expired_token_finishes_nothing(services: Services, acme: Organization) -> None:
    """What a token began ends with the token."""
    soon = services.clock.now() + timedelta(minutes=5)
    token, _ = create_token(services, acme, "ci", ["org:integrations"])
    brief, _ = create_token(services, acme, "brief", ["org:integrations"], soon)
    valid, _ = create_token(services, acme, "valid", ["org:integrations"])
    first, second, third = (
        begin(services.for_actor(Actor("token", each.name, each.id)), acme) for each in (token, brief, valid)
    )
    revoke_token(services, acme, token.id)
    advance(services, timedelta(minutes=5))
    for begun in (first, second):
        assert "token that began" in str(refused(services, begun))
    assert finish(services, third).installation is not None


@pytest.mark.parametrize(
    ("error", "status", "shown"),
    [
        (ProviderForbidden("you declined"), "refused", "you declined"),
        (ProviderError("bad \ud800 text\x00"), "refused", "bad"),
        (KeyError("code"), "failed", "The plugin of this provider failed."),
    ],
)
def test_plugin_does_not_finish(
    services: Services, acme: Organization, error: Exception, status: str, shown: str
) -> None:
    """The reason is kept for who began; the browser does not see a fault of the plugin. The state is spent."""

    def fail(*_: object) -> InstallationDraft:
        raise error

    begun, script.finish = begin(services, acme), fail
    done = finish(services, begun)
    assert done.error is not None
    assert shown in shown_error(done.error)
    kept, detail = status_of(services, begun, acme)
    assert (kept, bool(detail)) == (status, True)
    assert refused(services, begun).gone
    assert (names(services, acme), recorded(services, acme)) == ([], [("org.create", "acme")])


def test_errors_do_not_have_the_secrets_of_a_callback(services: Services, acme: Organization) -> None:
    """The code, the state and what was saved under a secret name are hidden; other words are kept."""

    def fail(query: Mapping[str, str], saved: Mapping[str, JsonValue]) -> InstallationDraft:
        raise ProviderError(f"{dict(query)} {dict(saved)} at https://forge.example/?code={query['code']}")

    begun, script.finish = begin(services, acme), fail
    done = finish(services, begun, error_description="please sign in")
    for shown in (str(done.error), str(status_of(services, begun, acme)), str(rows(services))):
        assert [each for each in (CODE, VERIFIER, state_of(begun), CLIENT_SECRET) if each in shown] == []
        assert "please sign in" in shown


def test_installation_that_exists_is_a_conflict(services: Services, acme: Organization) -> None:
    """The second consent for the same account makes no second installation."""
    assert finish(services, begin(services, acme)).installation is not None
    begun = begin(services, acme)
    assert isinstance(finish(services, begun).error, Conflict)
    assert (status_of(services, begun, acme)[0], names(services, acme)) == ("failed", ["ada"])


def test_draft_that_cannot_be_stored_is_a_fault(services: Services, acme: Organization) -> None:
    """The hook that returned it is named."""
    begun = begin(services, acme)
    error = finish(services, begun, name="a\x00b").error
    assert isinstance(error, PluginFault)
    assert error.hook == "scm_finish_install"
    assert names(services, acme) == []


def test_provider_that_is_switched_off_keeps_the_state(services: Services, acme: Organization) -> None:
    """The person can reload the page after the provider is on again."""
    begun = begin(services, acme)
    settings = services.plugins.settings
    off = settings.model_copy(update={"plugins_off": frozenset({FORGE})})
    services.plugins.reload(off)
    with pytest.raises(ProviderOff):
        finish(services, begun)
    services.plugins.reload(settings)
    assert finish(services, begun).installation is not None


def test_interrupted_worker_is_reported(services: Services, acme: Organization) -> None:
    """A worker that ended between the plugin's call and the result leaves no request waiting for ever."""
    begun = begin(services, acme)

    def end(*_: object) -> InstallationDraft:
        advance(services, install_steps.INTERRUPTED)
        kept = status_of(services, begun, acme)
        assert (kept[0], "interrupted" in str(kept[1])) == ("failed", True)
        raise ProviderError("ended")

    script.finish = end
    assert isinstance(finish(services, begun).error, ProviderRefused)


def test_host_without_address_is_refused_with_the_setting(services: Services, acme: Organization) -> None:
    """The error names the setting; nothing is saved."""
    without = open_like(services, url=None)
    with pytest.raises(Conflict, match=r"url under \[host\] of plugins.toml"):
        begin(without, acme)
    assert rows(services) == []


def test_host_without_key_is_refused_with_the_command(services: Services, acme: Organization) -> None:
    """Before a person consents, the error names the command that makes a key; also if only the result has secrets."""
    without = open_like(services, secret_box=SecretBox())
    with pytest.raises(Conflict, match="scmhost secrets new-key"):
        begin(without, acme)
    script.begin = lambda form, _, state: RedirectTo(url=f"{form.server}/?{state}")
    with pytest.raises(Conflict, match="scmhost secrets new-key"):
        begin(without, acme)
    assert rows(services) == []


def test_lost_key_keeps_the_state(services: Services, acme: Organization) -> None:
    """Saved data of another key cannot be read; with the key the same callback works."""
    begun = begin(services, acme)
    with pytest.raises(KeyLost):
        finish(open_like(services, secret_box=SecretBox([SecretStr(new_key())])), begun)
    assert finish(services, begun).installation is not None


def test_copied_data_is_refused(services: Services, acme: Organization) -> None:
    """What was saved for one state is not given to another one."""
    first, second = begin(services, acme), begin(services, acme)
    with services.store.write() as tx:
        copied = tx.scalar(text("SELECT sealed FROM pending_installations WHERE id = :id"), {"id": first.pending.id})
        tx.execute(
            text("UPDATE pending_installations SET sealed = :it WHERE id = :id"),
            {"it": copied, "id": second.pending.id},
        )
    assert not refused(services, second).gone
    assert finish(services, first).installation is not None


def open_like(services: Services, **fields: Any) -> Services:
    """The same process with another configuration."""
    return replace(services, **fields)


def test_number_of_waiting_installations_is_limited(
    services: Services, acme: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One organization cannot fill the table, and does not hinder another; expired ones do not count."""
    monkeypatch.setattr(install_steps, "MOST_WAITING", 2)
    first, _ = begin(services, acme), begin(services, acme)
    with pytest.raises(Conflict, match="wait for a browser"):
        begin(services, acme)
    begin(services, create_organization(services, "other"))
    finish(services, first)
    begin(services, acme)
    advance(services, LIFETIME)
    begin(services, acme)
    begin(services, acme)


def test_expired_installations_are_forgotten(services: Services, acme: Organization) -> None:
    """At its expiry the saved data is removed, an hour later the row; nothing of others is."""
    begin(services, acme)
    advance(services, LIFETIME - timedelta(seconds=1))
    assert forget_expired(services) == 0
    assert rows(services)[0]._mapping["sealed"] is not None
    advance(services, timedelta(seconds=1))
    assert forget_expired(services) == 0
    assert [row._mapping["sealed"] for row in rows(services)] == [None]
    later = begin(services, acme)
    advance(services, KEPT)
    assert forget_expired(services) == 1
    assert [row._mapping["id"] for row in rows(services)] == [later.pending.id]


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("https://forge.example/authorize", "does not contain the state"),
        ("https://forge.example/#{state}", "does not contain the state"),
        ("https://ada:pw@forge.example/?{state}", "not safe"),
        ("https:///?{state}", "not safe"),
        ("https://forge.example/ ?{state}", "not safe"),
        ("javascript:alert(1)//{state}", ""),
        ("https://forge.example/?{state}&secret=" + CLIENT_SECRET, "a secret of the form or the settings"),
        ("https://forge.example/?{state}&secret=the%20token", "a secret of the form or the settings"),
        ("https://forge.example/?{state}", "saved has more than"),
    ],
)
def test_unsafe_page_is_a_fault_of_the_plugin(services: Services, acme: Organization, url: str, problem: str) -> None:
    """No person is sent to such a page, and nothing is saved. The text does not repeat the address."""
    saved: dict[str, JsonValue] = {"much": "x" * 70_000} if problem.startswith("saved") else {}
    script.begin = lambda _form, _callback, state: RedirectTo(url=url.format(state=state), saved=saved)
    with pytest.raises(PluginFault) as fault:
        begin(services, acme, token="the token")
    assert (problem in str(fault.value), "forge.example" in str(fault.value)) == (True, False)
    assert (fault.value.hook, rows(services)) == ("scm_begin_install", [])


@pytest.mark.parametrize(
    ("query", "parameters"),
    [
        (b"", {}),
        (b"state=a&code=b+c%2F", {"state": "a", "code": "b c/"}),
        (b"empty=&alone", {"empty": "", "alone": ""}),
        (b"bytes=%ff&name=%C3%A9", {"bytes": "\ufffd", "name": "\u00e9"}),
        (b"raw=\xc3\xa9", {"raw": "\u00c3\u00a9"}),
    ],
)
def test_query_is_decoded_as_utf_8(query: bytes, parameters: Mapping[str, str]) -> None:
    """Escapes are decoded as UTF-8; what is not UTF-8 is replaced."""
    assert read_query(query) == parameters


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        (b"state=" + b"x" * 8_192, "longer than 8192"),
        (b"&".join(b"p%d=1" % number for number in range(51)), "more than 50 parameters"),
        (b"state=a&code=1&state=b", "occurs twice"),
        (b"code=1&co%64e=1", "occurs twice"),
    ],
)
def test_wrong_query_is_refused(query: bytes, problem: str) -> None:
    """Programs disagree on repeated parameters, so that none is accepted."""
    with pytest.raises(CallbackRefused, match=problem):
        read_query(query)


def test_doctor_reports_a_host_without_address(services: Services) -> None:
    """Only plugins that need the address are named."""
    without = replace(services, url=None)
    assert [(item.severity, item.subject) for item in check_address(without)] == [("note", f"plugin {FORGE}")]
    assert list(check_address(services)) == []


def test_listeners_get_both_kinds_of_installation(
    services: Services, acme: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are notified after the installation is saved, and of nothing that is only begun or refused."""
    seen: list[str] = []
    monkeypatch.setattr(
        services.plugins, "notify", lambda hook, **values: seen.append(f"{hook} {values['installation'].name}")
    )
    begun, declined = begin(services, acme), begin(services, acme)
    assert seen == []
    finish(services, begun)
    refused(services, begun)
    script.begin = lambda form, *_: InstallationDraft(
        name="team", external_id="1", configuration={"server": form.server}
    )
    begin_installation(services, acme, FORGE, {"server": "https://forge.example"})
    script.finish = lambda *_: None
    assert finish(services, declined).error is not None
    assert seen == ["scm_installation_saved ada", "scm_installation_saved team"]


def test_housekeeping_forgets(services: Services, acme: Organization) -> None:
    """The service does so by itself."""
    begin(services, acme)
    advance(services, LIFETIME + KEPT)
    (housekeeping,) = [loop for loop in background_loops(services) if loop.name == "housekeeping"]
    housekeeping.round(woken=False)
    assert rows(services) == []
