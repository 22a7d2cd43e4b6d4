"""Two versions of scmhost on one database: real processes, of which the newer one has more migrations."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

import newer_version
from api import PLUGINS_TOML
from command import Done, scmhost
from newer_version import COMPATIBLE, INCOMPATIBLE, write_migrations
from scmhost.infra.db import schema
from serving import Served, serve

PROBLEM = "its tables are of a newer version of scmhost; install that version, or restore a backup"


@dataclass(frozen=True)
class Node:
    """A node of this version that serves a database, and its token."""

    served: Served
    client: httpx2.Client
    url: str

    def ready(self) -> tuple[int, dict[str, Any]]:
        answer = self.client.get("/readyz")
        return answer.status_code, answer.json()

    def slugs(self) -> list[str]:
        return [item["slug"] for item in self.client.get("/api/0/organizations/acme/projects/").json()]

    def add_project(self, slug: str) -> int:
        return self.client.post("/api/0/organizations/acme/projects/", json={"slug": slug}).status_code


@pytest.fixture
def node(database_url: str, tmp_path: Path) -> Iterator[Node]:
    """A node of this version, once for each kind of database."""
    (tmp_path / "plugins.toml").write_text(PLUGINS_TOML, encoding="utf-8")
    done = scmhost("bootstrap", "--org", "acme", "--project", "web", "--database-url", database_url, "--json")
    assert done.code == 0, done.err
    with (
        serve(tmp_path, "--database-url", database_url) as served,
        served.client(json.loads(done.out)["token"]) as client,
    ):
        served.keep_reading()
        yield Node(served, client, database_url)


def newer(folder: Path, *words: str) -> Done:
    """Run a command of the newer version in a process."""
    command = [sys.executable, newer_version.__file__, str(folder), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return Done(done.returncode, done.stdout, done.stderr)


def test_old_nodes_serve_while_the_new_version_says_that_they_can(node: Node, tmp_path: Path) -> None:
    """They stay ready, read and write; after the incompatible migration each says in a sentence what to do."""
    head = schema._head()
    database = ("--database-url", node.url)
    compatible = write_migrations(tmp_path / "compatible", COMPATIBLE)

    assert newer(compatible, "migrate", *database).code == 0
    status, ready = node.ready()
    assert (status, ready["database"]) == (200, "ok")
    assert ready["revisions"] == {"tables": COMPATIBLE, "code": head, "oldestCode": head}
    assert node.add_project("api") == 201
    assert node.slugs() == ["api", "web"]
    # An old node that starts again, and every old command.
    assert scmhost("migrate", *database).code == 0
    assert scmhost("db", "status", *database).code == 0
    assert scmhost("projects", "add", "jobs", *database).code == 0
    assert newer(compatible, "projects", "show", "jobs", *database).code == 0
    doctor = scmhost("plugins", "doctor", *database)
    assert (doctor.code, "which this version can serve" in " ".join(doctor.out.split())) == (0, True)

    incompatible = write_migrations(tmp_path / "incompatible", COMPATIBLE, INCOMPATIBLE)
    assert newer(incompatible, "migrate", *database).code == 0
    status, ready = node.ready()
    assert (status, ready["database"], ready["revisions"]["oldestCode"]) == (503, "newer", INCOMPATIBLE)
    assert "install that version" in ready["detail"]
    for words in (["serve", "--port", "0"], ["migrate"], ["projects", "list"], ["db", "status"]):
        done = scmhost(*words, *database)
        assert (done.code, PROBLEM in done.out + done.err) == (1, True), (words, done)
        assert "Traceback" not in done.err
    doctor = scmhost("plugins", "doctor", *database)
    assert (doctor.code, "migrate" in doctor.out) == (1, False), doctor
