"""Bytes per row on PostgreSQL, and the time of reads and writes, in whole and in partitioned tables.

Usage: ``python benchmarks/rows.py [--commits 200000] [--organizations 16] [--partitions 16]``. It starts a server
of its own. Commits have three file changes each. They are saved by the use case that the API calls, a thousand at a
time, in turns of the organizations, each with one repository.
"""

import argparse
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Final

from ingest import databases, new_postgresql
from payloads import bodies
from sqlalchemy import text

from scmhost.admin.bootstrap import bootstrap
from scmhost.app import Host
from scmhost.commits.ingest import ingest_commits, missing_commits
from scmhost.commits.show import commits_of_repository
from scmhost.infra.db.partitions import partition
from scmhost.infra.paging import PageQuery
from scmhost.plugins import read_settings
from scmhost.repositories.manage import list_repositories
from scmhost.sdk import Organization
from scmhost.services import Services

SIZE: Final = 1_000
READS: Final = 100
FEW: Final = 5
TABLES: Final = ("commits", "file_changes")

_SIZES: Final = """
SELECT (SELECT count(*) FROM {name}), sum(pg_total_relation_size(relid)), sum(pg_indexes_size(relid))
FROM (SELECT relid FROM pg_partition_tree('{name}') UNION SELECT '{name}'::regclass) AS parts (relid)
"""


def main() -> None:
    """Print the sizes and the times."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("commits", 200_000), ("organizations", 16), ("partitions", 16)):
        parser.add_argument(f"--{name}", type=int, default=default)
    chosen = parser.parse_args()
    with new_postgresql(1) as (url,), _opened(url) as services:
        tenants = [bootstrap(services, f"org-{number}", "web").organization for number in range(chosen.organizations)]
        sent = bodies(chosen.commits // SIZE + FEW, SIZE)
        begun = perf_counter()
        _save(services, tenants, sent[FEW:])
        print(f"{chosen.commits:,} commits saved, {chosen.commits / (perf_counter() - begun):,.0f} a second")
        _report(services, tenants[0], sent[:FEW], "whole tables")
        begun = perf_counter()
        partition(services.store, chosen.partitions)
        print(f"split into {chosen.partitions} partitions in {perf_counter() - begun:.1f} s")
        _report(services, tenants[1], sent[:FEW], f"{chosen.partitions} partitions")


@contextmanager
def _opened(url: str) -> Iterator[Services]:
    databases.migrated(url)
    with TemporaryDirectory() as folder:
        config = Path(folder) / "plugins.toml"
        config.write_text("schema = 1\n", encoding="utf-8")
        with Host.open(read_settings(config, {"SCMHOST_DATABASE_URL": url})) as host:
            yield host.services


def _save(services: Services, tenants: list[Organization], sent: list[bytes]) -> None:
    for organization, body in zip(cycle(tenants), sent, strict=False):
        ingest_commits(services, organization, json.loads(body)["commits"])


def _report(services: Services, organization: Organization, new: list[bytes], title: str) -> None:
    """Print the bytes of a row of each table, and the times in the organization."""
    print(f"\n{title}")
    for name in TABLES:
        with services.store.read() as tx:
            count, size, indexes = tx.execute(text(_SIZES.format(name=name))).one()
        print(f"{name}: {count:,} rows, {size / count:.0f} bytes a row, of which {indexes / count:.0f} in indexes")
    (repository,) = list_repositories(services, organization, PageQuery()).items
    shas = [f"{number:040x}" for number in range(SIZE)]
    known, page = json.loads(new[0])["commits"], PageQuery(size=100)
    times: dict[str, Callable[[int], object]] = {
        "a page of 100 commits": lambda _: commits_of_repository(services, organization, repository.id, page),
        f"which of {SIZE:,} commits are known": lambda _: missing_commits(services, organization, "team/app", shas),
    }
    for what, run in times.items():
        print(f"{what}: {_median(run, READS):.2f} ms")
    save = lambda number: ingest_commits(services, organization, json.loads(new[number])["commits"])  # noqa: E731
    print(f"{SIZE:,} new commits: {_median(save, FEW):.0f} ms")
    print(f"{SIZE:,} known commits: {_median(lambda _: ingest_commits(services, organization, known), FEW):.0f} ms")


def _median(run: Callable[[int], object], count: int) -> float:
    """Return the median of the time of several runs, in milliseconds."""
    times = []
    for number in range(count):
        begun = perf_counter()
        run(number)
        times.append(1_000 * (perf_counter() - begun))
    return median(times)


if __name__ == "__main__":
    main()
