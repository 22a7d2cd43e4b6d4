import json
import subprocess
import sys
from pathlib import Path

from command import SCMHOST, scmhost, scmhost_process

TRACE = b"""\
TypeError: x
    at total (/srv/app/shop.js:12:3)
    at /srv/app/index.js:4:1
	at com.acme.Shop.total(Shop.java)
"""


def test_a_machine_reads_the_frames() -> None:
    """The JSON has every field of every frame, null where it was not printed."""
    done = scmhost_process("frames", "--json", stdin=TRACE)
    frames = json.loads(done.out)["frames"]
    assert frames[0] == {
        "path": "/srv/app/shop.js",
        "line": 12,
        "column": 3,
        "function": "total",
        "module": None,
        "language": "javascript",
    }
    assert [frame["line"] for frame in frames] == [12, 4, None]


def test_a_person_reads_the_frames(tmp_path: Path) -> None:
    """Each frame stands in a line, and beside the answer how much was understood."""
    (tmp_path / "crash.txt").write_bytes(TRACE)
    done = scmhost("frames", tmp_path / "crash.txt")
    assert done.out.splitlines() == [
        "/srv/app/shop.js:12:3  total",
        "/srv/app/index.js:4:1",
        "Shop.java  com.acme.Shop total",
    ]
    assert done.err == "3 frames; 1 lines are of no trace.\n"


def test_a_long_text_is_read_in_part(tmp_path: Path) -> None:
    """Whoever reads the frames of a part is told so."""
    (tmp_path / "crash.txt").write_text(TRACE.decode() * 20_000, encoding="utf-8")
    assert "The rest of the text was not read." in scmhost("frames", tmp_path / "crash.txt").err


def test_a_file_that_is_not_there_is_named() -> None:
    """A wrong name is a wrong usage."""
    done = scmhost("frames", "nowhere.txt")
    assert (done.code, "nowhere.txt: No such file" in done.err) == (2, True)


def test_nothing_heavy_is_imported(tmp_path: Path) -> None:
    """Reading frames waits for neither a database nor a web framework."""
    (tmp_path / "crash.txt").write_bytes(TRACE)
    command = [sys.executable, "-X", "importtime", str(SCMHOST), "frames", str(tmp_path / "crash.txt")]
    imported = subprocess.run(command, check=True, capture_output=True, text=True).stderr
    assert "scmhost.frames" in imported
    assert [name for name in ("sqlalchemy", "fastapi", "pydantic", "pluggy") if name in imported] == []
