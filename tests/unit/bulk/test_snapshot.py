"""The snapshot file: it is read as it was written, or refused."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from scmhost.bulk.snapshot import VERSION, SnapshotRepository, SnapshotWriter, read_snapshot
from scmhost.infra.errors import InvalidInput, NotFound


def snapshot() -> bytes:
    """A snapshot with a project, a mapping and a repository."""
    out = io.BytesIO()
    with SnapshotWriter() as writer:
        writer.add("project", 7, "shop")
        writer.add("mappings", 7, [(1, 3, "/srv/", "", "main", False, None)])
        writer.add("commits", 3, ["a" * 40])
        writer.add("files", 3, [("x.py", 0, 1)])
        writer.add_repository(SnapshotRepository(3, branch=("main", "branch")))
        writer.finish(out, "acme", "2026-01-01T00:00:00+00:00", with_files=True)
    return out.getvalue()


def test_snapshot_is_read_as_it_was_written(tmp_path: Path) -> None:
    """The header has the organization and the number of its rows; projects are found by slug and by id."""
    file = tmp_path / "links.snapshot"
    file.write_bytes(snapshot())
    read = read_snapshot(file)
    assert read.header.organization == "acme"
    assert {name: number for name, number in read.header.counts.items() if number} == {
        "projects": 1,
        "mappings": 1,
        "commits": 1,
        "files": 1,
        "repositories": 1,
    }
    assert read.projects == {"shop": 7, "7": 7}
    assert read.mappings[7][0].stack_root == "/srv/"
    assert read.repositories[3] == SnapshotRepository(3, branch=("main", "branch"))
    assert (read.commits, read.files) == ({3: ["a" * 40]}, {3: {"x.py": 1}})


def _with_version(content: bytes) -> bytes:
    head, _, rest = content.partition(b"\n")
    return json.dumps({**json.loads(head), "version": VERSION + 1}).encode() + b"\n" + rest


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: b"", "is no snapshot"),
        (lambda content: b"{}\n" + content, "is no snapshot"),
        (lambda content: b"[1]\n" + content, "is no snapshot"),
        (lambda content: b"PAR1\xff\xfe", "is no snapshot"),
        (_with_version, f"has version {VERSION + 1} of the snapshot format"),
        (lambda content: content[:-1], "is damaged"),
        (lambda content: content[: len(content) * 2 // 3], "is damaged"),
        (lambda content: content.replace(b"/srv/", b"/opt/"), "is damaged"),
        (lambda content: content.replace(b'"counts"', b'"counted"'), "is damaged"),
        (lambda content: content.replace(b'["mappings",7', b'["mappings","7"'), "is damaged"),
        (lambda content: content + b'["other"]\n', "is damaged"),
    ],
)
def test_other_content_is_refused(tmp_path: Path, change: Callable[[bytes], bytes], message: str) -> None:
    """A file of another kind or version, and one that was cut or changed, is refused in one sentence."""
    file = tmp_path / "links.snapshot"
    file.write_bytes(change(snapshot()))
    with pytest.raises(InvalidInput, match=message) as refused:
        read_snapshot(file)
    assert str(file) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_missing_file_is_an_error(tmp_path: Path) -> None:
    """A snapshot that does not exist is named."""
    with pytest.raises(NotFound, match=r"none\.snapshot cannot be read: No such file"):
        read_snapshot(tmp_path / "none.snapshot")
