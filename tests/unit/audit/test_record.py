"""Record changes, and list them."""

from collections.abc import Iterator

import pytest

from hosting import START
from scmhost.audit.queries import ACTIONS, AuditDraft, add, list_entries, record
from scmhost.infra.db.engine import Store
from scmhost.infra.errors import InvalidInput
from scmhost.infra.paging import PageQuery, read_cursor
from scmhost.organizations.create import create_organization
from scmhost.sdk import Organization
from scmhost.services import SYSTEM, Actor, Services
from use_cases import open_services, recorded

CI = Actor("token", "ci", 7)


@pytest.fixture
def services(sqlite_store: Store) -> Iterator[Services]:
    with open_services(sqlite_store) as opened:
        yield opened


@pytest.fixture
def acme(services: Services) -> Organization:
    return create_organization(services, "acme")


def test_entry_has_actor_target_and_details(services: Services, acme: Organization) -> None:
    """An entry is returned as it was recorded, with the time of the clock."""
    with services.store.write() as tx:
        record(tx, services.for_actor(CI), acme, "repository.add", (5, "team/app"), {"fields": ["name"], "n": 1})
    entry = list_entries(services, acme, PageQuery(size=1)).items[0]
    assert (entry.organization_id, entry.created_at, entry.actor) == (acme.id, START, CI)
    assert (entry.action, entry.target_id, entry.target) == ("repository.add", 5, "team/app")
    assert entry.details == {"fields": ["name"], "n": 1}


def record_and_fail(services: Services, organization: Organization) -> None:
    """A change that fails after its entry was recorded."""
    with services.store.write() as tx:
        record(tx, services, organization, "repository.add", (5, "team/app"))
        raise ZeroDivisionError


def test_entry_and_change_are_one_transaction(services: Services, acme: Organization) -> None:
    """If the change fails, there is no entry."""
    with pytest.raises(ZeroDivisionError):
        record_and_fail(services, acme)
    assert recorded(services, acme) == [("org.create", "acme")]


def test_list_is_filtered_and_paged(services: Services, acme: Organization) -> None:
    """Entries are filtered by action and actor; the newest comes first, and every page follows the one before."""
    with services.store.write() as tx:
        for number in range(3):
            record(tx, services.for_actor(CI), acme, "repository.add", (number, str(number)))
        record(tx, services, acme, "repository.delete", (2, "2"))
    by_ci = list_entries(services, acme, PageQuery(), actor_id=CI.id).items
    assert [entry.target for entry in by_ci] == ["2", "1", "0"]
    deleted = list_entries(services, acme, PageQuery(), action="repository.delete").items
    assert [(entry.target, entry.actor) for entry in deleted] == [("2", SYSTEM)]
    first = list_entries(services, acme, PageQuery(size=2), action="repository.add")
    second = list_entries(services, acme, read_cursor(first.next_cursor, 2), action="repository.add")
    assert [[entry.target for entry in page.items] for page in (first, second)] == [["2", "1"], ["0"]]
    assert (first.has_next, second.has_next) == (True, False)


@pytest.mark.parametrize("action", ["", "org.destroy", "ORG.CREATE", "\ud800"])
def test_unknown_action_is_refused(services: Services, acme: Organization, action: str) -> None:
    """The error names the field on the wire, and all actions that there are."""
    with pytest.raises(InvalidInput, match=r"There is no event.*token\.revoke") as refusal:
        list_entries(services, acme, PageQuery(), action=action)
    assert refusal.value.field == "event"


def test_host_has_its_own_entries(services: Services, acme: Organization) -> None:
    """Entries without an organization belong to the host, and no organization lists them."""
    with services.store.write() as tx:
        add(tx, None, AuditDraft(SYSTEM, "configuration.change", "plugins.toml", None, {}), START)
    (entry,) = list_entries(services, None, PageQuery()).items
    assert (entry.organization_id, entry.target) == (None, "plugins.toml")
    assert recorded(services, acme) == [("org.create", "acme")]


@pytest.mark.parametrize("bad", ["nul\x00", "half \ud800"])
def test_text_that_cannot_be_stored_is_refused(services: Services, acme: Organization, bad: str) -> None:
    """A bad name is refused; in details, a lone surrogate is refused, and NUL is kept, which JSON can escape."""
    with pytest.raises(InvalidInput), services.store.write() as tx:
        record(tx, services, acme, "repository.add", (1, bad))
    with pytest.raises(InvalidInput), services.store.write() as tx:
        record(tx, services, acme, "repository.add", (1, "app"), {"name": "half \ud800"})
    assert recorded(services, acme) == [("org.create", "acme")]


def test_actions_are_named_after_their_target() -> None:
    """Each action is ``<target>.<verb>``, and none is listed twice."""
    assert len(set(ACTIONS)) == len(ACTIONS)
    assert all(len(action.split(".")) == 2 for action in ACTIONS)
