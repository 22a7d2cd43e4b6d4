"""Limits of what waits for PostgreSQL, and the parameters of its connections."""

import threading
from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import text

import databases
from scmhost.infra.db.drivers import long_statements
from scmhost.infra.db.engine import Store
from scmhost.infra.db.errors import StoreBusy, StoreUnreachable
from scmhost.infra.db.postgresql import PostgresServer
from scmhost.infra.db.statements import run_on_driver
from scmhost.infra.settings import DatabaseSettings
from scmhost.plugins import Settings

FAST = DatabaseSettings(pool_size=2, pool_seconds=0.05, lock_seconds=0.05, statement_seconds=0.1)


@pytest.fixture
def fast(postgres_url: str) -> Iterator[Store]:
    """A store with small limits and two connections."""
    store = Store.open(postgres_url, FAST)
    yield store
    store.close()


def shown(store: Store, name: str) -> str:
    with store.read() as tx:
        return str(tx.scalar(text(f"SHOW {name}")))


@pytest.mark.postgresql
def test_transactions_have_their_limits(fast: Store) -> None:
    """Those of a request, or those of long work; the connection is the same one."""
    assert (shown(fast, "statement_timeout"), shown(fast, "lock_timeout")) == ("100ms", "50ms")
    with long_statements():
        assert (shown(fast, "statement_timeout"), shown(fast, "lock_timeout")) == ("1h", "1h")
    assert shown(fast, "statement_timeout") == "100ms"
    assert (shown(fast, "transaction_read_only"), shown(fast, "transaction_isolation")) == ("on", "repeatable read")
    with fast.write() as tx:
        assert tx.scalar(text("SHOW transaction_read_only")) == "off"


@pytest.mark.postgresql
@pytest.mark.parametrize("writes", [False, True])
def test_a_slow_statement_is_ended(fast: Store, *, writes: bool) -> None:
    """It can be repeated, and the connection stays usable."""
    with pytest.raises(StoreBusy, match="again"), fast.write() if writes else fast.read() as tx:
        tx.execute(text("SELECT pg_sleep(30)"))
    fast.ping()


@pytest.mark.postgresql
def test_a_lock_of_another_session_is_not_waited_for(fast: Store, postgres_url: str) -> None:
    """The statement is refused, and succeeds once the lock is gone."""
    count = text("SELECT count(*) FROM projects")
    with psycopg.connect(postgres_url) as other:
        other.execute("LOCK TABLE projects")
        with pytest.raises(StoreBusy), fast.read() as tx:
            tx.execute(count)
    with fast.read() as tx:
        assert tx.scalar(count) == 0


@pytest.mark.postgresql
def test_a_full_pool_is_not_waited_for(fast: Store) -> None:
    """The third transaction of a pool of two is refused."""
    with fast.read() as first, fast.read() as second:
        first.connection()
        second.connection()
        with pytest.raises(StoreBusy):
            fast.ping()
    fast.ping()


@pytest.mark.postgresql
def test_a_connection_that_was_ended_is_replaced(fast: Store, postgres_url: str) -> None:
    """By the next transaction, which notices nothing."""
    with fast.read() as tx:
        pid = tx.scalar(text("SELECT pg_backend_pid()"))
    with psycopg.connect(postgres_url, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    fast.ping()


def run_on_ended_connection(store: Store, url: str) -> None:
    with store.read() as tx:
        pid = tx.scalar(text("SELECT pg_backend_pid()"))
        with psycopg.connect(url, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        run_on_driver(tx.connection(), "SELECT 1")


@pytest.mark.postgresql
def test_a_statement_of_the_driver_on_an_ended_connection(
    fast: Store, postgres_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """SQLAlchemy does not see the error. Nothing is logged, and the next transaction gets another connection."""
    with pytest.raises(StoreUnreachable):
        run_on_ended_connection(fast, postgres_url)
    fast.ping()
    assert caplog.records == []


def test_parameters_of_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dead network is noticed; what the URL sets has precedence."""
    seen: list[dict[str, object]] = []

    def refuse(_server: PostgresServer, _arguments: object, options: dict[str, object]) -> None:
        seen.append(options)
        raise psycopg.OperationalError("Connection refused")

    monkeypatch.setattr(PostgresServer, "open", refuse)
    for query in ("", "?connect_timeout=7&keepalives_idle=60"):
        with databases.opened(f"postgresql://ada@127.0.0.1:1/links{query}") as store, pytest.raises(StoreUnreachable):
            store.ping()
    default, chosen = seen
    assert (default["connect_timeout"], default["keepalives"], default["keepalives_idle"]) == (2, 1, 10)
    assert (int(str(chosen["connect_timeout"])), int(str(chosen["keepalives_idle"]))) == (7, 60)
    assert chosen["tcp_user_timeout"] == 25_000


def test_settings_are_in_the_file() -> None:
    """A misspelt limit is an error; whole numbers are allowed."""
    assert Settings().database == DatabaseSettings()
    assert DatabaseSettings.model_validate({"lock_seconds": 2}).lock_seconds == 2.0
    for wrong in ({"lock_second": 2}, {"pool_size": 1}, {"statement_seconds": 0}):
        with pytest.raises(ValueError, match="validation error"):
            DatabaseSettings.model_validate(wrong)


@pytest.mark.postgresql
def test_one_thread_finds_out_for_all(postgres_url: str) -> None:
    """A server that answers no new connection: all statements that wait are given up, and the next one is refused."""
    store = Store.open(postgres_url, DatabaseSettings())
    server = store._database
    assert isinstance(server, PostgresServer)
    store.ping()
    checks: list[int] = []
    real = server._connect

    def silent(**_options: object) -> None:
        checks.append(threading.get_ident())
        raise psycopg.errors.ConnectionTimeout

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("scmhost.infra.db.postgresql.LimitedConnection.connect", silent)
        errors: list[BaseException] = []

        def wait() -> None:
            with pytest.raises(StoreUnreachable) as error, store.read() as tx:
                tx.execute(text("SELECT pg_sleep(30)"))
            errors.append(error.value)

        threads = [threading.Thread(target=wait) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(errors) == 4
        with pytest.raises(StoreUnreachable, match="does not answer"):
            store.ping()
    assert len(checks) >= 1
    assert server._connect == real
    server._refused_until = 0.0
    store.ping()
    store.close()
