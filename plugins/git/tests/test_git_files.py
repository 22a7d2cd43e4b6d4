"""Whether a file exists at a commit, and what a ref refers to, answered by kept git processes."""

import os
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from shutil import rmtree
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from command import GitRepository
from scmhost.sdk import Existence, Installation, Location, ProviderUnavailable, Repository, ResolvedRef
from scmhost_git import git, object_lookup, plugin
from scmhost_git.forms import GitSettings
from scmhost_git.repository import LOOKUP

YES, NO, UNKNOWN = Existence.YES, Existence.NO, Existence.UNKNOWN
INSTALLATION = Installation(id=3, organization_id=1, provider="git", name="disk", external_id="1")


@pytest.fixture
def app(tmp_path: Path) -> GitRepository:
    return GitRepository(tmp_path / "app")


@pytest.fixture(autouse=True)
def processes_end() -> Iterator[None]:
    """End all git processes after each test."""
    yield
    plugin.scm_shutdown()


def repository(path: Path) -> Repository:
    moment = datetime(2026, 1, 2, tzinfo=UTC)
    return Repository(id=5, organization_id=1, name="x", configuration={"path": path.name}, created_at=moment)


def exists(path: Path, ref: str, file: str, kind: Any = "commit", **chosen: int) -> Existence:
    return plugin.scm_file_exists(
        installation=INSTALLATION,
        repository=repository(path),
        location=Location(ref=ref, ref_kind=kind, path=file),
        settings=GitSettings(root=path.parent, **chosen),
    )


def resolve(path: Path, ref: str | None) -> ResolvedRef | None:
    return plugin.scm_resolve_ref(
        installation=INSTALLATION, repository=repository(path), ref=ref, settings=GitSettings(root=path.parent)
    )


def pids() -> list[int]:
    """Return the ids of the kept git processes, the least recently used first."""
    kept = LOOKUP._kept.values()
    return [item.process.pid for item in kept if item.process]


def test_a_file_exists_at_the_commits_that_have_it(app: GitRepository) -> None:
    """The answer is that of the given commit: before, between and after changes."""
    first = app.commit(files={"a.py": "1\n"})
    second = app.commit(files={"dir/b.py": "1\n"})
    third = app.commit(files={"a.py": None})
    assert [exists(app.path, sha, "a.py") for sha in (first, second, third)] == [YES, YES, NO]
    assert [exists(app.path, sha, "dir/b.py") for sha in (first, second, third)] == [NO, YES, YES]
    assert len(pids()) == 1


@pytest.mark.parametrize(
    "path", ["", "dir", "dir/", "/a.py", "./a.py", "dir/../a.py", "a.py/x", "a.py\0", "A.PY", "sub"]
)
def test_other_objects_and_invalid_paths_do_not_exist(app: GitRepository, path: str) -> None:
    """Folders, submodules and invalid paths are not files."""
    app.commit(files={"a.py": "1\n", "dir/b.py": "1\n"})
    app.git("update-index", "--add", "--cacheinfo", f"160000,{app.shas()[0]},sub")
    app.git("commit", "--quiet", "-m", "Submodule")
    assert exists(app.path, "main", path, "branch") is NO


def test_an_unfetched_ref_gives_an_unknown_answer(app: GitRepository) -> None:
    """For a commit or a ref that was not fetched yet, the answer is unknown."""
    app.commit(files={"a.py": "1\n"})
    unknown = [("f" * 40, "commit"), ("abc1234", "commit"), ("v9", "tag"), ("gone", "branch"), ("a b", "branch")]
    assert [exists(app.path, ref, "a.py", kind) for ref, kind in unknown] == [UNKNOWN] * len(unknown)


