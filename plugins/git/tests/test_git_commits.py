"""Commits and their changed files, read from git."""

import os
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from command import GitRepository
from scmhost.sdk import CommitDraft, CommitPage, Installation, ProviderError, ProviderUnavailable, Repository
from scmhost_git import git, history, plugin
from scmhost_git.forms import GitSettings
from scmhost_git.history import parse, read_history

INSTALLATION = Installation(id=3, organization_id=1, provider="git", name="disk", external_id="1")
REPOSITORY = Repository(
    id=5, organization_id=1, name="app", configuration={"path": "app"}, created_at=datetime(2026, 1, 2, tzinfo=UTC)
)


@pytest.fixture
def app(tmp_path: Path) -> GitRepository:
    return GitRepository(tmp_path / "app")


@pytest.fixture(autouse=True)
def processes_end() -> Iterator[None]:
    """End all git processes after each test."""
    yield
    plugin.scm_shutdown()


def page(app: GitRepository, base: str | None, head: str = "HEAD", **settings: int) -> CommitPage:
    chosen = GitSettings(root=app.path.parent, **settings)
    return plugin.scm_compare_commits(
        installation=INSTALLATION, repository=REPOSITORY, base=base, head=head, settings=chosen
    )


def compare(app: GitRepository, base: str | None, head: str = "HEAD", **settings: int) -> list[CommitDraft]:
    return list(page(app, base, head, **settings).commits)


def files(commit: CommitDraft) -> list[tuple[str, str]]:
    return [(change.type, change.path) for change in commit.changes]


def test_commits_between_two_refs_have_their_files(app: GitRepository) -> None:
    """A commit has id, message, author, time and files; a rename is one deletion and one addition."""
    first = app.commit("First", {"a.py": "a\n" * 50, "b.py": "b\n"})
    second = app.commit("Second\n\nIts reason.\n", {"dir/c.py": "c\n", "b.py": None, "a.py": "a\n" * 51})
    app.git("mv", "a.py", "z.py")
    third = app.commit("Third")
    found = compare(app, first)
    assert [commit.sha for commit in found] == [third, second]
    assert [files(commit) for commit in found] == [
        [("D", "a.py"), ("A", "z.py")],
        [("M", "a.py"), ("D", "b.py"), ("A", "dir/c.py")],
    ]
    assert (found[1].message, found[1].author_name, found[1].author_email) == (
        "Second\n\nIts reason.",
        "Ada Lovelace",
        "Ada@Example.com",
    )
    assert found[1].timestamp == datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=120)
    assert (compare(app, third), files(compare(app, None)[-1])) == ([], [("A", "a.py"), ("A", "b.py")])


@pytest.mark.parametrize("base", ["v1", "side", "short", "annotated"])
def test_any_name_of_a_commit_is_accepted(app: GitRepository, base: str) -> None:
    """Base and head may be tags, branches and short ids."""
    first = app.commit(files={"a.py": "1\n"})
    app.git("tag", "v1")
    app.git("tag", "-a", "-m", "One", "annotated")
    app.git("branch", "side")
    second = app.commit(files={"a.py": "2\n"})
    assert [commit.sha for commit in compare(app, first[:8] if base == "short" else base, "main")] == [second]


def test_without_a_base_the_newest_commits_are_returned(app: GitRepository) -> None:
    """The operator configures their number; of a long range the newest are returned."""
    shas = app.grow(30)
    assert [commit.sha for commit in compare(app, None)] == shas[:20]
    assert len(compare(app, None, first_commits=3)) == 3
    assert [commit.sha for commit in compare(app, shas[-1], most_commits=5)] == shas[:5]
    assert [page(app, shas[-1], most_commits=number).unlisted for number in (5, 28, 29)] == [1, 1, 0]
    assert page(app, None).unlisted == 0


@pytest.mark.parametrize(
    "ref", ["nowhere", "f" * 40, "--all", "-n1", "a..b", "main~1", "@{u}", "refs", ":/x", "a b", ""]
)
def test_an_unknown_ref_is_named(app: GitRepository, ref: str) -> None:
    """A missing ref, an option and an expression are refused, with the ref in the message."""
    app.commit(files={"a.py": "1\n"})
    with pytest.raises(ProviderError, match="the head") as refused:
        compare(app, None, ref)
    assert repr(ref) in str(refused.value)
    with pytest.raises(ProviderError, match="the base"):
        compare(app, ref, "main")


