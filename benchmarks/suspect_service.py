"""Time of ``POST suspects/`` over HTTP with 1,000,000 commits stored, against the same service with 10,000.

The trace has ten frames in ten files, without blame. It is asked for a release of 500 commits, and without a release,
where the newest commits are compared. A commit changes three of 5,000 files.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, Final

from service import Service, service

from scmhost.infra.db.base import hash_of

FEW: Final = 10_000
MANY: Final = 1_000_000
FILES: Final = 5_000
LISTED: Final = 500
ROUNDS: Final = 30
BEGIN: Final = datetime(2020, 1, 1, tzinfo=UTC)
TRACE: Final = "".join(f'  File "/srv/src/file{number}.py", line 7, in total\n' for number in range(10))
KINDS: Final = {"of a release": {"release": "1.0"}, "newest": {}}


def main() -> None:
    """Print the ratios."""
    for name, ratio in ratios().items():
        print(f"{name}: {ratio:.2f}")


def ratios() -> dict[str, float]:
    """Return how much dearer an answer is with a hundred times the commits, and its milliseconds."""
    with TemporaryDirectory() as name, _filled(Path(name), FEW) as few, _filled(Path(name), MANY) as many:
        # The services close connections while the databases are filled.
        few.connection.close()
        many.connection.close()
        found = {}
        for kind, body in KINDS.items():
            asked = {"text": TRACE, "blame": False, **body}
            rounds = [(_seconds(_call(few, asked)), _seconds(_call(many, asked))) for _ in range(ROUNDS)]
            small, large = (median(side) for side in zip(*rounds, strict=True))
            found[f"suspects/{kind}, 100 times the commits"] = large / small
            found[f"suspects/{kind}, {MANY:,} commits"] = 1_000 * large
    return found


@contextmanager
def _filled(folder: Path, count: int) -> Iterator[Service]:
    file = folder / f"{count}.db"
    with service(folder, f"sqlite:///{file}") as served:
        repository = json.loads(served.call("POST", "repos/", json.dumps({"name": "team/app"}).encode()))["id"]
        release = {"version": "1.0", "projects": ["web"]}
        served.call("POST", "releases/", json.dumps(release).encode())
        with closing(sqlite3.connect(file)) as database:
            _fill(database, int(repository), count)
        yield served


def _fill(database: sqlite3.Connection, repository: int, count: int) -> None:
    """Store commits, their changes, and a release of the newest ones."""
    ((organization, release, project),) = database.execute(
        "SELECT releases.organization_id, releases.id, projects.id FROM releases JOIN projects"
    )
    database.execute(
        "INSERT INTO code_mappings (organization_id, id, project_id, repository_id, stack_root, source_root, "
        "source_hash, default_branch, generated, created_at) VALUES (?, 1, ?, ?, '/srv/', '', ?, 'main', 0, ?)",
        (organization, project, repository, hash_of(""), BEGIN.strftime("%Y-%m-%d %H:%M:%S.%f")),
    )
    hashes = [hash_of(_path(number)) for number in range(FILES)]
    moments = ((BEGIN + timedelta(minutes=number)).strftime("%Y-%m-%d %H:%M:%S.%f") for number in range(count))
    ids = range(10**9, 10**9 + count)
    database.executemany(
        "INSERT INTO commits (organization_id, id, repository_id, sha, message, committed_at, dated) "
        "VALUES (?, ?, ?, ?, ?, ?, 1)",
        (
            (organization, id_, repository, f"{id_:040x}", f"Change number {id_}", moment)
            for id_, moment in zip(ids, moments, strict=True)
        ),
    )
    database.executemany(
        "INSERT INTO file_changes (organization_id, commit_id, path_hash, path, type) VALUES (?, ?, ?, ?, 'M')",
        (
            (organization, id_, hashes[number], _path(number))
            for id_ in ids
            for number in {id_ * 7 % FILES, id_ * 13 % FILES, id_ * 29 % FILES}
        ),
    )
    listed = [(organization, release, repository, place, id_) for place, id_ in enumerate(reversed(ids[-LISTED:]))]
    database.executemany(
        "INSERT INTO release_commits (organization_id, release_id, repository_id, position, commit_id) "
        "VALUES (?, ?, ?, ?, ?)",
        listed,
    )
    database.execute("UPDATE releases SET commit_count = ?", (LISTED,))
    database.commit()


def _path(number: int) -> str:
    return f"src/file{number}.py"


def _call(served: Service, body: dict[str, Any]) -> Callable[[], None]:
    sent = json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {served.token}", "Content-Type": "application/json"}

    def call() -> None:
        served.connection.request("POST", "/api/0/projects/acme/web/suspects/", sent, headers)
        answer = served.connection.getresponse()
        content = answer.read()
        assert answer.status == 200, content  # noqa: PLR2004 - OK
        assert json.loads(content)["suspects"], content

    return call


def _seconds(call: Callable[[], None]) -> float:
    begun = perf_counter()
    call()
    return perf_counter() - begun


if __name__ == "__main__":
    main()
