"""Columns of frames to columns of links, with the work done once for each file and not for each frame."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from scmhost.links.values import FrameQuery
from scmhost.mapping import FrameInfo
from scmhost.sdk.urls.plain_links import MAX_LINE

from .linker import OddFile, PlainFile, SnapshotLinks

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

FileKey = tuple[str | None, ...]
"""The values of ``COLUMNS``."""


class _Files(NamedTuple):
    """The different files of a batch, and the position of each row's file among them."""

    different: Sequence[FileKey]
    positions: pa.Array


class BatchLinker:
    """Links batches by a snapshot, and keeps the files that it has seen."""

    def __init__(self, links: SnapshotLinks) -> None:
        self._links = links
        self._known: dict[FileKey, PlainFile | OddFile] = {}

    def columns(self, values: Mapping[str, pa.Array | str], rows: int) -> list[pa.Array]:
        """Return the columns ``ADDED`` of rows of frames.

        Args:
            values: columns by their names in ``COLUMNS``, or one value for all rows, and ``line``.
            rows: the number of rows.
        """
        files = _files_of(values, rows)
        found = [self._find(key) for key in files.different] if rows else []
        lines = values.get("line")
        lines = pa.nulls(rows, pa.int64()) if lines is None or isinstance(lines, str) else lines.cast(pa.int64())
        columns = _plain_columns(found, files.positions, lines)
        odd = [isinstance(file, OddFile) for file in found]
        return _with_odd(columns, found, odd, files.positions, lines) if any(odd) else columns

    def _find(self, key: FileKey) -> PlainFile | OddFile:
        file = self._known.get(key)
        if file is None:
            if len(self._known) >= _MAX_FILES:
                self._known.clear()
            project, filename, abs_path, module, package, platform, sdk_name, release, commit = key
            info = FrameInfo(filename, module, abs_path, package, platform, sdk_name)
            file = self._known[key] = self._links.find(project, FrameQuery(info, commit=commit or None), release)
        return file


def _files_of(values: Mapping[str, pa.Array | str], rows: int) -> _Files:
    """Return the different combinations of the columns' values."""
    positions, count = _zeros(rows), 1
    # For each combination so far, the position of its value in each dictionary.
    parts: list[pa.Array] = []
    dictionaries: list[Sequence[str | None]] = []
    for name in COLUMNS:
        column = values.get(name)
        if column is None or isinstance(column, str):
            dictionaries.append([column])
            parts.append(_zeros(count))
            continue
        encoded = column.cast(pa.string()).dictionary_encode("encode")
        size = max(len(encoded.dictionary), 1)
        # Two positions as one number. It is encoded again, so that numbers stay below the square of the rows.
        both = pc.add(pc.multiply(positions, size), encoded.indices.cast(pa.int64())).dictionary_encode()
        outer = pc.divide(both.dictionary, size)
        parts = [part.take(outer) for part in parts]
        parts.append(pc.subtract(both.dictionary, pc.multiply(outer, size)))
        dictionaries.append(encoded.dictionary.to_pylist())
        positions, count = both.indices.cast(pa.int64()), len(both.dictionary)
    columns = ([texts[at] for at in part.to_pylist()] for part, texts in zip(parts, dictionaries, strict=True))
    return _Files(list(zip(*columns, strict=True)), positions)


def _zeros(count: int) -> pa.Array:
    return pa.nulls(count, pa.int64()).fill_null(0)


def _plain_columns(found: Sequence[PlainFile | OddFile], positions: pa.Array, lines: pa.Array) -> list[pa.Array]:
    """Return the columns of files whose links differ only in the line."""
    plain = [file if isinstance(file, PlainFile) else _NONE for file in found]

    def of_rows(texts: Sequence[str | None]) -> pa.Array:
        return pa.array(texts, pa.string()).take(positions)

    pages = [file.page for file in plain]
    heads = [None if file.page is None else file.page + file.before_line for file in plain]
    with_line = pc.binary_join_element_wise(
        of_rows(heads), lines.cast(pa.string()), of_rows([file.after_line for file in plain]), ""
    )
    has_line = pc.and_(pc.greater_equal(lines, 1), pc.less_equal(lines, MAX_LINE)).fill_null(fill_value=False)
    return [
        pc.if_else(has_line, with_line, of_rows(pages)),
        of_rows([file.reason for file in plain]),
        of_rows([file.confidence for file in plain]),
    ]


_NONE: Final = PlainFile(None)


def _with_odd(
    columns: Sequence[pa.Array],
    found: Sequence[PlainFile | OddFile],
    odd: Sequence[bool],
    positions: pa.Array,
    lines: pa.Array,
) -> list[pa.Array]:
    """Return the columns with the links of the files that need their line."""
    mask = pa.array(odd, pa.bool_()).take(positions)
    links = {}
    rows = []
    for key in zip(positions.filter(mask).to_pylist(), lines.filter(mask).to_pylist(), strict=True):
        if key not in links:
            links[key] = found[key[0]].at(key[1])
        rows.append(links[key])
    return [
        pc.replace_with_mask(column, mask, pa.array(texts, pa.string()))
        for column, texts in zip(columns, zip(*rows, strict=True), strict=True)
    ]
