"""The services bundle."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import databases
import factories
from hosting import START
from scmhost.infra.db.engine import Store
from scmhost.infra.errors import NotFound, Unavailable
from scmhost.services import SYSTEM, Actor, Services, check_database
from use_cases import open_services


class EmptyCache:
    """A cache that is empty, and therefore false."""

    created = 0

    def __init__(self) -> None:
        EmptyCache.created += 1

    def __len__(self) -> int:
        return 0


@pytest.fixture
def services(sqlite_store: Store) -> Iterator[Services]:
    with open_services(sqlite_store) as opened:
        yield opened


def test_services_for_an_actor_share_everything_else(services: Services) -> None:
    """Only the actor differs, and the original services keep theirs."""
    actor = Actor("token", "ci", 5)
    own = services.for_actor(actor)
    assert (own.actor, services.actor) == (actor, SYSTEM)
    assert (own.store, own.plugins, own.clock.now()) == (services.store, services.plugins, START)


def test_shared_instance_is_created_once(services: Services) -> None:
    """All requests get the same instance, an empty one too."""
    before = EmptyCache.created
    first = services.shared(EmptyCache)
    assert services.for_actor(Actor("token", "ci", 5)).shared(EmptyCache) is first
    assert services.shared(EmptyCache) is first
    assert EmptyCache.created == before + 1


def test_shared_instance_is_the_same_for_all_threads(services: Services) -> None:
    """Threads that use a class for the first time at once get the same instance."""
    instances = factories.at_once(8, lambda _: services.shared(dict))
    assert len({id(instance) for instance in instances}) == 1


def test_current_database_passes_the_check(services: Services) -> None:
    """A database with the tables of this version is accepted."""
    check_database(services)


def test_missing_database_is_named(tmp_path: Path) -> None:
    """The error has the path of the missing file and the command that creates it."""
    with databases.opened(databases.sqlite_url(tmp_path)) as store, open_services(store) as services:
        with pytest.raises(NotFound, match=r"scmhost\.db yet; scmhost bootstrap"):
            check_database(services)
        assert list(tmp_path.iterdir()) == []


def test_outdated_database_is_reported(sqlite_store: Store) -> None:
    """The error of a database with other tables has the command that upgrades them."""
    sqlite_store.downgrade("0004")
    with open_services(sqlite_store) as services, pytest.raises(Unavailable, match="scmhost migrate"):
        check_database(services)
