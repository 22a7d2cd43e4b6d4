"""Find a repository by a name."""

import pytest

import factories
from scmhost.commits.find_repository import find_named, find_repositories_named
from scmhost.infra.db.engine import Store
from scmhost.infra.db.errors import BadText
from scmhost.sdk import Organization
from statement_count import recorded_statements


@pytest.fixture
def organization(store: Store) -> Organization:
    """An organization without repositories."""
    return Organization(id=factories.new_organization(store), slug="acme", name="Acme")


def test_name_is_found_in_any_case(store: Store, organization: Organization) -> None:
    """Names match without regard to the case of letters."""
    id_ = factories.new_repository(store, organization.id, "Team/Straße")
    with store.read() as tx:
        found = find_named(tx, organization, "team/STRASSE")
    assert found is not None
    assert found.id == id_


@pytest.mark.parametrize("url", ["https://git.example.com/Team/App", "https://git.example.com/team/app.git"])
def test_path_of_the_only_url_is_found(store: Store, organization: Organization, url: str) -> None:
    """A name that no repository has may be the path of a URL, with or without ``.git``."""
    id_ = factories.new_repository(store, organization.id, "web", url=url)
    factories.new_repository(store, organization.id, "lib", url="https://git.example.com/deep/team/app")
    with store.read() as tx:
        found = find_named(tx, organization, "team/app")
        assert find_named(tx, organization, "app") is None
    assert found is not None
    assert found.id == id_


def test_path_of_two_urls_means_neither(store: Store, organization: Organization) -> None:
    """Two hosts may have the same path; then the name means none of them."""
    factories.new_repository(store, organization.id, "one", url="https://one.example/team/app")
    factories.new_repository(store, organization.id, "two", url="https://two.example/team/app")
    with store.read() as tx:
        assert find_named(tx, organization, "team/app") is None


def test_name_comes_before_path(store: Store, organization: Organization) -> None:
    """A repository of the name is meant, even if another has it as the path of its URL."""
    factories.new_repository(store, organization.id, "web", url="https://git.example.com/team/app")
    id_ = factories.new_repository(store, organization.id, "team/app")
    with store.read() as tx:
        found = find_named(tx, organization, "team/app")
    assert found is not None
    assert found.id == id_


def test_many_names_take_as_many_statements_as_one(store: Store, organization: Organization) -> None:
    """The number of statements does not grow with the names, and each name has an entry."""
    for number in range(30):
        factories.new_repository(store, organization.id, f"team/{number}")
        url = f"https://git.example.com/other/{number}"
        factories.new_repository(store, organization.id, f"by-url-{number}", url=url)
    names = [f"{team}/{number}" for number in range(30) for team in ("Team", "OTHER", "unknown")]
    with store.read() as tx, recorded_statements(store) as one:
        find_repositories_named(tx, organization, ["unknown"])
    with store.read() as tx, recorded_statements(store) as many:
        found = find_repositories_named(tx, organization, names)
    # PostgreSQL and SQLite begin a transaction with the first statement.
    assert len(many) == len(one) <= 4
    assert list(found) == names
    for number in range(30):
        assert getattr(found[f"Team/{number}"], "name", None) == f"team/{number}"
        assert getattr(found[f"OTHER/{number}"], "name", None) == f"by-url-{number}"
        assert found[f"unknown/{number}"] is None


def test_no_names_find_nothing(store: Store, organization: Organization) -> None:
    """An empty list is answered with an empty dictionary."""
    with store.read() as tx:
        assert find_repositories_named(tx, organization, []) == {}


def test_unstorable_name_is_refused(store: Store, organization: Organization) -> None:
    """A NUL character is refused before the database sees it."""
    with pytest.raises(BadText), store.read() as tx:
        find_named(tx, organization, "team\x00app")
