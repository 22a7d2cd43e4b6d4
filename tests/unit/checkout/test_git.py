"""Reading a history from the output of git."""

import os
from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from typing import cast

import pytest

from command import GitRepository
from scmhost.checkout.git import GitCommit, GitError, git, git_output, git_outputs, list_shas, read_history

COMMIT = GitCommit("a" * 40, "Ada", "ada@example.com", "2026-01-01T00:00:00Z", "Fix", (("A", "a.py"), ("D", "b.py")))


def changes(repository: GitRepository, revisions: str = "HEAD") -> list[tuple[tuple[str, str], ...]]:
    return [commit.changes for commit in read_history(repository.path, revisions)]


def test_history_is_oldest_first(repository: GitRepository) -> None:
    """Commits are listed and read in the same order, parents before children."""
    repository.commit("Second")
    repository.commit("Third")
    shas = list(reversed(repository.shas()))
    assert list_shas(repository.path, "HEAD") == shas
    assert [commit.sha for commit in read_history(repository.path, "HEAD")] == shas
    assert [commit.message for commit in read_history(repository.path, "HEAD~1..HEAD")] == ["Third"]


def test_empty_range_has_no_commits(repository: GitRepository) -> None:
    """A range without commits is not an error."""
    assert list_shas(repository.path, "HEAD..HEAD") == []
    assert list(read_history(repository.path, "HEAD..HEAD")) == []


def test_commit_has_author_and_time(repository: GitRepository) -> None:
    """The time has the author's offset, and the address is unchanged."""
    (commit,) = read_history(repository.path, "HEAD")
    assert (commit.author_name, commit.author_email) == ("Ada Lovelace", "Ada@Example.com")
    assert commit.timestamp == "2026-01-01T02:01:00+02:00"


def test_changes_have_a_type(repository: GitRepository) -> None:
    """A new file is A, a deleted one D, and any other change M; a moved file is deleted and added."""
    repository.commit("Change", {"main.py": "other\n", "new.py": "x\n"})
    repository.git("mv", "new.py", "moved.py")
    repository.commit("Move", {"shop/cart.py": None})
    (repository.path / "main.py").chmod(0o755)
    repository.commit("Mode")
    assert changes(repository)[1:] == [
        (("M", "main.py"), ("A", "new.py")),
        (("A", "moved.py"), ("D", "new.py"), ("D", "shop/cart.py")),
        (("M", "main.py"),),
    ]


def test_file_that_becomes_a_link_is_modified(repository: GitRepository) -> None:
    """Git has a type of its own for this change, which the API has not."""
    (repository.path / "main.py").unlink()
    (repository.path / "main.py").symlink_to("shop/cart.py")
    repository.commit("Link")
    assert changes(repository)[-1] == (("M", "main.py"),)


@pytest.mark.parametrize("name", ["naïve file.txt", 'quo"te.py', "tab\there.py", "line\nfeed.py", "-dash.py", ":x.py"])
def test_odd_names_of_files_are_read_exactly(repository: GitRepository, name: str) -> None:
    """Git neither quotes nor cuts the names of files."""
    repository.commit("Odd", {name: "x\n"})
    assert changes(repository)[-1] == (("A", name),)


@pytest.mark.parametrize(
    "message",
    [
        "Title\n\nBody\nwith lines",
        ":100644 100644 looks like a change",
        "grüß 🎉",
        "commit " + "a" * 40,
        "\x01 control",
    ],
)
def test_odd_messages_are_read_exactly(repository: GitRepository, message: str) -> None:
    """No message is mistaken for another part of the output."""
    repository.commit(message, {"a.py": message})
    repository.commit("After", {"b.py": "x"})
    first, second = list(read_history(repository.path, "HEAD"))[1:]
    assert (first.message, first.changes) == (message, (("A", "a.py"),))
    assert (second.message, second.changes) == ("After", (("A", "b.py"),))


def test_empty_message_is_read(repository: GitRepository) -> None:
    """A commit needs no message."""
    repository.git("commit", "--quiet", "--allow-empty", "--allow-empty-message", "--message", "")
    assert [commit.message for commit in read_history(repository.path, "HEAD")] == ["First", ""]


def test_merge_has_no_changes(repository: GitRepository) -> None:
    """The changes of a merge are those of its parents."""
    repository.git("checkout", "--quiet", "-b", "side")
    repository.commit("Side", {"side.py": "x\n"})
    repository.git("checkout", "--quiet", "main")
    repository.commit("Main", {"other.py": "x\n"})
    repository.git("merge", "--quiet", "--no-ff", "--message", "Merge", "side")
    merge = list(read_history(repository.path, "HEAD"))[-1]
    assert (merge.message, merge.changes) == ("Merge", ())


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("log.showRoot", "false"),
        ("log.showSignature", "true"),
        ("log.decorate", "full"),
        ("diff.relative", "true"),
        ("diff.renames", "copies"),
        ("core.quotePath", "true"),
        ("color.ui", "always"),
        ("i18n.logOutputEncoding", "ISO-8859-1"),
    ],
)
def test_settings_of_the_user_do_not_change_the_history(repository: GitRepository, setting: str, value: str) -> None:
    """The same repository gives the same commits on every machine."""
    repository.commit("Grüße", {"shop/ä.py": "x\n", "copy.py": "one\ntwo\nthree\n"})
    expected = list(read_history(repository.path, "HEAD"))
    repository.git("config", setting, value)
    assert list(read_history(repository.path / "shop", "HEAD")) == expected


