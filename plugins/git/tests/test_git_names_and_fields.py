"""Names of refs and repositories, fields of git's output, and the operator's settings: without a git process."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from scmhost.sdk import ProviderUnavailable, ref_problem
from scmhost.sdk.git import GIT_OPTIONS
from scmhost_git import git
from scmhost_git.folders import find, git_dir_of
from scmhost_git.forms import GitInstallForm, GitSettings, GitUrlForm
from scmhost_git.history import parse
from scmhost_git.repository import default_branch, ref_names

SHA = "0123456789abcdef0123456789abcdef01234567"
REMOTE = "refs/remotes/origin/"


def bare(folder: Path, head: str = "ref: refs/heads/main\n") -> Path:
    """Make the files that git requires in its directory."""
    (folder / "objects").mkdir(parents=True)
    (folder / "refs").mkdir()
    (folder / "HEAD").write_text(head, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("ref", "kind", "names"),
    [
        ("main", "branch", [f"{REMOTE}main", "refs/heads/main", "refs/tags/main"]),
        ("v1.0", "tag", ["refs/tags/v1.0", f"{REMOTE}v1.0", "refs/heads/v1.0"]),
        ("v1.0", None, ["refs/tags/v1.0", f"{REMOTE}v1.0", "refs/heads/v1.0"]),
        ("c0ffee", "commit", ["refs/tags/c0ffee", f"{REMOTE}c0ffee", "refs/heads/c0ffee", "c0ffee"]),
        (SHA, "branch", [SHA]),
        ("HEAD", None, [f"{REMOTE}HEAD", "HEAD"]),
        ("abc", "commit", ["refs/tags/abc", f"{REMOTE}abc", "refs/heads/abc"]),
        ("--output=x", "branch", []),
        ("a..b", "branch", []),
        ("main^{tree}", "branch", []),
        ("@{-1}", "branch", []),
        ("", "branch", []),
    ],
)
def test_a_ref_has_possible_full_names(ref: str, kind: None, names: list[str]) -> None:
    """The given kind comes first, a name before the beginning of a commit's id, and an invalid name has none."""
    assert [item.full for item in ref_names(ref, kind)] == names


@given(st.text(max_size=12))
def test_full_names_are_no_options_and_no_expressions(ref: str) -> None:
    """For every text from a user, git gets one name of a ref or the digits of an id."""
    for item in ref_names(ref, None):
        assert item.full.startswith(("refs/", "HEAD")) or item.full.isalnum()
        assert ref_problem(item.full) is None
        assert "\n" not in item.full


@pytest.mark.parametrize(
    ("head", "branch"),
    [
        ("ref: refs/heads/main\n", "main"),
        ("ref: refs/heads/feature/a\n", "feature/a"),
        (f"{SHA}\n", None),
        ("", None),
        ("ref: refs/tags/v1\n", None),
        ("ref: refs/heads/a..b\n", None),
        ("ref: refs/heads/\n", None),
    ],
)
def test_the_default_branch_is_read_from_head(tmp_path: Path, head: str, branch: str | None) -> None:
    """A detached HEAD, and one with an invalid name, has no branch."""
    assert default_branch(bare(tmp_path / "app.git", head)) == branch


def test_the_default_branch_of_a_checkout_is_that_of_its_remote(tmp_path: Path) -> None:
    """A developer's branch is not the branch of the code host."""
    folder = bare(tmp_path / "app.git", "ref: refs/heads/mine\n")
    (folder / REMOTE).mkdir(parents=True)
    (folder / REMOTE / "HEAD").write_text(f"ref: {REMOTE}main\n", encoding="utf-8")
    assert default_branch(folder) == "main"
    (folder / REMOTE / "HEAD").write_bytes(b"\xff\xfe")
    assert default_branch(folder) == "mine"
    (folder / "HEAD").unlink()
    assert default_branch(folder) is None


def record(*entries: bytes, sha: bytes = SHA.encode(), moment: bytes = b"2026-01-02T03:04:05+02:00") -> bytes:
    """Return a commit in the form of git's output."""
    return b"\0".join([sha, b"Ada", b"ada@example.com", moment, b"A change\n\nWhy.\n", b"\n" + b"\0".join(entries)])


def test_a_commit_has_its_fields() -> None:
    """The time has its offset, and the message has no blank lines at its ends."""
    (commit,) = parse([record(b":100644 100644 1 2 M", b"src/a.py", b"")])
    assert (commit.sha, commit.author_name, commit.author_email) == (SHA, "Ada", "ada@example.com")
    assert commit.message == "A change\n\nWhy."
    assert commit.timestamp == datetime(2026, 1, 2, 1, 4, 5, tzinfo=UTC)
    assert commit.timestamp.utcoffset() == timedelta(hours=2)
    assert [(change.path, change.type) for change in commit.changes] == [("src/a.py", "M")]


@pytest.mark.parametrize(
    ("entry", "letter"),
    [
        (b":000000 100644 0 1 A", "A"),
        (b":100644 000000 1 0 D", "D"),
        (b":100644 100755 1 1 M", "M"),
        (b":100644 120000 1 2 T", "M"),
        (b"::100644 100644 100644 1 2 3 MM", "M"),
        (b"::000000 000000 100644 0 0 1 AA", "A"),
        (b"::100644 100644 000000 1 2 0 DD", "D"),
        (b"::000000 100644 100644 0 1 2 AM", "M"),
    ],
)
def test_a_merge_adds_or_deletes_for_all_parents(entry: bytes, letter: str) -> None:
    """A file that only one parent has is modified by a merge."""
    (commit,) = parse([record(entry, b"a", b"")])
    assert [change.type for change in commit.changes] == [letter]


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        (b"a b/\xc3\xa9", "a b/é"),
        (b"-rf", "-rf"),
        (b":100644 x M", ":100644 x M"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"a\tb\n", "a\tb\n"),
        (b"x" * 4_096, "x" * 4_096),
        (b"x" * 4_097, None),
        (b"", None),
    ],
)
def test_a_path_may_have_any_name(path: bytes, kept: str | None) -> None:
    """A path is a field of its own, so that it cannot be taken for an entry; one over the limit is left out."""
    (commit,) = parse([record(b":100644 100644 1 2 M", path, b"")])
    assert [change.path for change in commit.changes] == ([kept] if kept is not None else [])


