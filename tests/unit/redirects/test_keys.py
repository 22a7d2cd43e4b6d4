"""Use cases of redirect keys, without HTTP."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

import factories
from hosting import SettableClock
from scmhost.infra.db.base import secret_digest
from scmhost.infra.db.engine import Store
from scmhost.infra.errors import Conflict, InvalidInput, NotFound
from scmhost.organizations.tokens import save_token_uses
from scmhost.redirects import keys
from scmhost.redirects.keys import create_key, list_keys, organization_of, revoke_key
from scmhost.sdk import Organization
from scmhost.services import Services
from use_cases import open_services, recorded


@pytest.fixture
def services(store: Store) -> Iterator[Services]:
    with open_services(store) as opened:
        yield opened


def organization_named(store: Store, slug: str) -> Organization:
    organization_id = factories.new_organization(store, slug)
    return Organization(id=organization_id, slug=slug, name=slug)


@pytest.fixture
def acme(store: Store) -> Organization:
    return organization_named(store, "acme")


def test_key_leads_to_its_organization(services: Services, acme: Organization) -> None:
    """The text of a key is shown once; the database has its hash."""
    created, text = create_key(services, acme, " sentry ")
    assert (created.name, created.hint, created.revoked_at) == ("sentry", text[-4:], None)
    found, organization = organization_of(services, text)
    assert (found, organization.id) == (created, acme.id)
    assert list_keys(services, acme) == [created]
    assert recorded(services, acme) == [("redirect-key.create", "sentry")]
    assert secret_digest(text) != text


def test_key_expires_and_shows_its_last_use(services: Services, acme: Organization) -> None:
    """An expired key leads nowhere, and makes room for another one; a use is saved by the housekeeping."""
    end = services.clock.now() + timedelta(days=1)
    key, text = create_key(services, acme, "grafana", expires_at=end)
    assert organization_of(services, text)[0] == key
    save_token_uses(services)
    (used,) = list_keys(services, acme)
    assert (used.last_used_at, used.expires_at) == (services.clock.now(), end)
    services.clock.turn(86_400)  # type: ignore[attr-defined]
    with pytest.raises(NotFound, match="expired"):
        organization_of(services, text)
    assert keys.key_problem(services, acme, text) == "Key 'grafana' has expired."
    with pytest.raises(InvalidInput, match="in the future"):
        create_key(services, acme, "grafana", expires_at=end)


def test_keys_differ(services: Services, acme: Organization) -> None:
    """Two keys of one name have different texts."""
    assert create_key(services, acme, "a")[1] != create_key(services, acme, "a")[1]


@pytest.mark.parametrize("name", ["", "  ", "x" * (keys.LONGEST_NAME + 1), "a\nb", "\u202ebc", "a\0b", "\u200b"])
def test_name_of_a_key(services: Services, acme: Organization, name: str) -> None:
    """A name that is blank, long or not printable is refused, and nothing is saved."""
    with pytest.raises(InvalidInput, match="name of a redirect key"):
        create_key(services, acme, name)
    assert list_keys(services, acme) == []


def test_revoked_key_leads_nowhere(services: Services, acme: Organization) -> None:
    """A key is revoked once; its row stays."""
    created, text = create_key(services, acme, "sentry")
    revoke_key(services, acme, created.id)
    (revoked,) = list_keys(services, acme)
    assert isinstance(services.clock, SettableClock)
    services.clock.turn(60)
    revoke_key(services, acme, created.id)
    assert list_keys(services, acme) == [revoked]
    assert [action for action, _ in recorded(services, acme)] == ["redirect-key.create", "redirect-key.revoke"]
    with pytest.raises(NotFound, match="unknown or revoked"):
        organization_of(services, text)


def test_unknown_key_is_not_revoked(services: Services, acme: Organization) -> None:
    """Another organization's key is unknown."""
    created, text = create_key(services, acme, "sentry")
    other = organization_named(services.store, "other")
    with pytest.raises(NotFound, match="no redirect key with the id"):
        revoke_key(services, other, created.id)
    assert organization_of(services, text)[1].id == acme.id


def test_number_of_keys_is_limited(services: Services, acme: Organization, monkeypatch: pytest.MonkeyPatch) -> None:
    """Revoked keys do not count."""
    monkeypatch.setattr(keys, "MAX_KEYS", 2)
    first, _ = create_key(services, acme, "a")
    create_key(services, acme, "b")
    with pytest.raises(Conflict, match="at most 2"):
        create_key(services, acme, "c")
    revoke_key(services, acme, first.id)
    create_key(services, acme, "c")


def test_first_sender_is_kept(services: Services, acme: Organization) -> None:
    """A key that binds its sender works for the first one only."""
    _, text = create_key(services, acme, "sentry", binds_sender=True)
    for sender in (None, ""):
        with pytest.raises(NotFound):
            organization_of(services, text, sender)
    organization_of(services, text, "one")
    with pytest.raises(NotFound):
        organization_of(services, text, "two")
    assert [key.sender for key in list_keys(services, acme)] == ["one"]


def test_key_without_binding_keeps_no_sender(services: Services, acme: Organization) -> None:
    """A redirect writes nothing if its key does not bind."""
    _, text = create_key(services, acme, "sentry")
    organization_of(services, text, "one")
    organization_of(services, text, "two")
    assert [key.sender for key in list_keys(services, acme)] == [None]


def test_why_a_key_does_not_work_is_said_without_a_write(services: Services, acme: Organization) -> None:
    """A bound key takes no sender from a test; another organization's key is unknown here."""
    bound, text = create_key(services, acme, "sentry", binds_sender=True)
    before = factories.all_rows(services.store)
    assert keys.key_problem(services, acme, text, "one") is None
    assert factories.all_rows(services.store) == before
    organization_of(services, text, "one")
    assert keys.key_problem(services, acme, text, "one") is None
    assert "only for the sender 'one'" in (keys.key_problem(services, acme, text, "two") or "")
    other = organization_named(services.store, "other")
    for organization, tried in ((other, text), (acme, "nonsense"), (acme, f"{acme.id}-{'x' * 43}")):
        assert "It is no key" in (keys.key_problem(services, organization, tried) or "")
    revoke_key(services, acme, bound.id)
    assert "was revoked" in (keys.key_problem(services, acme, text) or "")