def test_message_in_another_encoding_is_converted(repository: GitRepository) -> None:
    """A commit may state the encoding of its message."""
    repository.git("config", "i18n.commitEncoding", "ISO-8859-1")
    (repository.path / "message").write_bytes("Grüße".encode("latin-1"))
    repository.git("commit", "--quiet", "--allow-empty", "--file", "message")
    assert list(read_history(repository.path, "HEAD"))[-1].message == "Grüße"


def test_long_history_is_read_in_blocks(repository: GitRepository) -> None:
    """Fields that are longer than one read from the pipe stay whole."""
    message = "x" * 200_000
    repository.commit(message, {"a.py": "1\n"})
    repository.commit("Last", {f"many/{number:05}.py": "1\n" for number in range(300)})
    _, long, last = read_history(repository.path, "HEAD")
    assert long.message == message
    assert len(last.changes) == 300


def test_payload_has_the_keys_of_the_api() -> None:
    """The payload is a commit of Sentry's API."""
    assert COMMIT.payload("team/app") == {
        "id": "a" * 40,
        "repository": "team/app",
        "message": "Fix",
        "author_name": "Ada",
        "author_email": "ada@example.com",
        "timestamp": "2026-01-01T00:00:00Z",
        "patch_set": [{"type": "A", "path": "a.py"}, {"type": "D", "path": "b.py"}],
    }


def test_long_author_name_is_cut() -> None:
    """The API accepts 128 characters."""
    commit = GitCommit("a" * 40, "n" * 200, "", "", "", ())
    assert commit.payload("x")["author_name"] == "n" * 128


def test_size_grows_with_message_and_files() -> None:
    """The size is at least the text of a commit."""
    small, long = GitCommit("a", "", "", "", "", ()), GitCommit("a", "", "", "", "m" * 1000, (("A", "p" * 100),))
    assert long.size - small.size >= 1100


def test_git_returns_output_without_surrounding_whitespace(repository: GitRepository) -> None:
    """Only ``git_output`` keeps the final line feed."""
    assert git(repository.path, "rev-parse", "HEAD") == repository.shas()[0]
    assert git_output(repository.path, "rev-parse", "HEAD") == f"{repository.shas()[0]}\n"


def test_output_keeps_bytes_that_are_not_utf8(repository: GitRepository) -> None:
    """``git_output`` returns lone surrogates for them, and ``git`` replaces them."""
    (repository.path / os.fsdecode(b"b\xff.py")).write_text("x\n", encoding="utf-8")
    repository.commit("Bytes")
    assert git_output(repository.path, "show", "--name-only", "--format=", "-z", "HEAD") == "b\udcff.py\0"
    assert git(repository.path, "show", "--name-only", "--format=", "-z", "HEAD").strip("\0") == "b\ufffd.py"
    assert changes(repository)[-1] == (("A", "b\ufffd.py"),)


def test_commands_in_parallel_have_a_result_each(repository: GitRepository) -> None:
    """An error of one command does not hide the output of the others."""
    good, bad, last = git_outputs(repository.path, ("rev-parse", "HEAD"), ("rev-parse", "nope"), ("--version",))
    assert good == f"{repository.shas()[0]}\n"
    assert isinstance(bad, GitError)
    assert "git rev-parse in" in str(bad)
    assert isinstance(last, str)
    assert last.startswith("git version")


def test_messages_of_git_are_english(repository: GitRepository, monkeypatch: pytest.MonkeyPatch) -> None:
    """The language of the user does not matter, because errors are recognized by their text."""
    for name in ("LANG", "LC_ALL", "LANGUAGE"):
        monkeypatch.setenv(name, "de_DE.UTF-8")
    with pytest.raises(GitError, match="not a git repository"):
        git(repository.path.parent, "rev-parse", "HEAD")


def test_failure_during_a_history_is_an_error(repository: GitRepository) -> None:
    """A damaged repository is an error, after the commits that can be read."""
    repository.commit("Second", {"main.py": "x\n"})
    tree = repository.git("rev-parse", "HEAD^{tree}")
    (repository.path / ".git/objects" / tree[:2] / tree[2:]).unlink()
    with pytest.raises(GitError, match="git log"):
        list(read_history(repository.path, "HEAD"))


def test_reading_can_stop_early(tmp_path: Path) -> None:
    """The process of git ends with the iteration, without an error."""
    repository = GitRepository(tmp_path / "long")
    shas = repository.grow(50)
    with closing(cast("Generator[GitCommit]", read_history(repository.path, "HEAD"))) as history:
        assert next(history).sha == shas[-1]
    assert len(list(read_history(repository.path, "HEAD"))) == 50


def test_missing_git_is_an_error_with_advice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without git on PATH every function has the same message."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GitError, match="git is not installed; install it"):
        git(tmp_path, "--version")
    with pytest.raises(GitError, match="git is not installed; install it"):
        list(read_history(tmp_path, "HEAD"))