@pytest.mark.parametrize("moment", [b"", b"soon", b"2026-13-01T00:00:00Z", b"-0001-01-01T00:00:00+00:00"])
def test_an_invalid_date_is_left_out(moment: bytes) -> None:
    """Old converters wrote dates that no calendar has."""
    (commit,) = parse([record(b"", moment=moment)])
    assert commit.timestamp is None


@given(st.integers(0, 200), st.integers(1, 7))
def test_truncated_output_gives_whole_fields_only(length: int, size: int) -> None:
    """If git is killed, the commits before the end have their fields, in blocks of any size."""
    output = record(b":100644 100644 1 2 M", b"a.py", b"") + record(
        b":000000 100644 0 1 A", b"b.py", b"", sha=b"f" * 40
    )
    part = output[:length]
    blocks = [part[at : at + size] for at in range(0, len(part), size)]
    assert [commit.sha for commit in parse(blocks)] == [commit.sha for commit in parse([part])]
    assert {commit.sha for commit in parse(blocks)} <= {SHA, "f" * 40}


def test_the_limit_counts_the_changes_of_all_commits() -> None:
    """The commits after the limit are returned without changes."""
    output = b"".join(record(b":1 2 3 4 M", b"a", b":1 2 3 4 M", b"b", b"", sha=letter * 40) for letter in (b"a", b"b"))
    assert [len(commit.changes) for commit in parse([output], most_changes=3)] == [2, 1]
    assert [len(commit.changes) for commit in parse([output], most_changes=0)] == [0, 0]


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "/app",
        "app/",
        "a//b",
        "../app",
        "a/../b",
        ".git",
        "a\\b",
        " app",
        "app ",
        "a\nb",
        "a\x00b",
        "x" * 201,
        "\ud800",
        "a/" * 12 + "b",
    ],
)
def test_invalid_names_find_nothing(tmp_path: Path, name: str) -> None:
    """A name cannot lead out of the folder, and cannot be invisible."""
    bare(tmp_path / "app.git")
    assert find(tmp_path, name) is None


@pytest.mark.parametrize("missing", ["HEAD", "objects", "refs"])
def test_a_folder_without_gits_files_is_no_repository(tmp_path: Path, missing: str) -> None:
    """Git requires all three."""
    folder = bare(tmp_path / "app.git")
    assert git_dir_of(folder) == folder
    (folder / missing).rename(folder / "other")
    assert git_dir_of(folder) is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("first_commits", 0),
        ("first_commits", 10_001),
        ("most_commits", 0),
        ("processes", 0),
        ("processes", 1_001),
        ("colour", "red"),
    ],
)
def test_settings_have_limits(tmp_path: Path, field: str, value: object) -> None:
    """A number out of range, or an unknown setting, is named."""
    with pytest.raises(ValidationError) as caught:
        GitSettings.model_validate({"root": tmp_path, field: value})
    assert caught.value.errors()[0]["loc"] == (field,)


def test_without_folders_all_organizations_share_the_root(tmp_path: Path) -> None:
    """If one organization has a folder, organizations without a folder have no repositories."""
    (tmp_path / "acme").mkdir()
    assert GitSettings(root=tmp_path).folder_of(7) == tmp_path
    settings = GitSettings(root=tmp_path, organizations={1: "acme"})
    assert (settings.folder_of(1), settings.folder_of(7)) == (tmp_path / "acme", None)


@pytest.mark.parametrize("preset", ["", "githup"])
def test_a_configuration_names_a_preset(preset: str) -> None:
    """The message lists the presets."""
    with pytest.raises(ValidationError, match="choose one of allura, "):
        GitUrlForm(preset=preset)


def test_the_kind_of_an_unknown_host_must_be_given() -> None:
    """A disguised host is not recognised either."""
    for url in ("https://code.example", "https://github.com.evil.example"):
        with pytest.raises(ValidationError, match="the kind of this host is not known"):
            GitInstallForm(name="disk", url=url)
    assert GitInstallForm(name="disk", url="https://code.example", preset="cgit").preset == "cgit"


def test_git_gets_no_variables_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable of the service cannot change the repository or run a program."""
    for name in ("GIT_DIR", "GIT_SSH_COMMAND", "GIT_EXTERNAL_DIFF", "LD_PRELOAD", "HOME"):
        monkeypatch.setenv(name, "/evil")
    environment = git.environment()
    assert "/evil" not in environment.values()
    assert environment["PATH"] == os.environ["PATH"]


def test_options_come_before_the_arguments() -> None:
    """The directory and the overrides are options of git itself."""
    words = git.command(Path("/srv/app.git"), "log", "--all")
    assert words[:2] == ["git", "--git-dir=/srv/app.git"]
    assert words[-2:] == ["log", "--all"]
    assert words[2:-2] == [*GIT_OPTIONS]
    assert "protocol.allow=never" in words


def test_a_directory_that_is_gone_is_unavailable(tmp_path: Path) -> None:
    """The process cannot be started in a directory that was removed."""
    with pytest.raises(ProviderUnavailable, match="git cannot be started"):
        git.start(tmp_path / "gone", "log")