def test_new_commits_and_moved_branches_are_used_immediately(app: GitRepository) -> None:
    """The kept process uses the current state of the clone after fetches, repacks and new clones."""
    first = app.commit(files={"a.py": "1\n"})
    app.git("clone", "--quiet", "--mirror", ".", "../mirror.git")
    mirror = app.path.parent / "mirror.git"
    assert exists(mirror, "main", "b.py", "branch") is NO
    (pid,) = pids()
    second = app.commit(files={"b.py": "1\n"})
    assert exists(mirror, second, "b.py") is UNKNOWN
    app.git("-C", str(mirror), "fetch", "--quiet")
    assert [exists(mirror, second, "b.py"), exists(mirror, "main", "b.py", "branch")] == [YES, YES]
    app.git("-C", str(mirror), "gc", "--quiet", "--prune=now")
    assert [exists(mirror, second, "b.py"), exists(mirror, first, "a.py")] == [YES, YES]
    assert pids() == [pid]
    rmtree(mirror)
    assert_unavailable(mirror, first)
    app.git("checkout", "--quiet", "--orphan", "new")
    third = app.commit(files={"c.py": "1\n"})
    app.git("clone", "--quiet", "--mirror", "--no-local", "--single-branch", "--branch=new", ".", str(mirror))
    assert [exists(mirror, third, "c.py"), exists(mirror, first, "a.py")] == [YES, UNKNOWN]


def assert_unavailable(path: Path, ref: str) -> None:
    with pytest.raises(ProviderUnavailable, match=f"no git repository '{path.name}'"):
        exists(path, ref, "a.py")


def test_a_process_that_was_killed_is_replaced(app: GitRepository) -> None:
    """The next lookup starts a new process."""
    sha = app.commit(files={"a.py": "1\n"})
    for _ in range(3):
        assert exists(app.path, sha, "a.py") is YES
        (pid,) = pids()
        os.kill(pid, signal.SIGKILL)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert exists(app.path, sha, "a.py") is YES


def test_processes_are_bounded_and_end(app: GitRepository) -> None:
    """The least recently used processes end first; at shutdown all end."""
    sha = app.commit(files={"a.py": "1\n"})
    clones = [app.path.parent / f"{number}.git" for number in range(4)]
    for path in clones:
        app.git("clone", "--quiet", "--bare", ".", str(path))
    for path in [*clones, clones[2]]:
        assert exists(path, sha, "a.py", processes=2) is YES
    kept = pids()
    assert len(kept) == 2
    assert exists(clones[3], sha, "a.py", processes=2) is YES
    assert pids() == kept[::-1]
    plugin.scm_shutdown()
    assert pids() == []
    for pid in kept:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_lookups_from_many_threads(app: GitRepository) -> None:
    """Each thread gets its own answer, while processes are killed and exceed the limit."""
    app.commit(files={f"{number}.py": "1\n" for number in range(0, 100, 2)})
    paths = [app.path]
    for number in range(3):
        paths.append(app.path.parent / f"{number}.git")
        app.git("clone", "--quiet", "--bare", ".", str(paths[-1]))

    def ask(number: int) -> bool:
        if number % 50 == 0:
            for pid in pids():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        expected = NO if number % 2 else YES
        return exists(paths[number % 4], "main", f"{number % 100}.py", "branch", processes=2) is expected

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(600)))


