"""Links of stored frames as Arrow record batches, for DuckDB, Spark and any other engine. Needs ``scmhost[arrow]``.

Example::

    link = link_batches("links.snapshot", project="shop")
    for batch in link(pyarrow.parquet.ParquetFile("frames.parquet").iter_batches()):
        ...
"""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from scmhost.bulk.arrow_batches import ADDED, COLUMNS, BatchLinker
from scmhost.bulk.linker import SnapshotLinks
from scmhost.bulk.snapshot import read_snapshot
from scmhost.infra.errors import InvalidInput, NotFound

__all__ = ["LinkBatches", "count_rows", "link_batches", "relink_parquet"]

# Of different snapshots, of which a process rarely has more than one.
_MAX_SNAPSHOTS: Final = 4
_BATCH: Final = 65_536


class LinkBatches:
    """Adds links to record batches; made by ``link_batches``. It can be pickled, and reads the snapshot when called."""

    def __init__(self, snapshot: Path, columns: Mapping[str, str], project: str | None, config: str | None) -> None:
        self._snapshot = snapshot
        self._columns = dict(columns)
        self._project = project
        self._config = config

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield each batch with the columns ``url``, ``reason`` and ``confidence``.

        Raises:
            InvalidInput: a batch has no column of frames, or one of another type; or the snapshot is damaged.
            NotFound: there is no such snapshot.
        """
        linker = _linker(self._snapshot, _version_of(self._snapshot), self._config)
        for batch in batches:
            try:
                columns = linker.columns(self._columns_of(batch), batch.num_rows)
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
                raise InvalidInput(f"a column of the frames has no texts, or no numbers in lines: {error}") from error
            yield pa.RecordBatch.from_arrays([*_kept(batch), *columns], schema=self.schema(batch.schema))

    def check(self, schema: pa.Schema) -> None:
        """Check that batches of a schema are frames, and that the snapshot can be read.

        Raises:
            InvalidInput: a column is missing or has another type, or the snapshot is damaged.
            NotFound: there is no such snapshot.
        """
        for _ in self(schema.empty_table().to_batches() or [pa.RecordBatch.from_pylist([], schema=schema)]):
            pass

    def schema(self, schema: pa.Schema) -> pa.Schema:
        """Return the schema of the batches that come out, by that of those that go in."""
        added = {name for name, _ in ADDED}
        return pa.schema([*(field for field in schema if field.name not in added), *(pa.field(*new) for new in ADDED)])

    def _columns_of(self, batch: pa.RecordBatch) -> dict[str, pa.Array | str]:
        names = {name: self._columns.get(name, name) for name in (*COLUMNS, "line")}
        present = set(batch.schema.names)
        values: dict[str, pa.Array | str] = {
            name: batch.column(column) for name, column in names.items() if column in present
        }
        if self._project is not None:
            values["project"] = self._project
        if "project" not in values:
            raise InvalidInput(
                f"the frames have no column {names['project']!r}; name a project for all of them instead"
            )
        if values.keys().isdisjoint({"filename", "abs_path", "module"}):
            raise InvalidInput(
                f"the frames have no column {names['filename']!r}; name the column of their paths instead"
            )
        return values


def link_batches(
    snapshot: str | os.PathLike[str],
    *,
    columns: Mapping[str, str] | None = None,
    project: str | None = None,
    config: str | None = None,
) -> LinkBatches:
    """Return a function that adds the columns ``url``, ``reason`` and ``confidence`` to record batches of frames.

    A frame has the columns ``project``, ``filename``, ``line``, ``abs_path``, ``module``, ``package``, ``platform``,
    ``sdk_name``, ``release`` and ``commit``, of which one that is missing counts as null. Columns of these three names
    are replaced, and all others are kept.

    Args:
        snapshot: the file that ``scmhost export-links`` wrote.
        columns: the names of a frame's columns in the batches, where they differ: ``{"filename": "path"}``.
        project: the project of all frames, by its slug or id.
        config: the plugins.toml for plugins that build each link themselves (default: that of the folder).
    """
    unknown = sorted((columns or {}).keys() - {*COLUMNS, "line"})
    if unknown:
        raise InvalidInput(f"a frame has no column {unknown[0]!r}; it has {', '.join(COLUMNS)} and line")
    return LinkBatches(Path(snapshot), columns or {}, project, config)


def _kept(batch: pa.RecordBatch) -> list[pa.Array]:
    added = {name for name, _ in ADDED}
    return [batch.column(at) for at, name in enumerate(batch.schema.names) if name not in added]


def _version_of(snapshot: Path) -> tuple[int, int]:
    """Return what changes when a snapshot is written again."""
    try:
        stat = snapshot.stat()
    except OSError as error:
        raise NotFound(f"{snapshot} cannot be read: {error.strerror}") from error
    return stat.st_mtime_ns, stat.st_size


@lru_cache(_MAX_SNAPSHOTS)
def _linker(snapshot: Path, _version: tuple[int, int], config: str | None) -> BatchLinker:
    """Return the links of a snapshot, which a process reads once."""
    read = read_snapshot(snapshot)
    if all(repository.hooked is None for repository in read.repositories.values()):
        return BatchLinker(SnapshotLinks(read))
    # These plugins run in the plugin host, which the light install does not have.
    try:
        from scmhost.bulk.plugin_pages import open_plugin_pages  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise InvalidInput(
            f"a plugin of {snapshot} builds each link itself, which needs it and the package {error.name!r} here: "
            'pip install "scmhost[server]"'
        ) from error
    return BatchLinker(SnapshotLinks(read, open_plugin_pages(config)))


def count_rows(file: Path) -> int:
    """Return the number of rows of a Parquet file.

    Raises:
        InvalidInput: it is no Parquet file.
    """
    try:
        return int(pq.read_metadata(file).num_rows)
    except pa.ArrowInvalid as error:
        raise InvalidInput(f"{file} is no Parquet file") from error


def relink_parquet(
    file: Path, out: Path, link: LinkBatches, advance: Callable[[int], object] = lambda _rows: None
) -> Counter[str]:
    """Write the rows of a Parquet file with their links to another one, which appears when it is complete.

    Args:
        file: the frames.
        out: the file to write; one that exists is replaced.
        link: from ``link_batches``.
        advance: is called with the number of rows of each batch.

    Returns:
        The number of frames by the reason why they have no link; the empty text stands for those that have one.

    Raises:
        InvalidInput: the file has no column of frames, or cannot be read, or the snapshot is damaged.
        NotFound: there is no such snapshot.
    """
    import duckdb  # noqa: PLC0415 - the other functions do not need it

    counts: Counter[str] = Counter()

    def linked(reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
        for batch in link(reader):
            reasons = batch.column("reason").fill_null("").value_counts()
            counts.update({str(each["values"]): each["counts"].as_py() for each in reasons})
            advance(batch.num_rows)
            yield batch

    partial = out.with_name(f"{out.name}.{os.getpid()}.part")
    try:
        with duckdb.connect() as connection:
            # A connection has one open result: the frames that are read.
            reader = connection.cursor().read_parquet(str(file)).to_arrow_reader(_BATCH)
            link.check(reader.schema)
            batches = pa.RecordBatchReader.from_batches(link.schema(reader.schema), linked(reader))
            connection.from_arrow(batches).write_parquet(str(partial))
        partial.replace(out)
    except (duckdb.Error, OSError) as error:
        raise InvalidInput(f"{file} cannot be linked: {str(error).splitlines()[0]}") from error
    finally:
        partial.unlink(missing_ok=True)
    return counts
