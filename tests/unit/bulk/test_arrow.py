"""Record batches of frames in, batches with links out."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from command import scmhost
from scmhost.arrow import LinkBatches, link_batches, relink_parquet
from scmhost.bulk import arrow_batches
from scmhost.bulk.snapshot import HookedRepository, SnapshotRepository, SnapshotWriter
from scmhost.infra.errors import InvalidInput, NotFound
from scmhost.sdk import preset

URL = "https://git.example.com/acme/shop/blob/main/src/cart.py"
FRAMES: dict[str, list[Any]] = {
    "id": [1, 2, 3],
    "filename": ["/srv/cart.py", "/usr/lib/x.py", "/srv/cart.py"],
    "line": [7, 7, None],
}
LINKS = [(f"{URL}#L7", None, "medium"), (None, "stack_root_mismatch", None), (URL, None, "medium")]


def write_snapshot(file: Path, repository: SnapshotRepository | None = None) -> Path:
    """Write a snapshot with a mapping of ``/srv/`` to ``src/`` in the project ``shop``."""
    known = SnapshotRepository(3, templates=0, url="https://git.example.com/acme/shop")
    with SnapshotWriter() as writer, file.open("wb") as out:
        writer.add("project", 7, "shop")
        writer.add("mappings", 7, [(1, 3, "/srv/", "src/", "main", False, None)])
        writer.add("templates", 0, preset("github").pages.model_dump(mode="json"))
        writer.add_repository(repository or known)
        writer.finish(out, "acme", "2026-01-01T00:00:00+00:00", with_files=True)
    return file


@pytest.fixture
def snapshot(tmp_path: Path) -> Path:
    """A snapshot of one project."""
    return write_snapshot(tmp_path / "links.snapshot")


def linked(link: LinkBatches, *tables: pa.Table) -> list[dict[str, Any]]:
    """The rows that come out."""
    return [row for table in tables for batch in link(table.to_batches()) for row in batch.to_pylist()]


def links_of(rows: list[dict[str, Any]]) -> list[tuple[str | None, ...]]:
    return [(row["url"], row["reason"], row["confidence"]) for row in rows]


def test_links_are_added_as_columns(snapshot: Path) -> None:
    """A link, or its reason; other columns stay, and those of an earlier run are replaced."""
    link = link_batches(snapshot, project="shop")
    rows = linked(link, pa.table({"url": ["old"] * 3, **FRAMES}))
    assert list(rows[0]) == ["id", "filename", "line", "url", "reason", "confidence"]
    assert [row["id"] for row in rows] == FRAMES["id"]
    assert links_of(rows) == LINKS


@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())], ids=str
)
def test_texts_of_any_type(snapshot: Path, kind: pa.DataType) -> None:
    """Engines have several types for texts, and small ones for numbers."""
    table = pa.table(
        {"filename": pa.array(FRAMES["filename"]).cast(kind), "line": pa.array(FRAMES["line"], pa.int16())}
    )
    assert links_of(linked(link_batches(snapshot, project="shop"), table)) == LINKS


def test_project_is_a_column_or_the_same_for_all(snapshot: Path) -> None:
    """A project is named by its slug or id; an unknown one has no code mappings."""
    table = pa.table({"app": ["shop", "7", "other", None], "path": ["/srv/cart.py"] * 4})
    rows = linked(link_batches(snapshot, columns={"project": "app", "filename": "path"}), table)
    unknown = (None, "no_code_mappings_for_project", None)
    assert links_of(rows) == [LINKS[2], LINKS[2], unknown, unknown]


def test_batches_of_several_tables(snapshot: Path) -> None:
    """A function links batches with other columns, empty ones, and those of a copy of it."""
    link = link_batches(snapshot, project="shop")
    tables = [pa.table(FRAMES), pa.table(FRAMES).slice(0, 0), pa.table({"filename": ["/srv/cart.py"]})]
    assert links_of(linked(link, *tables)) == [*LINKS, LINKS[2]]
    assert links_of(linked(deepcopy(link), pa.table(FRAMES))) == LINKS
    empty = pa.RecordBatch.from_pylist([], schema=pa.table(FRAMES).schema)
    assert [batch.schema for batch in link([empty])] == [link.schema(empty.schema)]


def test_known_files_are_bounded(snapshot: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Links stay the same when the known files are forgotten."""
    monkeypatch.setattr(arrow_batches, "_MAX_FILES", 1)
    link = link_batches(snapshot, project="shop")
    assert links_of(linked(link, pa.table(FRAMES), pa.table(FRAMES))) == LINKS * 2