def test_a_hanging_git_process_is_killed(app: GitRepository, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hanging process fails one lookup; the next lookup works."""
    sha = app.commit(files={"a.py": "1\n"})
    with monkeypatch.context() as patched:
        patched.setattr(object_lookup, "SECONDS", 0.05)
        patched.setattr(git, "command", lambda *_: ["sleep", "60"])
        with pytest.raises(ProviderUnavailable, match=r"did not answer within 0\.05 s"):
            exists(app.path, sha, "a.py")
    assert pids() == []
    assert exists(app.path, sha, "a.py") is YES


def test_waiting_for_other_threads_is_limited(app: GitRepository, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lookup that waits too long for other threads, or comes at shutdown, is refused."""
    sha = app.commit(files={"a.py": "1\n"})
    assert exists(app.path, sha, "a.py") is YES
    monkeypatch.setattr(object_lookup, "SECONDS", 0.05)
    (kept,) = LOOKUP._kept.values()
    with kept._lock, pytest.raises(ProviderUnavailable, match="busy with other questions"):
        exists(app.path, sha, "a.py")
    kept._is_closed = True
    with pytest.raises(ProviderUnavailable, match="about to end"):
        exists(app.path, sha, "a.py")
    kept._is_closed = False


def test_an_unreadable_repository_is_reported(app: GitRepository) -> None:
    """For an unknown storage format, the error names the command to run."""
    sha = app.commit(files={"a.py": "1\n"})
    app.git("config", "core.repositoryFormatVersion", "99")
    with pytest.raises(ProviderUnavailable, match="git fsck"):
        exists(app.path, sha, "a.py")


HARD = [
    "a\nb.py",
    "-x",
    " b ",
    "a:b",
    "a^0",
    "b~1",
    "c^{}",
    "d@{1}",
    ":/x",
    "*.py",
    "ünï/ö",
    "q\"'\\",
    "a\tb",
    "^x",
    "\n",
]


def test_names_with_special_characters_are_found(app: GitRepository) -> None:
    """A name is never read as an expression, a pattern or a second name."""
    app.commit(files={"a": "1\n"})
    for name in HARD:
        assert exists(app.path, "main", name, "branch") is NO, name
    app.commit(files=dict.fromkeys(HARD, "1\n"))
    for name in HARD:
        assert exists(app.path, "main", name, "branch") is YES, name
    assert exists(app.path, "main", "x.py", "branch") is NO


def test_a_name_that_looks_like_a_description_is_a_name(app: GitRepository) -> None:
    """Git would read lib-g1234567 as an object id; the plugin finds the file of that name."""
    sha = app.commit(files={"a.py": "1\n"})
    names = [f"lib-g{app.git('rev-parse', what)[:9]}" for what in ("main", "main:a.py")]
    assert [exists(app.path, sha, name) for name in names] == [NO, NO]
    there = app.commit(files=dict.fromkeys(names, "1\n"))
    assert [exists(app.path, there, name) for name in names] == [YES, YES]


def test_a_name_that_is_not_utf_8_gives_an_unknown_answer(app: GitRepository) -> None:
    """Its bytes were replaced before, so that the file cannot be looked up."""
    (app.path / os.fsdecode(b"\xff.py")).write_text("1\n", encoding="utf-8")
    sha = app.commit()
    assert exists(app.path, sha, "\ufffd.py") is UNKNOWN


def test_a_partial_clone_knows_its_names(app: GitRepository) -> None:
    """A file whose content was not fetched exists, and looking it up does not fetch it."""
    sha = app.commit(files={"a.py": "1\n", "dir/b.py": "2\n"})
    app.git("config", "uploadpack.allowFilter", "true")
    part = app.path.parent / "part.git"
    app.git("clone", "--quiet", "--bare", "--filter=blob:none", f"file://{app.path}", str(part))
    trap = app.path.parent / "trap"
    app.git("-C", str(part), "config", "remote.origin.uploadpack", f"touch {trap};")
    assert [exists(part, sha, name) for name in ("a.py", "dir/b.py", "dir", "c.py")] == [YES, YES, NO, NO]
    assert not trap.exists()
    with pytest.raises(subprocess.CalledProcessError):
        app.git("-C", str(part), "cat-file", "-p", f"{sha}:a.py")
    assert trap.exists()


def test_a_single_command_has_a_time_limit(app: GitRepository, monkeypatch: pytest.MonkeyPatch) -> None:
    """A git process for one command is killed after the time limit; a repository may lack a configuration file."""
    sha = app.commit(files={"a.py": "1\n"})
    (app.path / ".git" / "config").unlink()
    assert exists(app.path, sha, "a\n.py") is NO
    monkeypatch.setattr("scmhost_git.git._SECONDS", 0.05)
    monkeypatch.setattr("scmhost_git.git.command", lambda *_: ["sleep", "60"])
    with pytest.raises(ProviderUnavailable, match=r"ls-tree took longer than 0\.05 s"):
        git.output(app.path, "ls-tree")


def test_a_commit_without_its_folders_is_reported(app: GitRepository) -> None:
    """If a partial clone lacks the folders of a commit, the error reports them."""
    sha = app.commit(files={"a.py": "1\n"})
    app.git("config", "extensions.partialClone", "origin")
    tree = app.git("rev-parse", f"{sha}^{{tree}}")
    (app.path / ".git" / "objects" / tree[:2] / tree[2:]).unlink()
    with pytest.raises(ProviderUnavailable, match="cannot read the folders"):
        exists(app.path, sha, "a.py")


def test_a_repository_with_sha_256_ids(tmp_path: Path) -> None:
    """Ids of 64 digits are commits too."""
    path = tmp_path / "app"
    subprocess.run(["git", "init", "--quiet", "--object-format=sha256", "--initial-branch=main", path], check=True)
    app = GitRepository(path)
    sha = app.commit(files={"a.py": "1\n"})
    assert len(sha) == 64
    assert [exists(path, sha, "a.py"), exists(path, sha, "b.py")] == [YES, NO]
    assert resolve(path, "main") == ResolvedRef(name="main", kind="branch", sha=sha)


def test_a_ref_is_resolved_to_kind_and_commit(app: GitRepository) -> None:
    """Branches, both kinds of tag, full and short ids; as in git, a tag takes precedence over a branch of its name."""
    first = app.commit(files={"a.py": "1\n"})
    app.git("tag", "v1")
    app.git("tag", "-a", "-m", "Two", "v2")
    app.git("branch", "feature/x")
    app.git("branch", "v1")
    app.git("branch", "beef")
    second = app.commit(files={"a.py": "2\n"})
    resolved = {ref: resolve(app.path, ref) for ref in ("main", "v1", "v2", "feature/x", "beef", second, first[:7])}
    assert {ref: (found.name, found.kind, found.sha) for ref, found in resolved.items() if found} == {
        "main": ("main", "branch", second),
        "v1": ("v1", "tag", first),
        "v2": ("v2", "tag", first),
        "feature/x": ("feature/x", "branch", first),
        "beef": ("beef", "branch", first),
        second: (second, "commit", second),
        first[:7]: (first, "commit", first),
    }
    nothing = ["gone", "feature", "--all", "main^", "v1..v2", "f" * 40, ""]
    assert [resolve(app.path, ref) for ref in nothing] == [None] * len(nothing)


def test_the_default_branch_is_that_of_head(app: GitRepository) -> None:
    """It is the branch of HEAD in a bare clone, and of the remote's HEAD in a checkout; a detached HEAD has none."""
    assert resolve(app.path, None) is None
    app.git("checkout", "--quiet", "-b", "trunk")
    first = app.commit(files={"a.py": "1\n"})
    app.git("clone", "--quiet", "--bare", ".", "../bare.git")
    app.git("clone", "--quiet", ".", "../checkout")
    checkout = app.path.parent / "checkout"
    app.git("-C", str(checkout), "checkout", "--quiet", "-b", "mine")
    second = app.commit(files={"b.py": "1\n"})
    app.git("-C", str(checkout), "fetch", "--quiet")
    trunk = [ResolvedRef(name="trunk", kind="branch", sha=sha) for sha in (first, second)]
    assert [resolve(app.path.parent / "bare.git", ref) for ref in (None, "HEAD")] == [trunk[0]] * 2
    assert [resolve(checkout, ref) for ref in (None, "trunk")] == [trunk[1]] * 2
    assert exists(checkout, "HEAD", "b.py", "branch") is YES
    app.git("checkout", "--quiet", "--detach")
    assert resolve(app.path, None) is None


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> GitRepository:
    """A repository with a few names in a few folders, at two commits."""
    made = GitRepository(tmp_path_factory.mktemp("grown") / "app")
    made.commit(files={"a": "1", "b/a": "1", "b/c/a": "1", "-g12": "1", "c:a": "1", "b/a-g1234567": "1"})
    made.git("tag", "old")
    made.commit(files={"a": None, "b/c/a": None, "x\ny": "1"})
    return made


@settings(max_examples=60)
@given(
    path=st.lists(st.sampled_from(["a", "b", "c", "-g12", "c:a", "a-g1234567", "x\ny", "", ".", ".."]), max_size=4),
    ref=st.sampled_from(["old", "main"]),
)
def test_the_answer_agrees_with_the_list_of_files(grown: GitRepository, path: list[str], ref: str) -> None:
    """A file exists exactly if ``git ls-tree`` lists it."""
    listed = grown.git("ls-tree", "-r", "-z", "--name-only", ref).split("\0")
    name = "/".join(path)
    kind = "tag" if ref == "old" else "branch"
    assert exists(grown.path, ref, name, kind) is (YES if name and name in listed else NO)
