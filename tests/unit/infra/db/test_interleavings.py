"""Requests in any order keep names, claims and commits consistent."""

from collections import Counter

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule, run_state_machine_as_test

import factories
from scmhost.commits import bulk_queries
from scmhost.commits import queries as commit_queries
from scmhost.infra.db.engine import Store
from scmhost.repositories import queries as repository_queries
from scmhost.sdk import Claim

NAMES = ["web", "WEB", "api", "Api", "straße"]


class RandomRequests(RuleBasedStateMachine):
    """Random requests of one organization, and the invariants that they keep."""

    known = Bundle("known")

    def __init__(self, store: Store) -> None:
        super().__init__()
        self.store = store
        with store.write() as tx:
            self.organization = factories.new_organization_in(tx)
        self.installations = [factories.new_installation(store, self.organization, it) for it in ("one", "two")]
        self.owners: dict[int, int | None] = {}
        self.messages: dict[tuple[int, str], str | None] = {}

    @rule(target=known, names=st.lists(st.sampled_from(NAMES), max_size=3))
    def ensure(self, names: list[str]) -> object:
        """A request names repositories."""
        with self.store.write() as tx:
            found = repository_queries.ensure(tx, self.organization, names, factories.NOW)
        for repository in found.values():
            assert self.owners.setdefault(repository.id, None) == repository.installation_id
        return multiple(*(repository.id for repository in found.values()))

    @rule(repository=known, number=st.integers(0, 1))
    def claim(self, repository: int, number: int) -> None:
        """An installation claims a repository that may be claimed already."""
        owner = self.installations[number]
        with self.store.write() as tx:
            won = repository_queries.claim(tx, self.organization, repository, factories.PROVIDER, owner, Claim())
        assert (won is not None) == (self.owners[repository] is None)
        self.owners[repository] = self.owners[repository] or owner

    @rule(repository=known)
    def unclaim(self, repository: int) -> None:
        """A repository is unclaimed."""
        with self.store.write() as tx:
            freed = repository_queries.unclaim(tx, self.organization, repository)
        assert (freed is not None) == (self.owners[repository] is not None)
        self.owners[repository] = None

    @rule(
        repository=known,
        numbers=st.lists(st.integers(1, 6), max_size=5),
        message=st.sampled_from([None, "first", "second"]),
    )
    def save(self, repository: int, numbers: list[int], message: str | None) -> None:
        """A request has commits, of which some may be stored already."""
        drafts = [factories.draft(number, message=message) for number in numbers]
        shas = list(dict.fromkeys(draft.sha for draft in drafts))
        new = tuple(sha for sha in shas if (repository, sha) not in self.messages)
        with self.store.write() as tx:
            saved = bulk_queries.save(tx, self.organization, repository, drafts, factories.NOW)
        assert (saved.new, saved.known) == (new, len(shas) - len(new))
        for sha in shas:
            self.messages[repository, sha] = self.messages.get((repository, sha)) or message

    @invariant()
    def names_are_single(self) -> None:
        """No two repositories have the same name, and each belongs to the installation that claimed it."""
        with self.store.read() as tx:
            found = repository_queries.page(tx, self.organization, factories.EVERYTHING).items
        assert set(Counter(repository.name.casefold() for repository in found).values()) <= {1}
        assert {repository.id: repository.installation_id for repository in found} == self.owners

    @invariant()
    def commits_are_single(self) -> None:
        """Each commit is stored once, with the first message that was sent."""
        with self.store.read() as tx:
            pages = [commit_queries.page(tx, self.organization, it, factories.EVERYTHING).items for it in self.owners]
        found = [((commit.repository_id, commit.sha), commit.message) for page in pages for commit in page]
        assert dict(found) == self.messages
        assert len(found) == len(self.messages)


def test_any_order_of_requests_keeps_the_invariants(sqlite_store: Store) -> None:
    """Naming, claiming, unclaiming and saving, in any order, create no duplicate and lose nothing."""

    class StoreRequests(RandomRequests):
        def __init__(self) -> None:
            super().__init__(sqlite_store)

    run_state_machine_as_test(StoreRequests, settings=settings(max_examples=20, stateful_step_count=12, deadline=None))
