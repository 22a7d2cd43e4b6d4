"""Find a repository by a name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import factories
from scmhost.commits.find_repository import (
    RepositoryHints,
    find_named,
    find_repositories_named,
    remote_of,
    resolve_repositories,
)
from scmhost.infra.clock import SystemClock
from scmhost.infra.db.engine import Store, Transaction
from scmhost.infra.db.errors import BadText
from scmhost.sdk import Organization, Repository
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


SPELLINGS = [
    "https://git.example.com/team/app",
    "https://git.example.com/team/app.git",
    "https://git.example.com/Team/App/",
    "https://user:secret@git.example.com/team/app.git",
    "http://git.example.com:8080/team/app",
    "git@git.example.com:team/app.git",
    "git.example.com:team/app",
    "ssh://git@git.example.com:2222/team/app.git",
    "git+ssh://git@git.example.com/team/app.git",
    "git://git.example.com/team/app",
]


@pytest.mark.parametrize("url", SPELLINGS)
def test_url_means_the_repository_at_it(store: Store, organization: Organization, url: str) -> None:
    """Every spelling of a remote finds the repository, whatever its name is, and not one at another host."""
    id_ = factories.new_repository(store, organization.id, "The app", url="https://git.example.com/team/app")
    factories.new_repository(store, organization.id, "other", url="https://other.example/team/app")
    factories.new_repository(store, organization.id, url)
    with store.read() as tx:
        found = find_named(tx, organization, url)
    assert found is not None
    assert found.id == id_


@pytest.mark.parametrize("url", SPELLINGS)
def test_url_means_a_repository_of_its_path_without_url(store: Store, organization: Organization, url: str) -> None:
    """A repository that was created by name alone has no URL yet; one at another host is not meant."""
    factories.new_repository(store, organization.id, "team/lib", url="https://other.example/team/lib")
    id_ = factories.new_repository(store, organization.id, "team/app")
    with store.read() as tx:
        found = find_named(tx, organization, url)
        assert find_named(tx, organization, url.lower().replace("app", "lib")) is None
    assert found is not None
    assert found.id == id_


def test_url_without_a_scheme_means_the_repository_at_it(store: Store, organization: Organization) -> None:
    """The path alone would be one of two."""
    id_ = factories.new_repository(store, organization.id, "The app", url="https://git.example.com/team/app.git")
    factories.new_repository(store, organization.id, "other", url="https://other.example/team/app")
    with store.read() as tx:
        found = find_named(tx, organization, "git.example.com/Team/app")
        assert find_named(tx, organization, "third.example/team/app") is None
    assert found is not None
    assert found.id == id_


def resolve(tx: Transaction, organization: Organization, *names: str) -> list[Repository]:
    """The repositories of names of one request."""
    hints = dict.fromkeys(names, RepositoryHints())
    found = resolve_repositories(tx, organization, hints, SystemClock().now())
    return [found[name].repository for name in names]


@pytest.mark.parametrize("url", SPELLINGS)
def test_unknown_url_becomes_one_repository(store: Store, organization: Organization, url: str) -> None:
    """The path is its name, so that other spellings find it, and neither user nor password is stored."""
    with store.write() as tx:
        (made,) = resolve(tx, organization, url)
        assert made.name.casefold() == "team/app"
        assert "git.example.com" in (made.url or "")
        assert "secret" not in repr(made)
        for other in SPELLINGS:
            if "8080" not in url:
                assert resolve(tx, organization, other)[0].id == made.id
        (again,) = resolve(tx, organization, url)
    assert again == made


def test_path_of_another_host_is_another_repository(store: Store, organization: Organization) -> None:
    """Commits of two hosts are not mixed: the second repository has its host in its name."""
    id_ = factories.new_repository(store, organization.id, "team/app", url="https://one.example/team/app")
    with store.write() as tx:
        (made,) = resolve(tx, organization, "git@two.example:team/app.git")
    assert (made.id != id_, made.name, made.url) == (True, "two.example/team/app", "https://two.example/team/app")


@pytest.mark.parametrize("name", ["next.js/app", "team/app", "a:b", "C:\\team\\app", "x" * 200, "://", "git@", "a@b:"])
def test_name_that_is_no_url_is_kept(store: Store, organization: Organization, name: str) -> None:
    """A dot or a colon makes no URL."""
    with store.write() as tx:
        (made,) = resolve(tx, organization, name)
    assert (made.name, made.url) == (name, None)


def test_names_of_one_request_create_each_repository_once(store: Store, organization: Organization) -> None:
    """Spellings of one URL, its path and its path in other letters are one repository; another host is another one."""
    here = [url for url in SPELLINGS if "8080" not in url]
    names = ["team/app", *here, "https://two.example/team/app", "TEAM/lib", "team/lib"]
    with store.write() as tx:
        first, *same, other, lib, lib_again = resolve(tx, organization, *names)
        assert resolve(tx, organization, *names) == [first, *same, other, lib, lib_again]
    assert {repository.id for repository in same} == {first.id}
    assert (first.name, first.url) == ("team/app", "https://git.example.com/team/app")
    assert (other.name, other.url) == ("two.example/team/app", "https://two.example/team/app")
    assert (lib.name, lib.url, lib_again) == ("TEAM/lib", None, lib)


def test_many_new_names_take_as_many_statements_as_one(store: Store, organization: Organization) -> None:
    """The number of statements that create repositories does not grow with the names."""
    kinds = ("team/{}", "https://git.example.com/other/{}")
    counts = []
    for batch, size in (("a", 1), ("b", 40)):
        names = [kind.format(f"{batch}{number}") for kind in kinds for number in range(size)]
        with store.write() as tx, recorded_statements(store) as statements:
            made = resolve(tx, organization, *names)
        assert len({repository.id for repository in made}) == len(names)
        counts.append(len(statements))
    assert counts[0] == counts[1]


def test_many_urls_take_as_many_statements_as_one(store: Store, organization: Organization) -> None:
    """The number of statements does not grow with the URLs."""
    for number in range(30):
        url = f"https://git.example.com/team/{number}"
        factories.new_repository(store, organization.id, f"by-url-{number}", url=url)
    urls = [f"git@git.example.com:{team}/{number}.git" for number in range(30) for team in ("team", "unknown")]
    with store.read() as tx, recorded_statements(store) as one:
        find_repositories_named(tx, organization, urls[1:2])
    with store.read() as tx, recorded_statements(store) as many:
        found = find_repositories_named(tx, organization, urls)
    assert len(many) == len(one) <= 6
    assert [getattr(found[url], "name", None) for url in urls[::2]] == [f"by-url-{number}" for number in range(30)]
    assert {found[url] for url in urls[1::2]} == {None}


@given(st.text(max_size=300) | st.text(alphabet="gits@:/.-+app", max_size=60))
def test_any_name_is_read(name: str) -> None:
    """No text raises, and a URL has a host and a path."""
    remote = remote_of(name)
    assert remote is None or (remote.host and remote.path)
