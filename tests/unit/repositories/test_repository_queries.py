"""Create, find, list, change and claim repositories in the database."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update
from structlog.testing import capture_logs

import factories
from scmhost.infra.db.engine import Store
from scmhost.infra.db.errors import Duplicate
from scmhost.infra.errors import NotFound
from scmhost.infra.paging import PageQuery
from scmhost.installations import queries as installation_queries
from scmhost.repositories import alias_queries
from scmhost.repositories import queries as repository_queries
from scmhost.repositories.tables import REPOSITORIES
from scmhost.sdk import Claim, RepositoryStatus

EVERYTHING = PageQuery()


def names(store: Store, organization: int, request: PageQuery = EVERYTHING, **filters: object) -> list[str]:
    """The names on a page."""
    with store.read() as tx:
        return [found.name for found in repository_queries.page(tx, organization, request, **filters).items]  # type: ignore[arg-type]


@pytest.mark.parametrize(("first", "second"), [("Acme/Web", "acme/web"), ("Straße", "STRASSE"), ("ÉCOLE", "école")])
def test_names_differ_by_more_than_case(store: Store, first: str, second: str) -> None:
    """One name in two spellings is one repository, and its first spelling is kept."""
    organization = factories.new_organization(store)
    repository = factories.new_repository(store, organization, first)
    with pytest.raises(Duplicate, match="exists already"):
        factories.new_repository(store, organization, second)
    with store.read() as tx:
        found = repository_queries.by_name(tx, organization, second)
    assert found is not None
    assert (found.id, found.name) == (repository, first)


def test_external_ids_are_unique_for_a_provider(store: Store) -> None:
    """A provider's repository is saved once, under any name."""
    tenant = factories.new_tenant(store)
    owner = {"provider": factories.PROVIDER, "installation_id": tenant.installation, "external_id": "r1"}
    with pytest.raises(Duplicate):
        factories.new_repository(store, tenant.id, "other", **owner)
    factories.new_repository(store, tenant.id, "other", **owner | {"external_id": "r2"})


def test_ensure_creates_missing_repositories(store: Store) -> None:
    """Each name is found or created once, in any case."""
    organization = factories.new_organization(store)
    known = factories.new_repository(store, organization, "Known")
    with store.write() as tx:
        found = repository_queries.ensure(tx, organization, ["known", "New", "NEW", "other"], factories.NOW)
        again = repository_queries.ensure(tx, organization, ["new", "OTHER", "KNOWN"], factories.NOW)
    assert found == again
    assert {key: value.name for key, value in found.items()} == {"known": "Known", "new": "New", "other": "other"}
    assert found["known"].id == known
    assert found["new"].unclaimed


def test_nothing_is_created_without_names(store: Store) -> None:
    """Without names nothing is created."""
    organization = factories.new_organization(store)
    with store.write() as tx:
        assert repository_queries.ensure(tx, organization, [], factories.NOW) == {}


def test_ensure_at_once_creates_one(store: Store) -> None:
    """Callers that ensure the same names at the same moment get the same repositories."""
    organization = factories.new_organization(store)

    def ensure(number: int) -> dict[str, int]:
        spelled = ["web", "api"] if number % 2 else ["API", "Web"]
        with store.write() as tx:
            return {
                key: it.id for key, it in repository_queries.ensure(tx, organization, spelled, factories.NOW).items()
            }

    answers = factories.at_once(20, ensure)
    assert all(answer == answers[0] for answer in answers)
    assert len(factories.all_rows(store)["repositories"]) == 2


def test_pages_are_in_the_order_of_names(store: Store) -> None:
    """The order is that of names without regard to case, and a page has a flag for more."""
    organization = factories.new_organization(store)
    for name in ("beta", "Alpha", "delta", "Gamma", "émile", "Zeta"):
        factories.new_repository(store, organization, name)
    pages = [names(store, organization, PageQuery(offset, 4)) for offset in (0, 4)]
    assert pages == [["Alpha", "beta", "delta", "Gamma"], ["Zeta", "émile"]]
    with store.read() as tx:
        assert [repository_queries.page(tx, organization, PageQuery(at, 4)).more for at in (0, 2)] == [True, False]


@pytest.mark.parametrize(
    ("query", "found"),
    [("WEB", ["my-web", "web_1"]), ("100%", ["100%"]), ("_", ["web_1"]), ("%", ["100%"]), ("É", ["école"]), ("/", [])],
)
def test_search_for_a_part_of_the_name(store: Store, query: str, found: list[str]) -> None:
    """A search finds parts of names in any case, and no character is a wildcard."""
    organization = factories.new_organization(store)
    for name in ("web_1", "my-web", "100%", "école"):
        factories.new_repository(store, organization, name)
    assert names(store, organization, query=query) == found


