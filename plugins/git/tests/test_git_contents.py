"""The content of files at a commit, and the commits that last changed their lines."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from command import GitRepository
from scmhost.sdk import (
    MAX_FILE_BYTES,
    BlamedLine,
    FileTooLarge,
    Installation,
    ProviderError,
    ProviderUnavailable,
    Repository,
)
from scmhost_git import files, git, plugin
from scmhost_git.files import merge_lines, parse_blame
from scmhost_git.forms import GitSettings

INSTALLATION = Installation(id=3, organization_id=1, provider="git", name="disk", external_id="1")
TOO_LARGE = MAX_FILE_BYTES + 1


@pytest.fixture
def app(tmp_path: Path) -> GitRepository:
    return GitRepository(tmp_path / "app")


@pytest.fixture(autouse=True)
def processes_end() -> Iterator[None]:
    """End all git processes after each test."""
    yield
    plugin.scm_shutdown()


def given_to(path: Path) -> dict[str, Any]:
    """The arguments of hooks for a clone."""
    moment = datetime(2026, 1, 2, tzinfo=UTC)
    configuration = {"path": path.name}
    repository = Repository(id=5, organization_id=1, name="x", configuration=configuration, created_at=moment)
    return {"installation": INSTALLATION, "repository": repository, "settings": GitSettings(root=path.parent)}


def read(path: Path, ref: str, file: str) -> bytes | None:
    return plugin.scm_read_file(ref=ref, path=file, **given_to(path))


def blame(path: Path, ref: str, file: str, *lines: int) -> list[BlamedLine]:
    return list(plugin.scm_blame_lines(ref=ref, path=file, lines=lines, **given_to(path)))


def shown(blamed: list[BlamedLine]) -> list[tuple[int, str, str | None, int | None]]:
    return [(item.line, item.sha, item.original_path, item.original_line) for item in blamed]


def mirror_of(app: GitRepository) -> Path:
    app.git("clone", "--quiet", "--mirror", ".", "../mirror.git")
    return app.path.parent / "mirror.git"


def test_content_is_that_of_the_ref(app: GitRepository) -> None:
    """Commits, short ids, branches and tags are refs; the bytes are those of the commit, not of the disk."""
    first = app.commit(files={"src/a.py": "one\r\n"})
    app.git("tag", "v1")
    second = app.commit(files={"src/a.py": "two"})
    app.path.joinpath("src/a.py").write_text("changed\n", encoding="utf-8")
    refs = (first, first[:8], "v1", second, "main")
    for clone in (app.path, mirror_of(app)):
        assert [read(clone, ref, "src/a.py") for ref in refs] == [b"one\r\n", b"one\r\n", b"one\r\n", b"two", b"two"]


@pytest.mark.parametrize(
    "name", ["a b.py", "ü.py", 'q"uote.py', "line\nend.py", "x-gabc123", "-L1.py", ":(top)a.py", "*"]
)
def test_names_are_taken_literally(app: GitRepository, name: str) -> None:
    """A name is no option, pattern or revision."""
    app.commit(files={"other.py": "other\n", name: "own\n"})
    assert read(app.path, "main", name) == b"own\n"
    assert [item.line for item in blame(app.path, "main", name, 1)] == [1]


@pytest.mark.parametrize(
    "path",
    [
        "",
        "gone.py",
        "dir",
        "dir/",
        "/etc/passwd",
        "../../etc/passwd",
        "dir/../a.py",
        "./a.py",
        "a.py\0",
        "\ud800.py",
        "outside",
        "inside",
        "folder/a.py",
        "sub",
        "x" * 5_000,
    ],
)
def test_anything_else_is_no_file(app: GitRepository, path: str) -> None:
    """Folders, submodules, symbolic links and paths out of the repository have no content and no blame."""
    app.commit(files={"a.py": "1\n", "dir/b.py": "1\n"})
    for name, target in (("outside", "/etc/passwd"), ("inside", "a.py"), ("folder", ".")):
        app.path.joinpath(name).symlink_to(target)
    app.git("add", "--all")
    app.git("update-index", "--add", "--cacheinfo", f"160000,{app.shas()[0]},sub")
    app.git("commit", "--quiet", "-m", "Links")
    assert read(app.path, "main", path) is None
    assert blame(app.path, "main", path, 1) == []


@pytest.mark.parametrize("ref", ["f" * 40, "gone", "a b", "", "--help", "main:a.py", "main^"])
def test_unknown_ref_has_no_file(app: GitRepository, ref: str) -> None:
    """A ref that does not exist, or is only an expression of git, is no error."""
    app.commit(files={"a.py": "1\n"})
    app.commit(files={"a.py": "2\n"})
    assert (read(app.path, ref, "a.py"), blame(app.path, ref, "a.py", 1)) == (None, [])


def test_size_is_checked_before_reading(app: GitRepository, monkeypatch: pytest.MonkeyPatch) -> None:
    """The largest allowed file is read; of a larger one git is not even asked for the content."""
    app.commit(files={"fits": "x" * MAX_FILE_BYTES, "large": "x" * TOO_LARGE})
    assert read(app.path, "main", "fits") == b"x" * MAX_FILE_BYTES
    commands: list[str] = []
    run = git.output

    def noted(git_dir: Path, command: str, *arguments: str, **more: float) -> bytes | None:
        commands.append(command)
        return run(git_dir, command, *arguments, **more)

    monkeypatch.setattr(git, "output", noted)
    for refused in (lambda: read(app.path, "main", "large"), lambda: blame(app.path, "main", "large", 1)):
        with pytest.raises(FileTooLarge, match="2,000,001 bytes; at most 2,000,000 are read"):
            refused()
    assert commands == ["ls-tree"] * 2


def test_partial_clone_is_not_fetched(app: GitRepository) -> None:
    """Content that the clone does not have is a stated error, and no process goes to the network."""
    app.commit(files={"a.py": "1\n"})
    app.git("config", "uploadpack.allowFilter", "true")
    url = app.path.as_uri()
    app.git("clone", "--quiet", "--mirror", "--filter=blob:none", url, "../partial.git")
    with pytest.raises(ProviderError, match="partial clone"):
        read(app.path.parent / "partial.git", "main", "a.py")


def test_blame_has_the_commit_of_each_line(app: GitRepository) -> None:
    """Only the asked lines that exist are blamed, each with its commit, author, time and first line number."""
    first = app.commit(files={"a.py": "a\nb\nc\nd\n"})
    second = app.commit(files={"a.py": "new\na\nB\nc\nd"})
    for clone in (app.path, mirror_of(app)):
        assert shown(blame(clone, "main", "a.py", 1, 2, 3, 5, 6, 99)) == [
            (1, second, None, 1),
            (2, first, None, 1),
            (3, second, None, 3),
            (5, second, None, 5),
        ]
        assert shown(blame(clone, first, "a.py", 4)) == [(4, first, None, 4)]
    (line,) = blame(app.path, "main", "a.py", 2)
    assert (line.author_name, line.author_email) == ("Ada Lovelace", "Ada@Example.com")
    assert line.timestamp is not None
    assert line.timestamp.utcoffset() == timedelta(hours=2)


@pytest.mark.parametrize("lines", [(), (5,), (99,), (10_000_000,)])
def test_lines_that_do_not_exist_are_left_out(app: GitRepository, lines: tuple[int, ...]) -> None:
    """No lines, or lines beyond the end, have no commit."""
    app.commit(files={"a.py": "a\nb\nc\nd\n", "empty.py": ""})
    assert (blame(app.path, "main", "a.py", *lines), blame(app.path, "main", "empty.py", 1, *lines)) == ([], [])


@pytest.mark.parametrize("old", ["old.py", "ä b.py", 'q"\\\n\t\x01.py'])
def test_renames_are_followed(app: GitRepository, old: str) -> None:
    """A line of a renamed file has its path and its line number in the commit that wrote it."""
    text = "".join(f"line {number}\n" for number in range(20))
    first = app.commit(files={old: text})
    second = app.commit(files={old: None, "new/name.py": "top\n" + text})
    assert shown(blame(app.path, "main", "new/name.py", 1, 2, 21)) == [
        (1, second, None, 1),
        (2, first, old, 1),
        (21, first, old, 20),
    ]


def test_programs_of_the_repository_do_not_run(app: GitRepository) -> None:
    """A text conversion and a filter that the clone's configuration names are not started."""
    trace = app.path / "ran"
    app.git("config", "diff.own.textconv", f"touch {trace}; cat")
    app.git("config", "filter.own.smudge", f"touch {trace}; cat")
    app.path.joinpath(".git/info").mkdir(exist_ok=True)
    app.path.joinpath(".git/info/attributes").write_text("* diff=own\n", encoding="utf-8")
    app.commit(files={"a.py": "1\n", ".gitattributes": "* diff=own filter=own\n"})
    app.commit(files={"a.py": "1\n2\n"})
    trace.unlink(missing_ok=True)
    assert read(app.path, "main", "a.py") == b"1\n2\n"
    assert len(blame(app.path, "main", "a.py", 1, 2)) == 2
    assert not trace.exists()


