"""Reads from a streaming replica of PostgreSQL: which server answers, and that clients see their own writes."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Connection, make_url, text
from structlog.testing import capture_logs

import databases
from api import PLUGINS_TOML, ApiClient, tenant
from hosting import SettableClock
from main_story import tell_main_story
from replica import ReplicaServer, replicated_server
from scmhost.admin import doctor
from scmhost.app import Host
from scmhost.application import create_application
from scmhost.infra.db import replicas
from scmhost.infra.db.errors import StoreError
from scmhost.infra.db.replicas import REQUEST, ReplicatedStore, RequestScope, open_store
from scmhost.plugins import read_settings

pytestmark = pytest.mark.postgresql


@pytest.fixture(scope="module")
def server() -> Iterator[ReplicaServer]:
    """A primary server and its replica."""
    with replicated_server() as running:
        yield running


@pytest.fixture
def urls(server: ReplicaServer) -> Iterator[tuple[str, str]]:
    """The URLs of a database with tables, on the primary server and on the replica, which has caught up."""
    with databases.new_database(server.primary_url) as url:
        databases.migrated(url)
        server.resume()
        yield url, make_url(server.url).set(database=make_url(url).database).render_as_string(hide_password=False)


@contextmanager
def worker(folder: Path, urls: tuple[str, str], slug: str = "acme") -> Iterator[ApiClient]:
    """Open a worker, as one process of the service has it, with an organization."""
    config = folder / "plugins.toml"
    config.write_text(PLUGINS_TOML, encoding="utf-8")
    environ = {"SCMHOST_DATABASE_URL": urls[0], "SCMHOST_READ_URL": urls[1]}
    with Host.open(read_settings(config, environ), migrate=False) as host:
        host.services = replace(host.services, clock=SettableClock())
        there = tenant(host.services, slug)
        yield ApiClient(host, TestClient(create_application(host.services), raise_server_exceptions=False), there)


@pytest.fixture
def api(tmp_path: Path, urls: tuple[str, str], server: ReplicaServer) -> Iterator[ApiClient]:
    """A worker whose replica has caught up."""
    with worker(tmp_path, urls) as opened:
        server.catch_up()
        yield opened


def on_replica(api: ApiClient, scope: RequestScope | None) -> bool:
    """Return whether the replica answers in the context of a request."""
    token = REQUEST.set(scope)
    try:
        with api.services.store.read() as tx:
            return bool(tx.scalar(text("SELECT pg_is_in_recovery()")))
    finally:
        REQUEST.reset(token)


def reading(api: ApiClient) -> RequestScope:
    return RequestScope(reads=True, organization_id=api.there.organization.id)


def names(api: ApiClient) -> set[str]:
    """Return the names of the repositories."""
    return {item["name"] for item in listed(api, "repos/")}


def listed(api: ApiClient, path: str) -> list[dict[str, Any]]:
    """Return a list, after the second for which a worker may not see changes by others."""
    clock = api.services.clock
    assert isinstance(clock, SettableClock)
    clock.turn(1)
    items: list[dict[str, Any]] = api.get(path).json()
    return items


def test_only_requests_that_change_nothing_read_from_the_replica(api: ApiClient) -> None:
    """Jobs and commands, requests that write, and requests of an unknown organization read from the primary server."""
    scope = reading(api)
    assert on_replica(api, scope)
    others = (None, RequestScope(reads=True), replace(scope, reads=False))
    assert [on_replica(api, other) for other in others] == [False, False, False]


def test_clients_see_their_writes_while_nothing_is_replayed(
    api: ApiClient, tmp_path: Path, urls: tuple[str, str], server: ReplicaServer
) -> None:
    """Through the worker that has written, and through another one; other organizations still read from the replica."""
    with worker(tmp_path, urls, "umbra") as other, worker(tmp_path, urls) as second:
        server.catch_up()
        server.pause()
        api.repository("team/one", None)
        assert names(api) == {"team/one"}
        assert names(second) == {"team/one"}
        assert not on_replica(second, reading(second))
        assert on_replica(second, reading(other))
        second.repository("team/two", None)
        assert names(api) == names(second) == {"team/one", "team/two"}
        server.resume()
        assert on_replica(api, reading(api))
        assert names(api) == names(second) == {"team/one", "team/two"}


def test_writes_and_reads_in_any_order(
    api: ApiClient, tmp_path: Path, urls: tuple[str, str], server: ReplicaServer
) -> None:
    """Two workers, lists and cached rows, with the replay paused and resumed in between."""
    random = Random(20261130)  # noqa: S311 - no secret
    projects, written = {"web"}, set[str]()
    with worker(tmp_path, urls) as second:
        for number in range(40):
            worker_, other = random.sample([api, second], 2)
            if random.random() < 0.4:
                random.choice([server.pause, server.resume])()
            if random.random() < 0.5:
                worker_.repository(f"team/{number}", None)
                written.add(f"team/{number}")
            else:
                worker_.post("projects/", {"slug": f"p{number}"})
                projects.add(f"p{number}")
            assert names(other) == names(worker_) == written
            assert {item["slug"] for item in listed(other, "projects/")} == projects
        server.resume()


def test_main_story_with_a_replica(api: ApiClient, server: ReplicaServer) -> None:
    """Claims, ingest, links and jobs give the same answers, whether the replica is behind or not."""
    server.pause()
    tell_main_story(api, times=2)
    server.resume()
    store, answered = api.services.store, list[bool]()
    assert isinstance(store, ReplicatedStore)
    begin = store.replica.begin

    def noted(organization_id: int) -> Connection | None:
        connection = begin(organization_id)
        answered.append(connection is not None)
        return connection

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store.replica, "begin", noted)
        assert len(api.shas()) == 2
    assert set(answered) == {True}


def test_primary_server_answers_for_a_replica_that_is_down(
    api: ApiClient, server: ReplicaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is logged once for all requests of the next seconds; after that the replica is tried again."""
    now = [monotonic()]
    monkeypatch.setattr(replicas, "monotonic", lambda: now[0])
    api.repository("team/one", None)
    server.catch_up()
    assert on_replica(api, reading(api))
    assert list(doctor.check_replica(api.services)) == []
    server.stop()
    try:
        (finding,) = doctor.check_replica(api.services)
        assert (finding.severity, finding.subject) == ("warning", "the replica")
        assert "it is not used" in finding.problem
        with capture_logs() as logs:
            assert [names(api) for _ in range(3)] == [{"team/one"}] * 3
        assert [line["event"] for line in logs if line["log_level"] == "warning"] == ["replica not used"]
    finally:
        server.start()
    assert not on_replica(api, reading(api))
    now[0] += replicas.TRY_AGAIN_AFTER
    server.catch_up()
    assert on_replica(api, reading(api))


def test_another_database_is_not_read(tmp_path: Path, urls: tuple[str, str], server: ReplicaServer) -> None:
    """It has other rows under the same ids."""
    with databases.new_database(server.primary_url) as other:
        databases.migrated(other)
        wrong = make_url(server.url).set(database=make_url(other).database).render_as_string(hide_password=False)
        server.catch_up()
        with worker(tmp_path, (urls[0], wrong)) as api:
            with capture_logs() as logs:
                assert names(api) == set()
            assert "is no replica of host.database_url" in str([line.get("error") for line in logs])


def test_sqlite_has_no_replicas(tmp_path: Path) -> None:
    """The error says what to do."""
    with pytest.raises(StoreError, match="needs PostgreSQL in both URLs"):
        open_store(databases.sqlite_url(tmp_path), "postgresql://db.internal/scmhost")