def test_lists_are_filtered(store: Store) -> None:
    """Lists can be filtered by status and by installation."""
    tenant = factories.new_tenant(store)
    hidden = factories.new_repository(store, tenant.id, "hidden")
    with store.write() as tx:
        repository_queries.update_repository(tx, tenant.id, hidden, {"status": RepositoryStatus.HIDDEN})
        owned = repository_queries.of_installation(tx, tenant.id, tenant.installation)
    assert names(store, tenant.id, statuses=[RepositoryStatus.HIDDEN]) == ["hidden"]
    assert names(store, tenant.id, statuses=[]) == []
    assert names(store, tenant.id, installation_id=tenant.installation) == ["acme/web"]
    assert [repository.id for repository in owned] == [tenant.repository]


def test_changes_are_saved(store: Store) -> None:
    """The given fields change, and the others stay."""
    tenant = factories.new_tenant(store)
    changes = {"name": "Renamed", "url": "https://forge.example/x", "configuration": {"a": 1}}
    with store.write() as tx:
        before = repository_queries.get(tx, tenant.id, tenant.repository)
        after = repository_queries.update_repository(tx, tenant.id, tenant.repository, changes)
        assert repository_queries.by_name(tx, tenant.id, "RENAMED") == after
        assert repository_queries.by_name(tx, tenant.id, "acme/web") is None
        assert repository_queries.update_repository(tx, tenant.id, tenant.repository, {}) == after
    assert before is not None
    assert after == before.model_copy(update=changes)


def test_taken_name_is_refused(store: Store) -> None:
    """A repository cannot take another's name, but may change the case of its own."""
    organization = factories.new_organization(store)
    factories.new_repository(store, organization, "one")
    repository = factories.new_repository(store, organization, "two")
    with store.write() as tx:
        with pytest.raises(Duplicate, match=str(repository)):
            repository_queries.update_repository(tx, organization, repository, {"name": "ONE"})
        assert repository_queries.update_repository(tx, organization, repository, {"name": "TWO"}).name == "TWO"


def test_fixed_fields_cannot_be_changed(store: Store) -> None:
    """A repository never moves to another organization; the error for an unknown one has its id."""
    organization = factories.new_organization(store)
    with store.write() as tx:
        with pytest.raises(ValueError, match="'organization_id'"):
            repository_queries.update_repository(tx, organization, 1, {"organization_id": 2})
        with pytest.raises(NotFound, match=str(factories.NOBODY)):
            repository_queries.update_repository(tx, organization, factories.NOBODY, {"url": None})


def test_repository_is_claimed_once(store: Store) -> None:
    """The first claim succeeds, later ones return None, and after an unclaim it is unclaimed again."""
    organization = factories.new_organization(store)
    installation = factories.new_installation(store, organization)
    repository = factories.new_repository(store, organization, url="https://forge.example/x")
    claim = Claim(external_id="r1", configuration={"a": 1})
    with store.write() as tx:
        first = repository_queries.claim(tx, organization, repository, factories.PROVIDER, installation, claim)
        second = repository_queries.claim(tx, organization, repository, factories.PROVIDER, installation, claim)
        freed = repository_queries.unclaim(tx, organization, repository)
        again = repository_queries.unclaim(tx, organization, repository)
    assert first is not None
    assert (first.installation_id, first.external_id, first.url) == (installation, "r1", "https://forge.example/x")
    assert (second, again) == (None, None)
    assert freed is not None
    assert freed.unclaimed


def test_only_active_repositories_are_claimed(store: Store) -> None:
    """Repositories in any other status cannot be claimed, and are not listed as unclaimed."""
    organization = factories.new_organization(store)
    installation = factories.new_installation(store, organization)
    repository = factories.new_repository(store, organization)
    for status in set(RepositoryStatus) - {RepositoryStatus.ACTIVE}:
        with store.write() as tx:
            repository_queries.update_repository(tx, organization, repository, {"status": status})
            assert repository_queries.claim(tx, organization, repository, "p", installation, Claim()) is None
            assert repository_queries.unclaimed(tx, organization, 10) == []