def test_a_ref_that_begins_with_a_dash_is_not_an_option(app: GitRepository) -> None:
    """It is refused even if a branch of this name exists."""
    app.git("update-ref", "refs/heads/--output=x", app.commit(files={"a.py": "1\n"}))
    with pytest.raises(ProviderError, match="the head"):
        compare(app, None, "--output=x")
    assert not (app.path / ".git" / "x").exists()


def test_a_merge_has_only_its_own_changes(app: GitRepository) -> None:
    """A change from one parent belongs to the commits of that parent."""
    first = app.commit(files={"a.py": "1\n", "b.py": "1\n", "both.py": "1\n"})
    app.git("checkout", "--quiet", "-b", "side")
    side = app.commit("Side", {"b.py": "2\n", "both.py": "side\n"})
    app.git("checkout", "--quiet", "main")
    here = app.commit("Here", {"a.py": "2\n", "both.py": "here\n"})
    app.git("merge", "--quiet", "--no-commit", "--strategy=ours", "side")
    merge = app.commit("Merge", {"both.py": "both\n", "b.py": "2\n", "new.py": "evil\n", "a.py": "2\n"})
    found = {commit.sha: files(commit) for commit in compare(app, first)}
    assert set(found) == {merge, side, here}
    assert found[merge] == [("M", "both.py"), ("A", "new.py")]


def test_file_names_with_special_characters(app: GitRepository) -> None:
    """Names with quotes, line ends, blanks, colons and bytes that are not UTF-8 stay one path each."""
    hard = ["a\nb.py", ' "q".py', ":100644 x.py", "tab\t.py", "ünï/ö.py", "\n", "-x"]
    for name in hard:
        (app.path / name).parent.mkdir(exist_ok=True)
        (app.path / name).write_text("1\n", encoding="utf-8")
    (app.path / os.fsdecode(b"\xff.py")).write_text("1\n", encoding="utf-8")
    app.commit()
    (found,) = compare(app, None)
    assert set(files(found)) == {("A", name) for name in [*hard, "\ufffd.py"]}


def test_old_encodings_and_invalid_authors(app: GitRepository) -> None:
    """A message in another encoding is decoded; an invalid author or time is left out."""
    app.commit(files={"a.py": "1\n"})
    tree = app.git("rev-parse", "HEAD^{tree}")
    people = "author J\xf6rg <> 1767225600 +0100\ncommitter X <x> 0 +0000"
    latin = f"tree {tree}\n{people}\nencoding ISO-8859-1\n\nGr\xfc\xdfe\n"
    sha = app.git("hash-object", "-t", "commit", "-w", "--stdin", "--literally", stdin=latin.encode("latin-1"))
    broken = b"tree %s\nauthor no address at all\ncommitter X <x> 0 +0000\n\n\xff\n" % tree.encode()
    other = app.git("hash-object", "-t", "commit", "-w", "--stdin", "--literally", stdin=broken)
    (one,) = compare(app, None, sha)
    assert (one.message, one.author_name, one.author_email) == ("Grüße", "Jörg", None)
    (two,) = compare(app, None, other)
    assert (two.message, two.timestamp) == ("\ufffd", None)


def test_settings_and_environment_do_not_change_the_answer(app: GitRepository, monkeypatch: pytest.MonkeyPatch) -> None:
    """The repository's settings and the service's environment change no answer, and run no program."""
    first = app.commit(files={"dir/a.py": "a\n" * 50})
    app.git("mv", "dir/a.py", "dir/b.py")
    app.git("replace", app.commit("Second"), first)
    before = compare(app, None)
    trap = app.path.parent / "trap"
    settings = {
        "diff.renames": "copies",
        "diff.external": f"touch {trap}",
        "diff.relative": "true",
        "diff.orderFile": str(app.path / "missing"),
        "log.showRoot": "false",
        "log.showSignature": "true",
        "log.decorate": "full",
        "log.follow": "true",
        "log.diffMerges": "off",
        "log.date": "relative",
        "color.ui": "always",
        "core.abbrev": "4",
        "core.fsmonitor": f"touch {trap}",
        "core.pager": f"touch {trap}",
        "core.worktree": str(app.path / "nowhere"),
        "i18n.logOutputEncoding": "UTF-16",
        "gpg.program": f"touch {trap}",
    }
    for name, value in settings.items():
        app.git("config", name, value)
    for name, value in {"GIT_DIR": "/nowhere", "GIT_CONFIG_COUNT": "x", "GIT_TRACE": "1", "GIT_WORK_TREE": "/"}.items():
        monkeypatch.setenv(name, value)
    assert compare(app, None) == before
    assert not trap.exists()


