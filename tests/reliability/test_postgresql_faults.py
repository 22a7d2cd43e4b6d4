"""PostgreSQL that stands still, is locked, full of connections, or killed: 503 with Retry-After, and back by itself."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
from httpx2 import Response

import databases
from api import ApiClient, commit, open_api
from reliability.figures import FIGURES, LONG
from reliability.invariants import violations
from reliability.killing import Service
from reliability.load import API
from reliability.own_postgres import OwnPostgres

pytestmark = pytest.mark.postgresql

PAUSE_SECONDS: Final = 20 if LONG else 3
SLOWEST: Final = 5.0
"""The longest that a request may take while the database cannot be used, in seconds: see docs/reliability.md."""

# Answers that need no database. The rest of the API authenticates its callers.
WITHOUT_DATABASE: Final = {"/healthz", "/api/0/"}


@pytest.fixture(scope="module")
def api(own_server: OwnPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiClient]:
    """A service in this process, on a server of its own."""
    folder = tmp_path_factory.mktemp("api")
    databases.migrated(own_server.url)
    with open_api(folder, database_url=own_server.url, busy_timeout=1.0, background=False) as opened:
        yield opened


def timed(api: ApiClient, method: str, path: str, **options: Any) -> tuple[Response, float]:
    started = time.monotonic()
    answer = api.call(method, path, **options)
    return answer, time.monotonic() - started


def assert_refused(answer: Response) -> None:
    """The answer is 503 with Retry-After and one sentence, which does not name the database."""
    assert answer.status_code == 503, answer.text
    assert int(answer.headers["retry-after"]) > 0
    body = answer.json()
    assert body.keys() == {"detail"} or body["status"] == "not ready"
    assert "postgres" not in answer.text


def assert_recovers(api: ApiClient) -> float:
    """Wait until the process is ready; return the seconds that it took. Then reads and writes succeed."""
    started = time.monotonic()
    while api.call("GET", "/readyz").status_code != 200:
        time.sleep(0.05)
        assert time.monotonic() - started < 60
    took = time.monotonic() - started
    assert api.post("commits/", {"commits": [commit(f"{time.monotonic_ns():040x}")]}).status_code == 200
    return took


def operations(api: ApiClient) -> list[tuple[str, str]]:
    """Return the operations of the API's description, with ids in their paths."""
    paths = api.client.get("/api/openapi.json").json()["paths"]
    return [
        (
            method.upper(),
            path.replace("{organization}", "acme").replace("{project}", "web").replace("{", "").replace("}", ""),
        )
        for path, methods in paths.items()
        for method in methods
    ]


def test_requests_are_refused_while_the_server_stands_still(api: ApiClient, own_server: OwnPostgres) -> None:
    """Every route is refused while the server stands still. Liveness answers, and the service recovers by itself."""
    listed = operations(api)
    api.post("commits/", {"commits": [commit()]})
    slowest = 0.0
    own_server.pause()
    try:
        paused = time.monotonic()
        while time.monotonic() < paused + PAUSE_SECONDS:
            answer, took = timed(api, "GET", "/readyz")
            assert_refused(answer)
            slowest = max(slowest, took)
        assert api.call("GET", "/healthz").status_code == 200
        refused = 0
        for method, path in listed:
            if path.startswith("/api/0/organizations/"):
                answer, took = timed(api, method, path, json={} if method in ("POST", "PUT") else None)
                assert_refused(answer)
                slowest, refused = max(slowest, took), refused + 1
        assert refused > 40
    finally:
        own_server.resume()
    took = assert_recovers(api)
    assert slowest < SLOWEST
    seen = f"503 within {slowest:.1f} s on {refused} routes, ready again {took:.1f} s later"
    FIGURES.add(f"PostgreSQL stands still for {PAUSE_SECONDS} s", 1, seen)


@pytest.mark.parametrize("table", ["commits", "repositories"])
def test_only_requests_that_need_a_locked_table_are_refused(
    api: ApiClient, own_server: OwnPostgres, table: str
) -> None:
    """Only requests that need a locked table are refused."""
    with psycopg.connect(own_server.url) as other:
        other.execute(f"LOCK TABLE {table}".encode())
        answer, took = timed(api, "POST", "commits/", json={"commits": [commit(f"{time.monotonic_ns():040x}")]})
        assert_refused(answer)
        assert took < SLOWEST
        assert api.get("projects/").status_code == 200
    assert_recovers(api)
    FIGURES.add(f"table {table} locked", 1, f"503 after {took:.1f} s with lock_seconds = 1, other requests answered")