@pytest.mark.parametrize(
    ("table", "options", "message"),
    [
        ({"filename": ["a"]}, {}, "the frames have no column 'project'"),
        ({"file": ["a"]}, {"project": "shop"}, "the frames have no column 'filename'"),
        ({"filename": [[1]]}, {"project": "shop"}, "a column of the frames has no texts"),
        ({"filename": ["a"], "line": ["x"]}, {"project": "shop"}, "a column of the frames has no texts"),
        ({"filename": ["a"]}, {"columns": {"file": "filename"}}, "a frame has no column 'file'"),
    ],
)
def test_other_columns_are_refused(snapshot: Path, table: Any, options: Any, message: str) -> None:
    """A column that is missing or has another type is named."""
    with pytest.raises(InvalidInput, match=message):
        linked(link_batches(snapshot, **options), pa.table(table))


def test_plugin_that_is_not_here_is_a_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A repository whose plugin builds each link itself has no links where the plugin is not enabled."""
    monkeypatch.chdir(tmp_path)
    organization = {"id": 1, "slug": "acme", "name": "Acme"}
    installation = {"id": 2, "organization_id": 1, "provider": "rare", "name": "Rare", "external_id": "1"}
    repository = {"id": 3, "organization_id": 1, "name": "shop", "created_at": "2026-01-01T00:00:00Z"}
    hooked = SnapshotRepository(3, hooked=HookedRepository(organization, installation, repository))
    link = link_batches(write_snapshot(tmp_path / "links.snapshot", hooked), project="shop")
    assert links_of(linked(link, pa.table(FRAMES)))[0] == (None, "provider_off", None)


def test_snapshot_is_read_again_after_a_change(snapshot: Path) -> None:
    """A snapshot that is written again is used from the next call on; a missing one is an error."""
    link = link_batches(snapshot, project="shop")
    assert links_of(linked(link, pa.table(FRAMES)))[0] == LINKS[0]
    write_snapshot(snapshot, SnapshotRepository(3, refused="repository_inactive"))
    assert links_of(linked(link, pa.table(FRAMES)))[0] == (None, "repository_inactive", None)
    snapshot.unlink()
    with pytest.raises(NotFound, match="cannot be read"):
        linked(link, pa.table(FRAMES))


def test_relink_adds_links_to_a_parquet_file(snapshot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command writes another file, with the rows in their order, and prints the reasons."""
    monkeypatch.chdir(tmp_path)
    pq.write_table(pa.table(FRAMES), "frames.parquet")
    done = scmhost("relink", "frames.parquet", "--project", "shop")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == ["frames.links.parquet: 2 of 3 frames have a link.", "  1 stack_root_mismatch"]
    rows = pq.read_table("frames.links.parquet").to_pylist()
    assert [row["id"] for row in rows] == FRAMES["id"]
    assert links_of(rows) == LINKS
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("frames.links.parquet", "frames.parquet", "links.snapshot")
    ]


def test_relink_replaces_only_by_force(snapshot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that exists stays as it is without --force."""
    monkeypatch.chdir(tmp_path)
    pq.write_table(pa.table({**FRAMES, "path": FRAMES["filename"]}).drop(["filename"]), "frames.parquet")
    Path("out.parquet").write_text("mine", encoding="utf-8")
    words = ["relink", "frames.parquet", "--project", "shop", "--column", "filename=path", "--out", "out.parquet"]
    done = scmhost(*words)
    assert (done.code, done.out) == (2, "")
    assert "out.parquet exists; name another file, or replace it with --force" in done.err
    assert Path("out.parquet").read_text(encoding="utf-8") == "mine"
    assert scmhost(*words, "--force", "--json").code == 0
    assert links_of(pq.read_table("out.parquet").to_pylist()) == LINKS


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "the frames have no column 'project'"),
        (["--project", "shop", "--snapshot", "none"], "none cannot be read"),
        (["--project", "shop", "--snapshot", "frames.parquet"], "frames.parquet is no snapshot"),
        (["--column", "filename"], "'filename' is not NAME=COLUMN"),
        (["--column", "file=filename"], "a frame has no column 'file'"),
    ],
)
def test_relink_refuses_in_one_line(
    snapshot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], message: str
) -> None:
    """An error leaves no file behind."""
    monkeypatch.chdir(tmp_path)
    pq.write_table(pa.table(FRAMES), "frames.parquet")
    done = scmhost("relink", "frames.parquet", *words)
    assert done.code in (1, 2)
    assert message in done.err.splitlines()[-1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["frames.parquet", "links.snapshot"]


def test_a_file_of_another_kind_is_refused(snapshot: Path, tmp_path: Path) -> None:
    """A file that is no Parquet file is named."""
    done = scmhost("relink", snapshot, "--snapshot", snapshot, "--project", "shop")
    assert (done.code, done.err) == (1, f"error: {snapshot} is no Parquet file\n")
    with pytest.raises(InvalidInput, match="cannot be linked"):
        relink_parquet(snapshot, tmp_path / "out.parquet", link_batches(snapshot, project="shop"))
