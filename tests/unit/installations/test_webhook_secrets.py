"""Create, list and delete webhook secrets."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from hosting import START, SettableClock
from scmhost.infra.db.engine import Store
from scmhost.infra.errors import Conflict, NotFound
from scmhost.installations.install import install_provider
from scmhost.installations.webhooks import (
    MAX_SECRETS,
    ROTATION,
    create_secret,
    delete_secret,
    list_secrets,
    secret_text,
)
from scmhost.organizations.create import create_organization
from scmhost.sdk import Organization
from scmhost.services import Services
from use_cases import WEBHOOK_KEY, open_services, recorded


@pytest.fixture
def services(sqlite_store: Store) -> Iterator[Services]:
    with open_services(sqlite_store, {"moody": "plugins.moody"}) as opened:
        yield opened


@pytest.fixture
def acme(services: Services) -> Organization:
    return create_organization(services, "acme")


@pytest.fixture
def installation_id(services: Services, acme: Organization) -> int:
    return install_provider(services, acme, "moody", {}).installation.id


def test_new_secret_is_listed_without_its_text(services: Services, acme: Organization, installation_id: int) -> None:
    """The text of a secret is returned once, and neither listed nor recorded."""
    new = create_secret(services, acme, installation_id)
    assert list_secrets(services, acme, installation_id) == [new.secret]
    assert (len(new.text), new.secret.created_at, new.secret.expires_at) == (43, START, None)
    assert new.text not in repr(new.secret)
    assert recorded(services, acme)[-1] == ("webhook-secret.create", "moody")


def test_text_is_derived_from_key_and_ids(services: Services, acme: Organization, installation_id: int) -> None:
    """The same key gives the same text; another key, secret, installation or organization gives another one."""
    new = create_secret(services, acme, installation_id)
    assert secret_text(WEBHOOK_KEY, new.secret) == new.text
    others = [
        secret_text("another key", new.secret),
        secret_text(WEBHOOK_KEY, replace(new.secret, id=new.secret.id + 1)),
        secret_text(WEBHOOK_KEY, replace(new.secret, installation_id=installation_id + 1)),
        secret_text(WEBHOOK_KEY, replace(new.secret, organization_id=acme.id + 1)),
    ]
    assert len({new.text, *others}) == 5


def test_older_secret_expires_after_a_day(services: Services, acme: Organization, installation_id: int) -> None:
    """A new secret gives the one before a day; a third secret does not extend it."""
    assert isinstance(services.clock, SettableClock)
    half_a_day = ROTATION.total_seconds() / 2
    first = create_secret(services, acme, installation_id).secret
    second = create_secret(services, acme, installation_id).secret
    services.clock.turn(half_a_day)
    third = create_secret(services, acme, installation_id).secret
    listed = list_secrets(services, acme, installation_id)
    assert [secret.id for secret in listed] == [third.id, second.id, first.id]
    assert [secret.expires_at for secret in listed] == [None, START + 1.5 * ROTATION, START + ROTATION]
    services.clock.turn(half_a_day)
    assert [secret.id for secret in list_secrets(services, acme, installation_id)] == [third.id, second.id]
    services.clock.turn(half_a_day)
    assert list_secrets(services, acme, installation_id) == [third]
    assert timedelta(days=1) == ROTATION


def test_number_of_secrets_is_limited(services: Services, acme: Organization, installation_id: int) -> None:
    """Expired and deleted secrets do not count."""
    secrets = [create_secret(services, acme, installation_id).secret for _ in range(MAX_SECRETS)]
    with pytest.raises(Conflict, match=f"at most {MAX_SECRETS} secrets"):
        create_secret(services, acme, installation_id)
    delete_secret(services, acme, installation_id, secrets[0].id)
    create_secret(services, acme, installation_id)
    assert isinstance(services.clock, SettableClock)
    services.clock.turn(ROTATION.total_seconds())
    create_secret(services, acme, installation_id)
    assert len(list_secrets(services, acme, installation_id)) == 2


def test_deleted_secret_is_gone(services: Services, acme: Organization, installation_id: int) -> None:
    """A secret can be deleted once; the deletion is recorded."""
    secret = create_secret(services, acme, installation_id).secret
    delete_secret(services, acme, installation_id, secret.id)
    assert list_secrets(services, acme, installation_id) == []
    with pytest.raises(NotFound, match=f"has no secret with the id {secret.id}"):
        delete_secret(services, acme, installation_id, secret.id)
    assert recorded(services, acme)[-1] == ("webhook-secret.delete", "moody")


def test_without_a_key_webhooks_are_off(services: Services, acme: Organization, installation_id: int) -> None:
    """The error names the setting; existing secrets can still be listed."""
    keyless = replace(services, webhook_key=None)
    with pytest.raises(Conflict, match=r"host\.webhook_key, or SCMHOST_WEBHOOK_KEY"):
        create_secret(keyless, acme, installation_id)
    assert list_secrets(keyless, acme, installation_id) == []


def test_other_organizations_have_no_access(services: Services, acme: Organization, installation_id: int) -> None:
    """Another organization can neither create, list nor delete a secret."""
    rival = create_organization(services, "rival")
    secret = create_secret(services, acme, installation_id).secret
    with pytest.raises(NotFound):
        create_secret(services, rival, installation_id)
    with pytest.raises(NotFound):
        list_secrets(services, rival, installation_id)
    with pytest.raises(NotFound):
        delete_secret(services, rival, installation_id, secret.id)
    assert list_secrets(services, acme, installation_id) == [secret]