def take_all(server: OwnPostgres, others: ExitStack) -> None:
    """Open connections until the server refuses one."""
    while True:
        others.enter_context(psycopg.connect(server.url))


def test_requests_are_refused_without_free_connections(api: ApiClient, own_server: OwnPostgres) -> None:
    """While others have all connections of the server, requests are refused, not kept waiting."""
    api.services.store.close()
    with ExitStack() as others:
        with pytest.raises(psycopg.OperationalError, match=r"too many|reserved"):
            take_all(own_server, others)
        for method, path in (("GET", "/readyz"), ("POST", "commits/")):
            answer, took = timed(api, method, path, json={"commits": [commit(f"{time.monotonic_ns():040x}")]})
            assert_refused(answer)
            assert took < SLOWEST
    took = assert_recovers(api)
    FIGURES.add("all connections of PostgreSQL in use", 1, f"503, ready again {took:.1f} s later")


def test_requests_succeed_again_after_a_restart_of_the_server(api: ApiClient, own_server: OwnPostgres) -> None:
    """While the server is down, requests are refused. After its restart they succeed, without stale connections."""
    with ThreadPoolExecutor(8) as pool:
        # Several connections are open when the server dies.
        assert set(pool.map(lambda _: api.get("releases/").status_code, range(16))) == {200}
    own_server.kill()
    assert_refused(api.call("GET", "/readyz"))
    assert_refused(api.get("repos/1/"))
    own_server.start()
    assert_recovers(api)
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: api.get("releases/").status_code, range(16))) == {200}


@pytest.mark.long
def test_a_server_that_is_killed_under_load(own_server: OwnPostgres, tmp_path: Path) -> None:
    """A service of two processes: what was acknowledged is there, and it goes on without a restart."""
    service = Service(tmp_path, own_server.create("loaded"), seed=1)
    service.prepare()
    longest = 0.0
    with service.running(2) as served, service.client(served) as client:
        for number in range(6):
            with service.writing(served):
                time.sleep(1)
                if number % 2:
                    own_server.kill_backend()
                    own_server.wait_until_ready()
                else:
                    own_server.kill()
                    time.sleep(1)
                    assert client.get("/healthz").status_code == 200
                    own_server.start()
                started = time.monotonic()
                while client.post(f"{API}commits/", json={"commits": []}).status_code != 200:
                    time.sleep(0.05)
                longest = max(longest, time.monotonic() - started)
                time.sleep(1)
            own_server.wait_until_ready()
            with databases.opened(service.url) as store:
                assert violations(store, service.done) == []
    assert service.done.surprises == []
    assert service.done.statuses[0] == 0
    seen = f"{service.done.writes:,} acknowledged changes, none lost; answers again {longest:.1f} s after the restart"
    FIGURES.add("PostgreSQL killed under load, 2 workers", 6, seen)


@pytest.mark.long
def test_a_server_that_stands_still_under_load(own_server: OwnPostgres, tmp_path: Path) -> None:
    """More clients than the service has connections: every answer comes in time, and nothing is lost."""
    service = Service(tmp_path, own_server.create("standing"), seed=2)
    service.prepare()
    with service.running(1) as served:
        with service.writing(served, writers=40):
            time.sleep(3)
            # What so many clients wait for this machine counts for nothing.
            usual, service.done.slowest = service.done.slowest, 0.0
            own_server.pause()
            time.sleep(PAUSE_SECONDS)
            slowest = service.done.slowest
            own_server.resume()
            time.sleep(3)
        with databases.opened(service.url) as store:
            assert violations(store, service.done) == []
    assert service.done.surprises == []
    assert slowest < SLOWEST + usual
    seen = f"{service.done.statuses[503]:,} answers of 503, the slowest after {slowest:.1f} s; nothing lost"
    FIGURES.add(f"PostgreSQL stands still for {PAUSE_SECONDS} s, 40 clients", 1, seen)
