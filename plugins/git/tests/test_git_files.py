"""Whether a file exists at a commit, and what a ref is: asked of processes that are kept."""

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
from scmhost_git import clones, plugin, questions
from scmhost_git.forms import Settings

YES, NO, UNKNOWN = Existence.YES, Existence.NO, Existence.UNKNOWN
INSTALLATION = Installation(id=3, organization_id=1, provider="git", name="disk", external_id="1")


@pytest.fixture
def app(tmp_path: Path) -> GitRepository:
    return GitRepository(tmp_path / "app")


@pytest.fixture(autouse=True)
def processes_end() -> Iterator[None]:
    """No process of git outlives its test."""
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
        settings=Settings(root=path.parent, **chosen),
    )


def resolve(path: Path, ref: str | None) -> ResolvedRef | None:
    return plugin.scm_resolve_ref(
        installation=INSTALLATION, repository=repository(path), ref=ref, settings=Settings(root=path.parent)
    )


def pids() -> list[int]:
    """The processes of git that are kept, the one asked longest ago first."""
    kept = clones.QUESTIONS._kept.values()
    return [item._process._process.pid for item in kept if item._process]


def test_a_file_exists_at_the_commits_that_have_it(app: GitRepository) -> None:
    """The answer is of the very commit: before, between and after."""
    first = app.commit(files={"a.py": "1\n"})
    second = app.commit(files={"dir/b.py": "1\n"})
    third = app.commit(files={"a.py": None})
    assert [exists(app.path, sha, "a.py") for sha in (first, second, third)] == [YES, YES, NO]
    assert [exists(app.path, sha, "dir/b.py") for sha in (first, second, third)] == [NO, YES, YES]
    assert len(pids()) == 1


@pytest.mark.parametrize(
    "path", ["", "dir", "dir/", "/a.py", "./a.py", "dir/../a.py", "a.py/x", "a.py\0", "A.PY", "sub"]
)
def test_what_is_no_file_does_not_exist(app: GitRepository, path: str) -> None:
    """Folders, submodules and paths that no file of a repository has."""
    app.commit(files={"a.py": "1\n", "dir/b.py": "1\n"})
    app.git("update-index", "--add", "--cacheinfo", f"160000,{app.shas()[0]},sub")
    app.git("commit", "--quiet", "-m", "Submodule")
    assert exists(app.path, "main", path, "branch") is NO


def test_what_the_clone_does_not_have_nobody_knows(app: GitRepository) -> None:
    """A commit or a ref that was not fetched yet lets the link stand."""
    app.commit(files={"a.py": "1\n"})
    unknown = [("f" * 40, "commit"), ("abc1234", "commit"), ("v9", "tag"), ("gone", "branch"), ("a b", "branch")]
    assert [exists(app.path, ref, "a.py", kind) for ref, kind in unknown] == [UNKNOWN] * len(unknown)


def test_new_commits_and_moved_branches_are_seen_at_once(app: GitRepository) -> None:
    """The process that is kept answers by what the clone has now, through fetches, repacks and new clones."""
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
    """Who asks next gets an answer all the same."""
    sha = app.commit(files={"a.py": "1\n"})
    for _ in range(3):
        assert exists(app.path, sha, "a.py") is YES
        (pid,) = pids()
        os.kill(pid, signal.SIGKILL)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert exists(app.path, sha, "a.py") is YES


def test_processes_are_bounded_and_end(app: GitRepository) -> None:
    """The ones asked longest ago end first; at the end of the service all do."""
    sha = app.commit(files={"a.py": "1\n"})
    clones_of_it = [app.path.parent / f"{number}.git" for number in range(4)]
    for path in clones_of_it:
        app.git("clone", "--quiet", "--bare", ".", str(path))
    for path in [*clones_of_it, clones_of_it[2]]:
        assert exists(path, sha, "a.py", processes=2) is YES
    kept = pids()
    assert len(kept) == 2
    assert exists(clones_of_it[3], sha, "a.py", processes=2) is YES
    assert pids() == kept[::-1]
    plugin.scm_shutdown()
    assert pids() == []
    for pid in kept:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_many_may_ask_at_once(app: GitRepository) -> None:
    """Each thread gets the answer to its own question, while processes die and are over the limit."""
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


