"""``scmhost db``: which versions can serve a database."""

import json
from pathlib import Path

import pytest
from sqlalchemy import text

import databases
from command import scmhost
from scmhost.infra.db import schema

HEAD = schema._head()


def status(url: str, *words: str) -> tuple[int, str]:
    """Return the exit code and the answer of ``scmhost db status``."""
    done = scmhost("db", "status", "--database-url", url, *words)
    return done.code, done.out or done.err


def test_status_of_current_tables(sqlite_url: str) -> None:
    """The revisions are those of this version."""
    code, answer = status(sqlite_url, "--json")
    found = json.loads(answer)
    assert (code, found["state"], found["tables"], found["code"], found["problem"]) == (0, "current", HEAD, HEAD, None)
    assert found["oldestCode"] == schema.oldest_code(HEAD)


@pytest.mark.parametrize(
    ("revision", "sentence"),
    [("0017", "nodes of revision 0017 go on serving"), ("0001", "nodes of revision 0001 stop serving")],
)
def test_status_before_an_upgrade_says_what_old_nodes_do(sqlite_url: str, revision: str, sentence: str) -> None:
    """An operator sees in advance whether a rolling upgrade has a gap."""
    with databases.opened(sqlite_url) as store:
        store.downgrade(revision)
    code, answer = status(sqlite_url)
    assert (code, "run scmhost migrate" in answer, sentence in answer) == (1, True, True), answer
    rolling = revision == "0017"
    assert json.loads(status(sqlite_url, "--json")[1])["rolling"] is rolling


def test_status_of_newer_tables(sqlite_url: str) -> None:
    """It depends on what the newer version has stored."""
    with databases.opened(sqlite_url) as store, store.write() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert status(sqlite_url)[0] == 0
    with databases.opened(sqlite_url) as store, store.write() as tx:
        tx.execute(text("UPDATE schema_compatibility SET oldest_code = '9999'"))
    code, answer = status(sqlite_url)
    assert (code, "install that version" in answer) == (1, True)
    assert "served by     versions from revision 9999" in answer


def test_status_creates_no_database(tmp_path: Path) -> None:
    """A missing database is an error, and stays missing."""
    code, answer = status(databases.sqlite_url(tmp_path))
    assert (code, "there is no database" in answer, list(tmp_path.iterdir())) == (1, True, [])
