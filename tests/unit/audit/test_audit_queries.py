"""SQL of the audit log."""

import factories
from factories import EVERYTHING, NOW
from scmhost.audit import queries as audit_queries
from scmhost.infra.db.engine import Store, Transaction


def targets(tx: Transaction, organization_id: int | None, **filters: object) -> list[str]:
    """Return the targets of the entries, in their order."""
    chosen: dict[str, object] = {"action": None, "actor_id": None, **filters}
    found = audit_queries.page(tx, organization_id, EVERYTHING, **chosen).items  # type: ignore[arg-type]
    return [entry.target for entry in found]


def test_newest_entry_comes_first_and_lists_are_filtered(store: Store) -> None:
    """Entries can be filtered by action and by actor."""
    me = factories.new_organization(store)
    with store.write() as tx:
        for number, (action, token) in enumerate([("a", 1), ("b", 1), ("b", 2)]):
            audit_queries.add(tx, me, factories.note(token, action=action, target=str(number), key=None), NOW)
        assert targets(tx, me) == ["2", "1", "0"]
        assert (targets(tx, me, action="b"), targets(tx, me, actor_id=1)) == (["2", "1"], ["1", "0"])


def test_host_has_a_log_of_its_own(store: Store) -> None:
    """An entry without an organization is in the log of the host only."""
    me = factories.new_organization(store)
    with store.write() as tx:
        audit_queries.add(tx, None, factories.note(1, action="own", target="host", key=None), NOW)
        assert (targets(tx, None, action="own"), targets(tx, me)) == (["host"], [])
        entry = audit_queries.page(tx, None, EVERYTHING, action="own", actor_id=None).items[0]
    assert (entry.organization_id, entry.actor.name, entry.created_at) == (None, "ci", NOW)


def test_entries_with_one_key_are_saved_once(store: Store) -> None:
    """Workers that record the same change at once leave one entry."""

    def save(number: int) -> bool:
        with store.write() as tx:
            return audit_queries.add(tx, None, factories.note(number, action="one", key="one"), NOW)

    assert sorted(factories.at_once(6, save)) == [False] * 5 + [True]
    with store.read() as tx:
        assert (audit_queries.has_key(tx, None, "one"), audit_queries.has_key(tx, None, "other")) == (True, False)
        assert targets(tx, None, action="one") == ["app"]


def test_entries_outlive_their_organization(store: Store) -> None:
    """An entry has no foreign key, so that nothing deletes it."""
    tenant = factories.new_tenant(store)
    with store.write() as tx:
        audit_queries.add(tx, factories.NOBODY, factories.note(tenant.token), NOW)
        assert targets(tx, factories.NOBODY) == ["app"]