def test_a_clone_of_another_user_is_read(app: GitRepository, monkeypatch: pytest.MonkeyPatch) -> None:
    """Git does not check the owner of a configured folder."""
    sha = app.commit(files={"a.py": "1\n"})
    different_owner = {**git.environment(), "GIT_TEST_ASSUME_DIFFERENT_OWNER": "1"}
    monkeypatch.setattr(git, "environment", lambda: different_owner)
    assert [commit.sha for commit in compare(app, None)] == [sha]


def test_nothing_is_fetched(app: GitRepository, tmp_path: Path) -> None:
    """For a partial clone, no command contacts the remote."""
    app.commit(files={"a.py": "1\n"})
    app.git("config", "uploadpack.allowFilter", "true")
    app.git("clone", "--quiet", "--bare", "--filter=blob:none", f"file://{app.path}", str(tmp_path / "part" / "app"))
    part = GitRepository.__new__(GitRepository)
    part.path = tmp_path / "part" / "app"
    subprocess.run(["git", "-C", part.path, "config", "remote.origin.uploadpack", f"touch {tmp_path}/trap"], check=True)
    assert [files(commit) for commit in compare(part, None)] == [[("A", "a.py")]]
    assert not (tmp_path / "trap").exists()


def test_a_broken_repository_is_reported(app: GitRepository) -> None:
    """The error contains the message of git."""
    first = app.commit(files={"a.py": "1\n"})
    app.commit(files={"a.py": "2\n"})
    tree = app.git("rev-parse", f"{first}^{{tree}}")
    (app.path / ".git" / "objects" / tree[:2] / tree[2:]).unlink()
    with pytest.raises(ProviderUnavailable, match=f"git log: .*{tree}"):
        compare(app, None)


def test_git_that_takes_too_long_is_killed(app: GitRepository, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the time limit, which is below the hook's budget."""
    app.commit(files={"a.py": "1\n"})
    monkeypatch.setattr(history, "SECONDS", 0.0)
    monkeypatch.setattr(git, "command", lambda *_: ["sleep", "60"])
    with pytest.raises(ProviderUnavailable, match="took longer than 0 s"):
        read_history(app.path, None, "HEAD", 5)


def test_a_missing_git_is_reported(app: GitRepository, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error comes at startup, and from a call."""
    monkeypatch.setenv("PATH", str(app.path))
    with pytest.raises(ProviderError, match="put it on the PATH"):
        plugin.scm_startup()
    with pytest.raises(ProviderUnavailable, match="git cannot be started"):
        read_history(app.path, None, "HEAD", 5)


def test_the_number_of_changed_files_is_limited() -> None:
    """A commit beyond the limit, and the commits after it, are returned with fewer or no changes."""
    entry = ":000000 100644 0 1 A\0{}.py\0"
    commit = "{}\0Ada\0a@b.c\0002026-01-02T03:04:05+00:00\0M\n\0"
    stream = (commit.format("a") + "".join(map(entry.format, range(5))) + commit.format("b") + entry.format(9)).encode()
    found = list(parse([stream], most_changes=3))
    assert [(commit.sha, len(commit.changes)) for commit in found] == [("a", 3), ("b", 0)]


commits = st.builds(
    CommitDraft,
    sha=st.text("0123456789abcdef", min_size=40, max_size=40),
    message=st.text(st.characters(exclude_characters="\0", codec="utf-8")).map(str.strip),
    author_name=st.text(st.characters(exclude_characters="\0\n<>", codec="utf-8"), min_size=1),
    author_email=st.text("abc@.", min_size=1),
    timestamp=st.datetimes(timezones=st.just(UTC)).map(lambda moment: moment.replace(microsecond=0)),
    changes=st.lists(
        st.fixed_dictionaries(
            {
                "path": st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1),
                "type": st.sampled_from("AMD"),
            }
        )
    ).map(tuple),
)


def printed(commit: CommitDraft) -> bytes:
    """Return a commit in the output format of git."""
    moment = commit.timestamp.isoformat() if commit.timestamp else ""
    fields = [commit.sha, commit.author_name, commit.author_email, moment, commit.message]
    head = "".join(f"{field}\0" for field in fields)
    changes = "".join(f":100644 100644 0 1 {change.type}\0{change.path}\0" for change in commit.changes)
    return (f"{head}\0\n{changes}" if changes else f"{head}\0").encode()


@given(found=st.lists(commits, max_size=5), size=st.integers(1, 50))
def test_parsing_does_not_depend_on_block_sizes(found: list[CommitDraft], size: int) -> None:
    """The result is the same for blocks of any size."""
    stream = b"".join(map(printed, found))
    assert list(parse(stream[at : at + size] for at in range(0, len(stream), size))) == found
