"""Columns of frames to columns of links, with the work done once for each file and not for each frame."""

from collections.abc import Mapping, Sequence
from threading import Lock
from typing import Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from scmhost.links.values import FrameQuery
from scmhost.mapping import FrameInfo
from scmhost.sdk.urls.plain_links import MAX_LINE

from .linker import FileByLine, PlainFile, SnapshotLinks

COLUMNS: Final = (
    "project",
    "filename",
    "abs_path",
    "module",
    "package",
    "platform",
    "sdk_name",
    "release",
    "commit",
)
"""The columns that decide which file a frame is in. A frame's line is in the column ``line``."""

ADDED: Final = (("url", pa.string()), ("reason", pa.string()), ("confidence", pa.string()))
"""The columns that are added: ``url``, or ``reason`` if there is none; and the link's ``confidence``."""

# Emptied as a whole: an order of use would cost every hit.
_MAX_FILES: Final = 200_000

Values = Mapping[str, pa.Array | str]
"""Columns by their names in ``COLUMNS``, or one value for all rows, and ``line``."""


class _DistinctFiles(NamedTuple):
    """The distinct files of a batch, each with the values of some columns, and the position of each row's file."""

    names: tuple[str, ...]
    files: Sequence[tuple[str | None, ...]]
    positions: pa.Array


class BatchLinker:
    """Links batches by a snapshot, and keeps the files that it has seen."""

    def __init__(self, links: SnapshotLinks) -> None:
        self._links = links
        self._names: tuple[str, ...] = ()
        self._known = _KnownFiles()
        # Engines may link batches in several threads.
        self._lock = Lock()

    def columns(self, values: Values, rows: int) -> list[pa.Array]:
        """Return the columns ``ADDED`` of rows of frames."""
        if not rows:
            return [pa.nulls(0, kind) for _, kind in ADDED]
        distinct = _distinct_files(values, rows)
        lines = _lines(values.get("line"), rows)
        with self._lock:
            positions, known = pa.array(self._positions(distinct), pa.int64()), self._known
        # Files that another thread adds meanwhile have positions after these.
        return known.links(positions.take(distinct.positions), lines)

    def _positions(self, distinct: _DistinctFiles) -> list[int]:
        """Return the positions of a batch's files among the known ones. New ones are added."""
        # Batches of another table may have other columns.
        if distinct.names != self._names or len(self._known.files) > _MAX_FILES:
            self._names, self._known = distinct.names, _KnownFiles()
        known = self._known.positions
        try:
            return [known[key] for key in distinct.files]
        except KeyError:
            new = [key for key in distinct.files if key not in known]
            self._known.add(new, [self._find(dict(zip(distinct.names, key, strict=True))) for key in new])
            return [known[key] for key in distinct.files]

    def _find(self, frame: Mapping[str, str | None]) -> PlainFile | FileByLine:
        info = FrameInfo(*(frame.get(name) for name in FrameInfo._fields))
        query = FrameQuery(info, commit=frame.get("commit") or None)
        return self._links.find(frame.get("project"), query, frame.get("release"))


def _lines(column: pa.Array | str | None, rows: int) -> pa.Array:
    if column is None or isinstance(column, str):
        return pa.nulls(rows, pa.int64())
    # Programs that have no nulls in columns of numbers write a missing line as "not a number".
    is_float = pa.types.is_floating(column.type)
    known = pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column) if is_float else column
    return known.cast(pa.int64())


