"""A whole scmhost behind PgBouncer in transaction mode."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import make_url

import databases
from api import ApiClient, commit, open_api
from main_story import tell_main_story
from pooler import pooler
from scmhost.infra.db.engine import Store

pytestmark = pytest.mark.postgresql


@pytest.fixture(scope="module")
def address(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of PgBouncer."""
    with pooler(postgres_server, tmp_path_factory.mktemp("pooler")) as found:
        yield found


@pytest.fixture
def pooled_url(address: str, postgres_server: str) -> Iterator[str]:
    """The URL of an empty database behind the pooler."""
    with databases.new_database(postgres_server) as url:
        yield f"postgresql://anyone@{address}/{make_url(url).database}"


def test_main_story_through_a_pooler(pooled_url: str, tmp_path: Path) -> None:
    """Migrations, ingest, claims, links and jobs work where each transaction may have another connection."""
    databases.migrated(pooled_url)
    with open_api(tmp_path, database_url=pooled_url, background=False) as api:
        # The driver would prepare a statement after its fifth execution.
        tell_main_story(api, times=7)
        _send_at_once(api)


def _send_at_once(api: ApiClient) -> None:
    """More clients than the pooler has connections to the server."""

    def send(number: int) -> int:
        sent = [commit(f"{number:020}{place:020}", f"team/{number % 3}") for place in range(4)]
        return api.post("commits/", {"commits": sent}).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(send, range(24))) == {200}
        assert {len(api.get("repos/").json()) for _ in range(8)} == {4}


@pytest.mark.parametrize(("direct", "threshold"), [(True, 5), (False, None)])
def test_prepared_statements_are_off_behind_a_pooler_only(
    pooled_url: str, postgres_url: str, *, direct: bool, threshold: int | None
) -> None:
    """Another connection to the server would not have them; without a pooler they save time."""
    store = Store.open(postgres_url if direct else pooled_url)
    with store.read() as tx:
        driver = tx.connection().connection.driver_connection
        assert driver is not None
        assert driver.prepare_threshold == threshold
    store.close()
