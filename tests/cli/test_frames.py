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


def test_frames_are_printed_as_json() -> None:
    """The JSON has every field of every frame; fields that are not printed are null."""
    done = scmhost_process("frames", "--json", stdin=TRACE)
    frames = json.loads(done.out)["frames"]
    assert frames[0] == {
        "path": "/srv/app/shop.js",
        "line": 12,
        "column": 3,
        "function": "total",
        "module": None,
        "language": "javascript",
        "kind": "frame",
        "message": None,
    }
    assert [frame["line"] for frame in frames] == [12, 4, None]


def test_frames_are_printed_as_text(tmp_path: Path) -> None:
    """Each frame is one line; the summary is on standard error."""
    (tmp_path / "crash.txt").write_bytes(TRACE)
    done = scmhost("frames", tmp_path / "crash.txt")
    assert done.out.splitlines() == [
        "/srv/app/shop.js:12:3  total",
        "/srv/app/index.js:4:1",
        "Shop.java  com.acme.Shop total",
    ]
    assert done.err == "3 frames; 1 lines belong to no trace.\n"


def test_diagnostics_are_printed_with_their_messages() -> None:
    """A place of a compiler or a linter is marked, and its message follows."""
    text = TRACE + b"src/cart.py:12:5: F821 Undefined name\nmake: *** [Makefile:3: all]\nSee src/cart.py:3 there\n"
    done = scmhost_process("frames", stdin=text)
    assert done.out.splitlines()[3:] == [
        "src/cart.py:12:5  diagnostic: F821 Undefined name",
        "Makefile:3  diagnostic: all]",
        "src/cart.py:3  diagnostic",
    ]
    assert done.err == "3 frames, 3 diagnostics; 1 lines have neither.\n"
    (diagnostic,) = json.loads(scmhost_process("frames", "--json", stdin=b"cart.c:12: error: x").out)["frames"]
    assert (diagnostic["kind"], diagnostic["message"]) == ("diagnostic", "error: x")


def test_truncated_text_is_reported(tmp_path: Path) -> None:
    """A text that is too long is read in part, and the summary reports it."""
    (tmp_path / "crash.txt").write_text(TRACE.decode() * 20_000, encoding="utf-8")
    assert "The rest of the text was not read." in scmhost("frames", tmp_path / "crash.txt").err


def test_missing_file_is_wrong_usage() -> None:
    """The error has the name of the missing file."""
    done = scmhost("frames", "nowhere.txt")
    assert (done.code, "nowhere.txt: No such file" in done.err) == (2, True)


def test_frames_imports_few_libraries(tmp_path: Path) -> None:
    """Neither the database nor a web framework nor pydantic is imported."""
    (tmp_path / "crash.txt").write_bytes(TRACE)
    command = [sys.executable, "-X", "importtime", str(SCMHOST), "frames", str(tmp_path / "crash.txt")]
    imported = subprocess.run(command, check=True, capture_output=True, text=True).stderr
    assert "scmhost.frames" in imported
    assert [name for name in ("sqlalchemy", "fastapi", "pydantic", "pluggy") if name in imported] == []