def test_git_that_does_not_answer_is_ended(app: GitRepository, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hanging git costs its question, and the next one is answered."""
    sha = app.commit(files={"a.py": "1\n"})
    with monkeypatch.context() as patched:
        patched.setattr(questions, "SECONDS", 0.05)
        patched.setattr(questions.git, "command", lambda *_: ["sleep", "60"])
        with pytest.raises(ProviderUnavailable, match=r"did not answer within 0\.05 s"):
            exists(app.path, sha, "a.py")
    assert pids() == []
    assert exists(app.path, sha, "a.py") is YES


def test_waiting_for_others_has_an_end(app: GitRepository, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who cannot ask because others do is told so."""
    sha = app.commit(files={"a.py": "1\n"})
    assert exists(app.path, sha, "a.py") is YES
    monkeypatch.setattr(questions, "SECONDS", 0.05)
    (kept,) = clones.QUESTIONS._kept.values()
    with kept._lock, pytest.raises(ProviderUnavailable, match="busy with other questions"):
        exists(app.path, sha, "a.py")
    kept._is_over = True
    with pytest.raises(ProviderUnavailable, match="about to end"):
        exists(app.path, sha, "a.py")
    kept._is_over = False


def test_a_repository_that_git_cannot_read_is_told(app: GitRepository) -> None:
    """A format that this git does not know, and the way to find out."""
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


def test_hard_names_are_found_as_they_are(app: GitRepository) -> None:
    """Nothing in a name is read as anything but a name: no expression, no pattern, no second question."""
    app.commit(files={"a": "1\n"})
    for name in HARD:
        assert exists(app.path, "main", name, "branch") is NO, name
    app.commit(files=dict.fromkeys(HARD, "1\n"))
    for name in HARD:
        assert exists(app.path, "main", name, "branch") is YES, name
    assert exists(app.path, "main", "x.py", "branch") is NO


def test_a_name_that_looks_like_a_description_is_a_name(app: GitRepository) -> None:
    """Git reads lib-g1234567 as the object of that id; the file of that name is what is meant."""
    sha = app.commit(files={"a.py": "1\n"})
    names = [f"lib-g{app.git('rev-parse', what)[:9]}" for what in ("main", "main:a.py")]
    assert [exists(app.path, sha, name) for name in names] == [NO, NO]
    there = app.commit(files=dict.fromkeys(names, "1\n"))
    assert [exists(app.path, there, name) for name in names] == [YES, YES]


def test_a_name_that_is_no_utf_8_is_not_denied(app: GitRepository) -> None:
    """Such a name came to scmhost with a replacement character; whether it exists nobody can tell."""
    (app.path / os.fsdecode(b"\xff.py")).write_text("1\n", encoding="utf-8")
    sha = app.commit()
    assert exists(app.path, sha, "\ufffd.py") is UNKNOWN


def test_a_partial_clone_knows_its_names(app: GitRepository) -> None:
    """A file whose content was not fetched exists, and asking for it does not fetch it."""
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


def test_a_long_question_has_an_end(app: GitRepository, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where git is started for one question, its time is bounded as well; a repository needs no configuration."""
    sha = app.commit(files={"a.py": "1\n"})
    (app.path / ".git" / "config").unlink()
    assert exists(app.path, sha, "a\n.py") is NO
    monkeypatch.setattr("scmhost_git.git._SECONDS", 0.05)
    monkeypatch.setattr("scmhost_git.git.command", lambda *_: ["sleep", "60"])
    with pytest.raises(ProviderUnavailable, match=r"ls-tree took longer than 0\.05 s"):
        clones.answer(app.path, "ls-tree")


def test_a_commit_without_its_folders_is_told(app: GitRepository) -> None:
    """A clone without folders cannot tell; the reason is in the answer."""
    sha = app.commit(files={"a.py": "1\n"})
    app.git("config", "extensions.partialClone", "origin")
    tree = app.git("rev-parse", f"{sha}^{{tree}}")
    (app.path / ".git" / "objects" / tree[:2] / tree[2:]).unlink()
    with pytest.raises(ProviderUnavailable, match="cannot read the folders"):
        exists(app.path, sha, "a.py")


def test_a_repository_of_sha_256_is_one_like_any_other(tmp_path: Path) -> None:
    """Ids of 64 digits are commits, too."""
    path = tmp_path / "app"
    subprocess.run(["git", "init", "--quiet", "--object-format=sha256", "--initial-branch=main", path], check=True)
    app = GitRepository(path)
    sha = app.commit(files={"a.py": "1\n"})
    assert len(sha) == 64
    assert [exists(path, sha, "a.py"), exists(path, sha, "b.py")] == [YES, NO]
    assert resolve(path, "main") == ResolvedRef(name="main", kind="branch", sha=sha)


def test_a_ref_is_told_with_kind_and_commit(app: GitRepository) -> None:
    """Branches, tags of both sorts, whole and short ids; a tag goes before a branch of its name, as for git."""
    first = app.commit(files={"a.py": "1\n"})
    app.git("tag", "v1")
    app.git("tag", "-a", "-m", "Two", "v2")
    app.git("branch", "feature/x")
    app.git("branch", "v1")
    app.git("branch", "beef")
    second = app.commit(files={"a.py": "2\n"})
    told = {ref: resolve(app.path, ref) for ref in ("main", "v1", "v2", "feature/x", "beef", second, first[:7])}
    assert {ref: (found.name, found.kind, found.sha) for ref, found in told.items() if found} == {
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
    """In a bare clone HEAD's; in a checkout that of its remote, where links lead; nowhere when there is none."""
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
def test_the_answer_is_that_of_the_list_of_files(grown: GitRepository, path: list[str], ref: str) -> None:
    """A file exists when git lists it, and no other way."""
    listed = grown.git("ls-tree", "-r", "-z", "--name-only", ref).split("\0")
    name = "/".join(path)
    kind = "tag" if ref == "old" else "branch"
    assert exists(grown.path, ref, name, kind) is (YES if name and name in listed else NO)
