"""Links of stored frames in Parquet files: on DuckDB and on Spark, compared with a plain process.

First the links of 1,000,000 frames are compared with those of the service, which resolves them in requests of 1,000
frames. Then each engine links 4,000,000 frames with ``link_batches`` and writes files, which must have the same rows.
After that it links them some times without writing, because the writers of engines differ.

Speeds are frames for each second of processor time, over all threads and processes of an engine, so that other work on
the machine does not change them. Each number is the best of some rounds. The first one, with the files, is not counted:
a long job starts its workers and compiles its code once. The rounds of an engine follow each other, because Spark ends
workers that have nothing to do for a minute. An engine whose package is missing (``duckdb``, ``pyspark`` and Java) is
left out.
"""

import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from scmhost.app import Host
from scmhost.arrow import link_batches
from scmhost.bulk.export import export_links
from scmhost.bulk.linker import SnapshotLinks
from scmhost.bulk.snapshot import SnapshotRepository, SnapshotWriter, read_snapshot
from scmhost.commits import bulk_queries
from scmhost.infra.clock import SystemClock
from scmhost.infra.db.engine import Transaction
from scmhost.installations import queries as installation_queries
from scmhost.links import queries as link_queries
from scmhost.links.resolve import resolve_links
from scmhost.links.values import FrameQuery, Link, LinkOptions, MappingDraft, NoLink
from scmhost.mapping import FrameInfo
from scmhost.organizations import queries as organization_queries
from scmhost.plugins.config.reading import read_settings
from scmhost.releases import content_queries
from scmhost.releases import queries as release_queries
from scmhost.releases.values import ReleaseDraft
from scmhost.repositories import file_index_queries
from scmhost.repositories import queries as repository_queries
from scmhost.sdk import CommitDraft, FileChange, InstallationDraft, Organization, preset

FRAMES: Final = 1_000_000
PATHS: Final = 200_000
MAPPINGS: Final = 1_000
MANY_MAPPINGS: Final = 100_000
REPOSITORIES: Final = 20
FILES: Final = 16
# A job of Spark is long enough with so many copies of the files.
COPIES: Final = 4
BATCH: Final = 65_536
# With any other number Spark measures its batch again after each row.
UNLIMITED: Final = 2**31 - 1
REQUEST: Final = 1_000
ROUNDS: Final = 5
RELEASES: Final = ("1.0", "1.1", None, None)
PACKAGES: Final = ("api", "core", "models", "tasks", "utils", "views")
HAS_DUCKDB: Final = find_spec("duckdb") is not None
HAS_SPARK: Final = find_spec("pyspark") is not None and shutil.which("java") is not None

CONFIGURATION: Final = "[plugins.custom_scm]\nenabled = true\ndefault = true\n"


def main() -> None:
    """Print the numbers."""
    for name, number in ratios().items():
        print(f"{name}: {number:,.2f}")


def ratios() -> dict[str, float]:
    """Return the seconds in which many mappings are loaded, the frames that differ, and the ratios of the engines."""
    with TemporaryDirectory() as name, organization(Path(name)) as (host, tenant):
        folder = Path(name)
        snapshot = folder / "links.snapshot"
        with snapshot.open("wb") as out:
            export_links(host.services, tenant, out)
        frames = _frames()
        _write(frames, folder / "frames")
        found = {
            "bulk/load 100,000 mappings": min(_seconds_to_load(folder) for _ in range(ROUNDS)),
            "bulk/links that differ from the service's": float(_differences(host, tenant, snapshot, frames)),
        }
        return found | _engines(folder, snapshot)


@contextmanager
def organization(folder: Path) -> Iterator[tuple[Host, Organization]]:
    """An organization with repositories, code mappings, releases and commits."""
    configuration = folder / "plugins.toml"
    configuration.write_text(CONFIGURATION, encoding="utf-8")
    environ = {"SCMHOST_DATABASE_URL": f"sqlite:///{folder / 'scmhost.db'}"}
    with Host.open(read_settings(configuration, environ), serving=False) as host:
        now = SystemClock().now()
        with host.services.store.write() as tx:
            tenant = organization_queries.create_organization(tx, "acme", "Acme", now)
            project = organization_queries.create_project(tx, tenant.id, "shop", "Shop", None, now)
            draft = InstallationDraft(name="forge", external_id="1", configuration={"preset": "github"})
            installation = installation_queries.create(tx, tenant.id, "custom_scm", draft, now).installation
            for number in range(REPOSITORIES):
                _add_repository(tx, tenant.id, installation.id, number)
            _add_mappings(tx, tenant.id, project.id)
        yield host, tenant


