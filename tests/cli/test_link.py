import json
from pathlib import Path

import pytest

from api import SHA, open_api
from command import scmhost, scmhost_process

TRACE = """\
Traceback (most recent call last):
  File "/srv/app/main.py", line 3, in <module>
    run()
  File "/srv/app/jobs/run.py", line 12, in run
    raise ValueError("no")
  File "/usr/lib/python3.11/json/__init__.py", line 1, in dumps
ValueError: no
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration and a database with a code mapping."""
    with open_api(tmp_path) as api:
        repository, installation = api.claimed()
        api.mapping(repository, installation)
    text = (tmp_path / "plugins.toml").read_text(encoding="utf-8")
    placed = text.replace("[host]\n", f'[host]\ndatabase_url = "sqlite:///{tmp_path}/test.db"\n')
    (tmp_path / "plugins.toml").write_text(placed, encoding="utf-8")
    (tmp_path / "crash.txt").write_text(TRACE, encoding="utf-8")
    return tmp_path / "plugins.toml"


def options(config: Path) -> list[object]:
    return ["--org", "acme", "--project", "web", "--config", config]


def test_trace_is_printed_with_links(config: Path) -> None:
    """Each frame of the repository has its link below; the text itself is unchanged."""
    done = scmhost("link", config.with_name("crash.txt"), *options(config), "--commit", SHA)
    lines = done.out.splitlines()
    assert [line for line in lines if not line.startswith("    -> ")] == TRACE.splitlines()
    assert lines[2] == f"    -> https://git.example.com/team/app/blob/{SHA}/src/main.py#L3"
    assert f"    -> https://git.example.com/team/app/blob/{SHA}/src/jobs/run.py#L12" in lines
    assert "2 of 3 frames have links." in done.err
    assert "stack_root_mismatch" in done.err


def test_json_has_a_link_or_a_reason_for_each_frame(config: Path) -> None:
    """The JSON has each frame with its link or its reason."""
    frames = json.loads(scmhost("link", config.with_name("crash.txt"), *options(config), "--json").out)["frames"]
    assert [frame["reason"] for frame in frames] == [None, None, "stack_root_mismatch"]
    assert frames[0]["refSource"] == "default_branch"
    assert frames[2]["nextStep"]


def test_standard_input_is_read(config: Path) -> None:
    """A trace can come through a pipe."""
    done = scmhost_process("link", *options(config), stdin=TRACE.encode() + b"\xff\n")
    assert done.code == 0, done.err
    assert "/blob/main/src/main.py#L3" in done.out


def test_missing_file_is_wrong_usage(config: Path) -> None:
    """The error has the name of the missing file."""
    done = scmhost("link", "/no/such/file", *options(config))
    assert (done.code, "/no/such/file" in done.err) == (2, True)


def test_unknown_release_is_a_note(config: Path) -> None:
    """The links lead to the next ref, and the note names the release."""
    done = scmhost("link", config.with_name("crash.txt"), *options(config), "--release", "9.9")
    assert done.code == 0
    assert "note: Organization 'acme' has no release '9.9'. The links lead to the next ref" in done.err
    assert "    -> https://git.example.com/team/app/blob/main/src/main.py#L3" in done.out.splitlines()


def test_java_trace_is_linked(tmp_path: Path) -> None:
    """A JVM frame prints a file name; the class gives the folders."""
    with open_api(tmp_path) as api:
        repository, installation = api.claimed()
        api.mapping(repository, installation, stackRoot="com/acme/", sourceRoot="src/main/java/com/acme/")
    text = (tmp_path / "plugins.toml").read_text(encoding="utf-8")
    placed = text.replace("[host]\n", f'[host]\ndatabase_url = "sqlite:///{tmp_path}/test.db"\n')
    (tmp_path / "plugins.toml").write_text(placed, encoding="utf-8")
    trace = "java.lang.IllegalStateException: no\n\tat com.acme.shop.Cart$Item.total(Cart.java:12)\n"
    (tmp_path / "crash.txt").write_text(trace, encoding="utf-8")
    done = scmhost("link", tmp_path / "crash.txt", *options(tmp_path / "plugins.toml"), "--json")
    (frame,) = json.loads(done.out)["frames"]
    assert frame["sourcePath"] == "src/main/java/com/acme/shop/Cart.java"
    assert frame["url"].endswith("src/main/java/com/acme/shop/Cart.java#L12")
