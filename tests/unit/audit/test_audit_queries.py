"""The audit log's table."""

import factories
from factories import EVERYTHING, NOW
from scmhost.audit import queries as audit_queries
from scmhost.infra.db.engine import Store, Transaction


def notes(tx: Transaction, organization_id: int | None, **wanted: object) -> list[str]:
    """The targets of the entries, in their order."""
    chosen: dict[str, object] = {"action": None, "actor_id": None, **wanted}
    found = audit_queries.page(tx, organization_id, EVERYTHING, **chosen).items  # type: ignore[arg-type]
    return [entry.target for entry in found]


def test_newest_comes_first_and_lists_are_narrowed(store: Store) -> None:
    """Entries by action and by who did it."""
    me = factories.new_organization(store)
    with store.write() as tx:
        for number, (action, token) in enumerate([("a", 1), ("b", 1), ("b", 2)]):
            audit_queries.add(tx, me, factories.note(token, action=action, target=str(number), key=None), NOW)
        assert notes(tx, me) == ["2", "1", "0"]
        assert (notes(tx, me, action="b"), notes(tx, me, actor_id=1)) == (["2", "1"], ["1", "0"])


def test_host_has_a_log_of_its_own(store: Store) -> None:
    """What is of no organization is with none."""
    me = factories.new_organization(store)
    with store.write() as tx:
        audit_queries.add(tx, None, factories.note(1, action="own", target="host", key=None), NOW)
        assert (notes(tx, None, action="own"), notes(tx, me)) == (["host"], [])
        entry = audit_queries.page(tx, None, EVERYTHING, action="own", actor_id=None).items[0]
    assert (entry.organization_id, entry.actor.name, entry.created_at) == (None, "ci", NOW)


def test_of_many_who_tell_of_one_thing_the_first_counts(store: Store) -> None:
    """Workers that tell of one change at once leave one entry."""

    def tell(number: int) -> bool:
        with store.write() as tx:
            return audit_queries.add(tx, None, factories.note(number, action="one", key="one"), NOW)

    assert sorted(factories.at_once(6, tell)) == [False] * 5 + [True]
    with store.read() as tx:
        assert (audit_queries.has_key(tx, None, "one"), audit_queries.has_key(tx, None, "other")) == (True, False)
        assert notes(tx, None, action="one") == ["app"]


def test_entries_outlive_their_organization(store: Store) -> None:
    """An entry refers to nothing, so that nothing takes it away."""
    tenant = factories.new_tenant(store)
    with store.write() as tx:
        audit_queries.add(tx, factories.NOBODY, factories.note(tenant.token), NOW)
        assert notes(tx, factories.NOBODY) == ["app"]