class _KnownFiles:
    """Files, and the parts of their links as columns.

    Attributes:
        positions: the position of each file.
        files: the files.
    """

    def __init__(self) -> None:
        self.positions: dict[tuple[str | None, ...], int] = {}
        self.files: list[PlainFile | FileByLine] = []
        self._needs_line = pa.array([], pa.bool_())
        self._texts = [pa.array([], pa.string())] * 5

    def add(self, keys: Sequence[tuple[str | None, ...]], files: Sequence[PlainFile | FileByLine]) -> None:
        """Add files."""
        self.positions.update(zip(keys, range(len(self.files), len(self.files) + len(keys)), strict=True))
        self.files += files
        self._needs_line = pa.concat_arrays(
            [self._needs_line, pa.array([isinstance(file, FileByLine) for file in files])]
        )
        parts = zip(*map(_parts, files), strict=True)
        self._texts = [
            pa.concat_arrays([known, pa.array(new, pa.string())]) for known, new in zip(self._texts, parts, strict=True)
        ]

    def links(self, positions: pa.Array, lines: pa.Array) -> list[pa.Array]:
        """Return the columns ``ADDED`` of frames, by the positions of their files and by their lines."""
        page, head, tail, reason, confidence = (texts.take(positions) for texts in self._texts)
        has_line = pc.and_(pc.greater_equal(lines, 1), pc.less_equal(lines, MAX_LINE)).fill_null(fill_value=False)
        url = pc.if_else(has_line, pc.binary_join_element_wise(head, lines.cast(pa.string()), tail, ""), page)
        needs_line = self._needs_line.take(positions)
        columns = [url, reason, confidence]
        return self._with_links_by_line(columns, needs_line, positions, lines) if needs_line.true_count else columns

    def _with_links_by_line(
        self, columns: Sequence[pa.Array], needs_line: pa.Array, positions: pa.Array, lines: pa.Array
    ) -> list[pa.Array]:
        """Return the columns with the links of the files that need their line."""
        links: dict[tuple[int, int | None], tuple[str | None, ...]] = {}
        rows = []
        for key in zip(positions.filter(needs_line).to_pylist(), lines.filter(needs_line).to_pylist(), strict=True):
            if key not in links:
                links[key] = self.files[key[0]].at(key[1])
            rows.append(links[key])
        return [
            pc.replace_with_mask(column, needs_line, pa.array(texts, pa.string()))
            for column, texts in zip(columns, zip(*rows, strict=True), strict=True)
        ]


def _parts(file: PlainFile | FileByLine) -> tuple[str | None, ...]:
    """Return the page, the texts before and after a line, reason and confidence; all None for a ``FileByLine``."""
    if isinstance(file, FileByLine) or file.page is None:
        return (None, None, None, None if isinstance(file, FileByLine) else file.reason, None)
    return (file.page, file.page + file.before_line, file.after_line, None, file.confidence)


def _distinct_files(values: Values, rows: int) -> _DistinctFiles:
    """Return the distinct combinations of the columns' values."""
    positions, count = _zeros(rows), 1
    # For each combination so far, the position of its value in each dictionary.
    parts: list[pa.Array] = []
    dictionaries: list[Sequence[str | None]] = []
    names = tuple(name for name in COLUMNS if name in values)
    for name in names:
        column = values[name]
        if isinstance(column, str):
            dictionaries.append([column])
            parts.append(_zeros(count))
            continue
        encoded = column.cast(pa.string()).dictionary_encode("encode")
        size = len(encoded.dictionary)
        # Two positions as one number. It is encoded again, so that numbers stay below the square of the rows.
        both = pc.add(pc.multiply(positions, size), encoded.indices.cast(pa.int64())).dictionary_encode()
        outer = pc.divide(both.dictionary, size)
        parts = [part.take(outer) for part in parts]
        parts.append(pc.subtract(both.dictionary, pc.multiply(outer, size)))
        dictionaries.append(encoded.dictionary.to_pylist())
        positions, count = both.indices.cast(pa.int64()), len(both.dictionary)
    columns = (map(texts.__getitem__, part.to_pylist()) for part, texts in zip(parts, dictionaries, strict=True))
    return _DistinctFiles(names, list(zip(*columns, strict=True)), positions)


def _zeros(count: int) -> pa.Array:
    return pa.nulls(count, pa.int64()).fill_null(0)