def _add_repository(tx: Transaction, organization_id: int, installation_id: int, number: int) -> None:
    """Add a repository with two commits, each of them a release: one adds files, and one deletes some of them."""
    now = SystemClock().now()
    repository = repository_queries.create(
        tx,
        organization_id,
        f"team/app-{number}",
        now,
        provider="custom_scm",
        installation_id=installation_id,
        external_id=str(number),
        url=f"https://git.example.com/team/app-{number}",
    )
    paths = [f"src/{_path(at)}" for at in range(number, PATHS // 10, REPOSITORIES)]
    changes = [("A", paths), ("D", paths[::10])]
    commits = [
        CommitDraft(
            sha=f"{number:08x}{at:032x}",
            message="Change",
            timestamp=now + timedelta(minutes=at),
            changes=tuple(FileChange(type=kind, path=path) for path in own),
        )
        for at, (kind, own) in enumerate(changes)
    ]
    bulk_queries.save(tx, organization_id, repository.id, commits, now)
    first: int | None = 0
    while first is not None:
        files, first = file_index_queries.newest_changes(tx, organization_id, repository.id, first, 2**53 - 1)
        file_index_queries.save_newest(tx, organization_id, files)
    for version, commit in zip(RELEASES[:2], commits, strict=True):
        release, _ = release_queries.upsert(tx, organization_id, version, ReleaseDraft(), now)
        content_queries.set_head(tx, organization_id, release.id, repository.id, commit.sha, None)


def _add_mappings(tx: Transaction, organization_id: int, project_id: int) -> None:
    now = SystemClock().now()
    repositories = sorted(repository_queries.active_ids(tx, organization_id, REPOSITORIES))
    for number in range(MAPPINGS):
        root = _root(number)
        repository = repositories[number % REPOSITORIES]
        draft = MappingDraft(project_id, repository, f"/srv/{root}", f"src/{root}", "main")
        link_queries.create(tx, organization_id, draft, now)


def _root(number: int) -> str:
    return f"services/team-{number // 8}/service_{number}/"


def _path(number: int) -> str:
    return f"{_root(number % MAPPINGS)}{PACKAGES[number % len(PACKAGES)]}/module_{number}.py"


def _frames() -> pa.Table:
    """Return stored frames: some files have far more of them than others, and a third are of libraries."""
    random = Random(3)
    numbers = [int(PATHS * random.random() ** 2) for _ in range(FRAMES)]
    names = [f"/usr/lib/{_path(number)}" if number % 3 == 0 else f"/srv/{_path(number)}" for number in range(PATHS)]
    # Some names need escaping.
    names = [name.replace("module_", "odd module_") if number % 50 == 1 else name for number, name in enumerate(names)]
    return pa.table(
        {
            "id": range(FRAMES),
            "project": ["shop"] * FRAMES,
            "filename": [names[number] for number in numbers],
            "line": [random.randrange(2_000) for _ in range(FRAMES)],
            "release": [RELEASES[number % len(RELEASES)] for number in numbers],
        }
    )


def _write(frames: pa.Table, folder: Path) -> None:
    folder.mkdir()
    each = FRAMES // FILES
    for number in range(FILES * COPIES):
        pq.write_table(frames.slice(number % FILES * each, each), folder / f"{number:02}.parquet")


def _differences(host: Host, tenant: Organization, snapshot: Path, frames: pa.Table) -> int:
    """Return the number of frames whose URL, reason or confidence is not that of the service."""
    with host.services.store.read() as tx:
        project = organization_queries.find_project(tx, tenant.id, "shop")
    assert project
    link, different = link_batches(snapshot), 0
    for version in dict.fromkeys(RELEASES):
        wanted = pc.is_null(frames["release"]) if version is None else pc.equal(frames["release"], version)
        for batch in link(frames.filter(wanted).to_batches(REQUEST)):
            rows = batch.to_pylist()
            queries = [FrameQuery(FrameInfo(row["filename"]), row["line"]) for row in rows]
            options = LinkOptions(version, with_file_status=True, counted=False)
            served = resolve_links(host.services, tenant, project, queries, options)
            found = [(row["url"], row["reason"], row["confidence"]) for row in rows]
            different += sum(one != _row(item.outcome) for one, item in zip(found, served, strict=True))
    return different


def _row(outcome: Link | NoLink) -> tuple[str | None, str | None, str | None]:
    if isinstance(outcome, Link):
        return outcome.url, None, outcome.basis.confidence
    return None, outcome.reason.value, None


def _seconds_to_load(folder: Path) -> float:
    """Return the seconds until the first link of a snapshot with many mappings."""
    file = folder / "many.snapshot"
    if not file.exists():
        with SnapshotWriter() as writer, file.open("wb") as out:
            writer.add("project", 1, "shop")
            writer.add("templates", 0, preset("github").pages.model_dump(mode="json"))
            for number in range(REPOSITORIES):
                url = f"https://git.example.com/team/app-{number}"
                writer.add_repository(SnapshotRepository(number, templates=0, url=url))
            rows = [
                (number, number % REPOSITORIES, f"/srv/{_root(number)}", f"src/{_root(number)}", "main", False, None)
                for number in range(MANY_MAPPINGS)
            ]
            writer.add("mappings", 1, rows)
            writer.finish(out, "acme", "", with_files=True)
    begin = process_time()
    links = SnapshotLinks(read_snapshot(file))
    link = links.link("shop", FrameQuery(FrameInfo(f"/srv/{_root(7)}a.py"), 1))
    assert link.url
    return process_time() - begin


def _engines(folder: Path, snapshot: Path) -> dict[str, float]:
    """Return the speed of each engine compared with a plain process."""
    engines: dict[str, Callable[[Path | None], None]] = {"plain": partial(_plain, folder / "frames", snapshot)}
    with ExitStack() as stack:
        if HAS_DUCKDB:
            engines["DuckDB"] = partial(_duckdb, folder / "frames", snapshot)
        if HAS_SPARK:
            session = stack.enter_context(_spark_session())
            engines["Spark"] = partial(_spark, session, folder / "frames", snapshot)
        best = dict.fromkeys(engines, 0.0)
        for name, run in engines.items():
            run(folder / name)
            for _ in range(ROUNDS):
                before, wall = _processor_seconds(), perf_counter()
                run(None)
                seconds = sum(used - before.get(pid, 0.0) for pid, used in _processor_seconds().items())
                speed = FRAMES * COPIES / seconds
                print(f"bulk/{name}: {speed:,.0f} frames a second and core, {perf_counter() - wall:.2f} s")
                best[name] = max(best[name], speed)
        _check_equal(folder, engines)
    return {f"bulk/{name}, to a plain process": best[name] / best["plain"] for name in engines if name != "plain"}


def _check_equal(folder: Path, engines: Iterable[str]) -> None:
    """Check that all engines wrote the same rows."""
    first: pa.Table | None = None
    for name in engines:
        table = pq.read_table(folder / name).sort_by("id")
        assert table.num_rows == FRAMES * COPIES
        first = first or table
        assert table.cast(first.schema.remove_metadata()).equals(first.replace_schema_metadata())


def _plain(frames: Path, snapshot: Path, out: Path | None) -> None:
    link = link_batches(snapshot)
    if out:
        out.mkdir()
    for file in sorted(frames.iterdir()):
        opened = pq.ParquetFile(file)
        batches = link(opened.iter_batches(BATCH))
        if out is None:
            assert sum(batch.num_rows for batch in batches)
            continue
        with pq.ParquetWriter(out / file.name, link.schema(opened.schema_arrow)) as writer:
            for batch in batches:
                writer.write_batch(batch)


def _duckdb(frames: Path, snapshot: Path, out: Path | None) -> None:
    import duckdb  # noqa: PLC0415

    link = link_batches(snapshot)
    with duckdb.connect() as connection:
        # A connection has one open result: the frames that are read.
        reader = connection.cursor().read_parquet(f"{frames}/*.parquet").to_arrow_reader(BATCH)
        linked = connection.from_arrow(pa.RecordBatchReader.from_batches(link.schema(reader.schema), link(reader)))
        if out:
            out.mkdir()
            linked.write_parquet(str(out / "links.parquet"))
        else:
            assert linked.aggregate("count(url), count(reason), count(confidence), max(id)").fetchall()


@contextmanager
def _spark_session() -> Iterator[Any]:
    from pyspark.sql import SparkSession  # noqa: PLC0415

    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    builder = builder.config("spark.sql.execution.arrow.maxRecordsPerBatch", str(BATCH))
    builder = builder.config("spark.sql.execution.arrow.maxBytesPerBatch", str(UNLIMITED))
    # In local mode the driver does the work of the executors.
    builder = builder.config("spark.driver.extraJavaOptions", "-XX:+UseParallelGC").config("spark.driver.memory", "4g")
    session = builder.config("spark.log.level", "ERROR").getOrCreate()
    try:
        yield session
    finally:
        session.stop()


def _spark(session: Any, frames: Path, snapshot: Path, out: Path | None) -> None:
    from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_schema  # noqa: PLC0415

    link = link_batches(snapshot)
    read = session.read.parquet(str(frames))
    schema = from_arrow_schema(link.schema(to_arrow_schema(read.schema)))
    written = read.mapInArrow(link, schema).write
    if out:
        written.parquet(str(out))
    else:
        written.format("noop").mode("overwrite").save()


def _processor_seconds() -> dict[int, float]:
    """Return the processor time of this process and of each one that it started."""
    return {pid: _ticks(pid) / os.sysconf("SC_CLK_TCK") for pid in _family(os.getpid())}


def _ticks(pid: int) -> int:
    """Return the processor time of a process and of its children that ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except FileNotFoundError:
        return 0
    return sum(map(int, fields[11:15]))


def _family(pid: int) -> Iterator[int]:
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(FileNotFoundError):
            for child in children.read_text(encoding="ascii").split():
                yield from _family(int(child))


if __name__ == "__main__":
    main()
