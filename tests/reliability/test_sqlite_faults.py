"""SQLite's file is damaged, cut, removed, replaced, read-only or cannot grow: each is noticed, in one sentence."""

import os
import resource
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from api import ApiClient, commit, open_api
from command import scmhost
from reliability.figures import FIGURES
from scmhost.infra.db import sqlite


def damage(file: Path) -> None:
    """Overwrite the middle of the file, in place."""
    size = file.stat().st_size
    with file.open("rb+") as opened:
        opened.seek(4096)
        opened.write(b"\xa5" * (size - 4096))


def overwrite(file: Path) -> None:
    """Overwrite all of the file, in place."""
    with file.open("rb+") as opened:
        opened.write(b"not a database " * 1_000)


def cut(file: Path) -> None:
    """Cut the file in the middle."""
    os.truncate(file, file.stat().st_size // 2 // 4096 * 4096)


def empty(file: Path) -> None:
    """Cut all of the file."""
    os.truncate(file, 0)


def replace(file: Path) -> None:
    """Put a copy in the place of the file."""
    shutil.copy(file, file.with_suffix(".copy"))
    file.with_suffix(".copy").replace(file)


def checkpoint(file: Path) -> None:
    """Write the log into the file, so that reads need the file."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


FAULTS: dict[Callable[[Path], None], str] = {
    damage: "damaged",
    overwrite: "damaged",
    cut: "damaged",
    empty: "the file was emptied while it was in use",
    Path.unlink: "the file was removed while it was in use",
    replace: "the file was replaced while it was in use",
}


@pytest.fixture
def api(tmp_path: Path) -> Iterator[ApiClient]:
    """A service without background work, with some commits."""
    with open_api(tmp_path, background=False) as opened:
        many = [commit(f"{number:040}", message="x" * 2_000) for number in range(100)]
        assert opened.post("commits/", {"commits": many}).status_code == 200
        yield opened


def write(api: ApiClient, number: int = 1) -> Any:
    """Send a commit that is not stored yet."""
    return api.post("commits/", {"commits": [commit(f"{number:08}".rjust(40, "f"))]})


def refusal(answer: Any) -> str:
    """Return the sentence of a refusal, which may be repeated later and names no path."""
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5"), answer.text
    sentence: str = answer.json()["detail"]
    assert "test.db" not in sentence
    assert sentence.count(". ") == 0
    return sentence


@pytest.mark.parametrize(("fault", "seen"), FAULTS.items(), ids=[each.__name__ for each in FAULTS])
def test_what_happens_to_the_file_is_noticed(api: ApiClient, fault: Callable[[Path], None], seen: str) -> None:
    """Requests and readiness are refused with the same sentence; the log has no traceback; commands say it too."""
    file = api.services.store.file
    assert file is not None
    checkpoint(file)
    # Connections that have read the pages already would not notice.
    if seen == "damaged":
        api.services.store.close()
    fault(file)
    with capture_logs() as logs:
        assert seen in refusal(write(api))
        assert seen in refusal(api.call("GET", "/readyz"))
        assert seen in refusal(api.get("releases/"))
    assert [line for line in logs if "exc_info" in line] == []
    assert api.call("GET", "/healthz").status_code == 200
    if file.exists() and file.stat().st_size and fault is not replace:
        done = scmhost("token", "list", "--config", file.parent / "plugins.toml", "--database-url", f"sqlite:///{file}")
        assert (done.code, done.out, done.err.count("\n"), done.err[:16]) == (1, "", 1, "error: Database ")
    FIGURES.add(f"SQLite file: {fault.__name__}", 1, f"503, “{seen}”")


def test_a_file_that_comes_back_is_used_again(api: ApiClient, tmp_path: Path) -> None:
    """Nothing is written while the file is away, and nothing needs a restart."""
    file = tmp_path / "test.db"
    file.rename(tmp_path / "away.db")
    assert "removed" in refusal(write(api))
    assert not file.exists()
    (tmp_path / "away.db").rename(file)
    assert api.call("GET", "/readyz").status_code == 200
    assert write(api).status_code == 200


@contextmanager
def no_space(api: ApiClient) -> Iterator[None]:
    """Let no file of this process grow: as on a full disk, and for root too."""
    file = api.services.store.file
    assert file is not None
    largest = max(Path(f"{file}{end}").stat().st_size for end in ("", "-wal"))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def many_commits() -> list[dict[str, Any]]:
    """Return commits that do not fit into what is left."""
    return [commit(f"{number:040x}", message="x" * 5_000) for number in range(1_000, 1_200)]


def test_a_file_that_cannot_grow(api: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Writes are refused and readiness too; reads are answered; afterwards all works without a restart."""
    with no_space(api):
        assert "disk is full" in refusal(api.post("commits/", {"commits": many_commits()}))
        assert "full or read-only a moment ago" in refusal(api.call("GET", "/readyz"))
        assert api.get("releases/").status_code == 200
    monkeypatch.setattr(sqlite, "_CHECK_AGAIN_SECONDS", 0.0)
    assert api.call("GET", "/readyz").status_code == 200
    assert api.post("commits/", {"commits": many_commits()}).status_code == 200
    FIGURES.add("SQLite file cannot grow (RLIMIT_FSIZE)", 1, "503 for writes, reads answered, recovers")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of four megabytes, where the tests may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("only root may mount a file system")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def fill(file: Path) -> None:
    """Write a file until the disk is full."""
    with file.open("wb", buffering=0) as filler:
        while filler.write(b"x" * 4096):
            pass


def test_a_full_disk(disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another program fills the disk, and makes place again."""
    monkeypatch.setattr(sqlite, "_CHECK_AGAIN_SECONDS", 0.0)
    with open_api(disk, background=False) as api:
        assert write(api).status_code == 200
        with pytest.raises(OSError, match="No space"):
            fill(disk / "filler")
        assert "its disk is full" in refusal(api.call("GET", "/readyz"))
        assert "disk is full" in refusal(api.post("commits/", {"commits": many_commits()}))
        (disk / "filler").unlink()
        assert api.call("GET", "/readyz").status_code == 200
        assert api.post("commits/", {"commits": many_commits()}).status_code == 200
    FIGURES.add("SQLite on a full disk (tmpfs of 4 MB)", 1, "503 for writes, recovers when there is space")


def test_a_read_only_disk(disk: Path) -> None:
    """The disk was mounted read-only, as after an error of its hardware."""
    with open_api(disk, background=False) as api:
        assert write(api).status_code == 200
        api.services.store.close()
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        with capture_logs() as logs:
            assert "may not be read or written" in refusal(write(api, 2))
            assert "read-only" in refusal(api.call("GET", "/readyz"))
        assert [line for line in logs if "exc_info" in line] == []
        options = ["--config", disk / "plugins.toml", "--database-url", f"sqlite:///{disk}/test.db"]
        done = scmhost("projects", "add", "api", *options)
        assert (done.code, done.err.count("\n"), "may not be read or written" in done.err) == (1, 1, True)
        subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
        assert write(api, 3).status_code == 200
    FIGURES.add("SQLite on a read-only disk (tmpfs)", 1, "503, recovers when it may be written")


def test_a_file_without_rights(api: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """The user of the service may not write the file or its folder; readiness says so before a request fails."""
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert "read-only" in refusal(api.call("GET", "/readyz"))


def test_damage_is_noticed_before_a_request_reads_it(api: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections that are open have read the first page; a check reads it again. Then nothing is written any more."""
    file = api.services.store.file
    assert file is not None
    checkpoint(file)
    assert write(api, 1).status_code == 200
    checkpoint(file)
    good = file.read_bytes()
    overwrite(file)
    assert "damaged" in refusal(api.call("GET", "/readyz"))
    assert "damaged" in refusal(write(api, 2))
    file.write_bytes(good)
    assert "damaged" in refusal(write(api, 3))
    monkeypatch.setattr(sqlite, "_CHECK_AGAIN_SECONDS", 0.0)
    assert write(api, 4).status_code == 200