def test_claim_with_a_taken_external_id_is_refused(store: Store) -> None:
    """A claim with another repository's external id changes nothing."""
    tenant = factories.new_tenant(store)
    repository = factories.new_repository(store, tenant.id, "other")
    with store.write() as tx:
        with pytest.raises(Duplicate, match=str(repository)):
            repository_queries.claim(
                tx, tenant.id, repository, factories.PROVIDER, tenant.installation, Claim(external_id="r1")
            )
        assert [it.id for it in repository_queries.unclaimed(tx, tenant.id, 10)] == [repository]


def test_one_of_fifty_claims_at_once_succeeds(store: Store) -> None:
    """A repository is given to exactly one of many installations that claim it at the same moment."""
    organization = factories.new_organization(store)
    owners = [factories.new_installation(store, organization, f"i{number}") for number in range(50)]
    repository = factories.new_repository(store, organization)

    def claim(number: int) -> int | None:
        with store.write() as tx:
            won = repository_queries.claim(tx, organization, repository, factories.PROVIDER, owners[number], Claim())
            return won.installation_id if won else None

    winners = [owner for owner in factories.at_once(50, claim) if owner is not None]
    with store.read() as tx:
        saved = repository_queries.get(tx, organization, repository)
    assert saved is not None
    assert winners == [saved.installation_id]


def test_unclaimed_repositories_are_in_the_order_of_names(store: Store) -> None:
    """The limit cuts the list."""
    tenant = factories.new_tenant(store)
    for name in ("beta", "Alpha", "gamma"):
        factories.new_repository(store, tenant.id, name)
    with store.read() as tx:
        assert [it.name for it in repository_queries.unclaimed(tx, tenant.id, 2)] == ["Alpha", "beta"]


def test_deleting_an_installation_unclaims_its_repositories(store: Store) -> None:
    """The repositories stay with all their data, and can be claimed again."""
    tenant = factories.new_tenant(store)
    before = factories.all_rows(store)
    with store.write() as tx:
        assert installation_queries.delete_installation(tx, tenant.id, tenant.installation)
        assert not installation_queries.delete_installation(tx, tenant.id, tenant.installation)
        assert [it.id for it in repository_queries.unclaimed(tx, tenant.id, 10)] == [tenant.repository]
    after = factories.all_rows(store)
    changed = {name for name in before if before[name] != after[name]}
    of_installation = {"installation_secrets", "installations", "repository_syncs", "repository_webhooks"}
    assert changed == {*of_installation, "repositories", "webhook_secrets"}


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(spellings=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=5)))
def test_every_ensured_name_is_found(store: Store, spellings: list[str]) -> None:
    """A repository is found by its name, for any text as the name."""
    with store.write() as tx:
        organization = factories.new_organization_in(tx)
        found = repository_queries.ensure(tx, organization, spellings, factories.NOW)
        assert set(found) == {name.casefold() for name in spellings}
        assert all(repository_queries.by_name(tx, organization, name) == found[name.casefold()] for name in spellings)


def test_repositories_are_found_by_the_last_segment_of_their_url(store: Store) -> None:
    """The segment is compared as a whole, without regard to case and ``.git``; only active repositories count."""
    organization = factories.new_organization(store)
    urls = (
        "https://git.example.com/Team/App",
        "https://other.example/team/app.git",
        "https://git.example.com/team/xapp",
    )
    for number, url in enumerate((*urls, "https://git.example.com/team/a_p")):
        factories.new_repository(store, organization, f"r{number}", url=url)
    with store.write() as tx:
        found = alias_queries.with_url_name(tx, organization, ["app"])
        hidden = repository_queries.update_repository(tx, organization, found[0].id, {"status": "hidden"})
        left = alias_queries.with_url_name(tx, organization, ["app"])
        active = repository_queries.active_ids(tx, organization, 2)
    assert [repository.name for repository in found] == ["r0", "r1"]
    assert ([repository.name for repository in left], len(active)) == (["r1"], 2)
    assert hidden.id not in active


def test_repository_with_an_unknown_status_counts_as_hidden(store: Store) -> None:
    """Another version may have stored the status; the lists that contain the repository stay readable."""
    organization = factories.new_organization(store)
    odd = factories.new_repository(store, organization, "odd")
    factories.new_repository(store, organization, "usual")
    with store.write() as tx:
        tx.execute(update(REPOSITORIES).where(REPOSITORIES.c.id == odd).values(status="archived"))
    with capture_logs() as logs, store.read() as tx:
        listed = repository_queries.page(tx, organization, EVERYTHING).items
        found = repository_queries.get(tx, organization, odd)
    assert [(item.name, item.status.value) for item in listed] == [("odd", "hidden"), ("usual", "active")]
    assert found == listed[0]
    assert [(line["repository"], line["status"]) for line in logs] == [(odd, "archived")] * 2