def test_slow_git_is_unavailable(app: GitRepository, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command over its time limit is ended, and the error names it."""
    app.commit(files={"a.py": "1\n"})
    monkeypatch.setattr(files, "BLAME_SECONDS", 0.0)
    with pytest.raises(ProviderUnavailable, match="git blame took longer than 0 s"):
        blame(app.path, "main", "a.py", 1)


@given(st.lists(st.integers(1, 60)))
def test_ranges_have_exactly_the_lines(lines: list[int]) -> None:
    """Merged ranges are ascending, apart from each other, and have the given lines and no others."""
    ranges = merge_lines(lines)
    assert [line for first, last in ranges for line in range(first, last + 1)] == sorted(set(lines))
    assert all(following[0] > before[1] + 1 for before, following in pairwise(ranges))


SHA = "c0ffee" + "0" * 34


@pytest.mark.parametrize(
    ("header", "moment"),
    [
        ("author-time 0\nauthor-tz -0130", datetime(1969, 12, 31, 22, 30, tzinfo=timezone(-timedelta(minutes=90)))),
        ("author-time 0\nauthor-tz +9999", None),
        ("author-time 99999999999999999\nauthor-tz +0000", None),
        ("author-time x\nauthor-tz +0000", None),
        ("summary no time", None),
    ],
)
def test_odd_dates_of_commits_cost_the_date_only(header: str, moment: datetime | None) -> None:
    """Git stores any number as a time and any offset."""
    printed = f"{SHA} 3 1 1\nauthor\nauthor-mail <>\n{header}\nfilename a.py\n\ttext\n".encode()
    (line,) = parse_blame(printed, "a.py")
    assert (line.timestamp, line.author_name, line.author_email) == (moment, None, None)
    assert (line.sha, line.line, line.original_line, line.original_path) == (SHA, 1, 3, None)


def test_text_of_lines_is_not_taken_for_headers() -> None:
    """The text of a line, and names that are not UTF-8, may have any bytes."""
    printed = f"{SHA} 1 1 2\nauthor A\n\t{SHA} 9 9 9\n{SHA} 2 2\n\tfilename x\n".encode().replace(b"r A", b"r \xff\0")
    lines = list(parse_blame(printed, "a.py"))
    assert [(line.line, line.author_name) for line in lines] == [(1, "\ufffd\ufffd"), (2, "\ufffd\ufffd")]
