"""Files that are renamed, new, or in another repository, and their pages."""

import os

import pytest

from command import GitRepository
from scmhost.checkout.formats import LinkedFrame
from scmhost.checkout.links import CheckoutLinks, LinkOverrides
from scmhost.frames import FrameMatch
from scmhost.frames.frame import Frame

pytestmark = pytest.mark.thorough

SHOP = "https://github.com/acme/shop/blob"
CART = "https://github.com/acme/cart/blob"
LINES = "".join(f"line {number}\n" for number in range(1, 21))


def link(path: str, line: int | None = 1, ref: str | None = None) -> LinkedFrame:
    (found,) = CheckoutLinks(LinkOverrides(ref=ref)).link([FrameMatch(Frame(path, line), 0, 0, 1)])
    return found


def reason(found: LinkedFrame) -> tuple[str, str]:
    assert found.url is None
    return found.reason, found.message


@pytest.fixture
def pushed(repository: GitRepository) -> GitRepository:
    """A checkout whose commit is pushed."""
    repository.commit("Second", {"lib/sum.py": LINES})
    repository.git("remote", "add", "origin", "https://github.com/acme/shop")
    repository.git("update-ref", "refs/remotes/origin/main", "HEAD")
    return repository


@pytest.fixture
def submodule(pushed: GitRepository) -> GitRepository:
    """A submodule of the checkout, whose recorded commit is pushed."""
    inner = GitRepository(pushed.path / "vendor/cart")
    sha = inner.commit("Inner", {"src/total.py": LINES})
    inner.git("remote", "add", "origin", "https://github.com/acme/cart")
    inner.git("update-ref", "refs/remotes/origin/main", "HEAD")
    pushed.git("update-index", "--add", "--cacheinfo", f"160000,{sha},vendor/cart")
    pushed.git("commit", "--quiet", "--message", "Submodule")
    pushed.git("update-ref", "refs/remotes/origin/main", "HEAD")
    return inner


def test_lines_move_with_unpushed_commits_and_edits(pushed: GitRepository) -> None:
    """The file on disk is compared with the commit that is pushed."""
    sha = pushed.shas()[0]
    pushed.commit("Third", {"lib/sum.py": f"new\n{LINES}"})
    (pushed.path / "lib/sum.py").write_text(f"newer\nnew\n{LINES}last\n", encoding="utf-8")
    assert link("lib/sum.py", 12).url == f"{SHOP}/{sha}/lib/sum.py#L10"
    assert link("lib/sum.py", 12).facts["changed"] is False
    for new in (1, 2, 23):
        assert link("lib/sum.py", new).facts["changed"] is True
    # A guess is not compared with the disk.
    assert link("/app/lib/sum.py", 12).url == f"{SHOP}/{sha}/lib/sum.py#L11"


def test_renamed_file_links_to_its_old_name(pushed: GitRepository) -> None:
    """The pushed commit has the file under the old name."""
    sha = pushed.shas()[0]
    pushed.git("mv", "lib/sum.py", "lib/total.py")
    pushed.commit("Rename", {"lib/total.py": f"new\n{LINES}"})
    assert link("lib/total.py", 6).url == f"{SHOP}/{sha}/lib/sum.py#L5"


def test_file_that_is_new_since_the_pushed_commit(pushed: GitRepository) -> None:
    """There is no dead link."""
    sha = pushed.shas()[0]
    pushed.commit("Third", {"fresh.py": "x\n"})
    assert reason(link("fresh.py")) == (
        "not_pushed",
        f"fresh.py is new since commit {sha[:12]}, the last that is pushed",
    )
    assert link("fresh.py", ref="HEAD").url


def test_history_without_pushed_commits(pushed: GitRepository) -> None:
    """Nothing of this branch is on the code host."""
    pushed.git("checkout", "--quiet", "--orphan", "other")
    pushed.commit("Other")
    assert reason(link("main.py")) == ("not_pushed", "no commit of this branch is pushed")


@pytest.mark.parametrize("path", ["lib/sum.py", "/app/lib/sum.py"])
def test_line_beyond_the_end_has_no_link(pushed: GitRepository, path: str) -> None:
    """The page would open at its start, as if the line was there."""
    assert link(path, 20).url
    assert reason(link(path, 21)) == ("line_not_found", "lib/sum.py has 20 lines")
    assert reason(link(path, 21, ref="HEAD")) == ("line_not_found", "lib/sum.py has 20 lines")
    assert link(path, 0).url
    assert link(path, None).url


def test_line_that_only_the_disk_has_is_changed(pushed: GitRepository) -> None:
    """It links to the end of the committed file."""
    (pushed.path / "lib/sum.py").write_text(f"{LINES}more\n", encoding="utf-8")
    found = link("lib/sum.py", 21)
    assert (found.facts["sourceLine"], found.facts["changed"]) == (20, True)


@pytest.mark.parametrize("text", ["a\rb\rc\r", "a\u2028b\u2029c", "a\x0cb\x0cc"])
def test_other_line_ends_count(pushed: GitRepository, text: str) -> None:
    """Some languages count them, so that a line is refused only if it exists by no way of counting."""
    pushed.commit("Ends", {"ends.js": text})
    pushed.git("update-ref", "refs/remotes/origin/main", "HEAD")
    assert link("ends.js", 3).url
    assert link("ends.js", 9).url is None


def test_line_ends_of_the_checkout_are_no_change(pushed: GitRepository) -> None:
    """Git for Windows converts them."""
    (pushed.path / "lib/sum.py").write_bytes(LINES.replace("\n", "\r\n").encode())
    assert link("lib/sum.py", 5).facts["changed"] is False


@pytest.mark.parametrize("committed", ["version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "\0GITCRYPT\0"])
def test_filtered_file_keeps_its_lines(pushed: GitRepository, committed: str) -> None:
    """The commit has a pointer or an encrypted file, which has no lines to compare."""
    pushed.commit("Filtered", {"data.py": committed})
    pushed.git("update-ref", "refs/remotes/origin/main", "HEAD")
    (pushed.path / "data.py").write_text(LINES, encoding="utf-8")
    found = link("data.py", 7)
    assert (found.facts["sourceLine"], found.facts["changed"]) == (7, False)


def test_uncommitted_file_has_a_reason(pushed: GitRepository) -> None:
    """It is on disk, and in no commit."""
    (pushed.path / "lib/fresh.py").write_text("x\n", encoding="utf-8")
    expected = ("not_committed", "lib/fresh.py is not committed")
    assert reason(link("lib/fresh.py")) == reason(link(f"{pushed.path}/lib/fresh.py")) == expected
    assert reason(link("lib/fresh.py", ref="HEAD"))[0] == "not_in_repository"
    assert reason(link(f"{pushed.path}/lib"))[0] == "file_not_found"


def test_uncommitted_package_is_no_file_of_the_repository(pushed: GitRepository) -> None:
    """Installed packages in the checkout's folder are not to be committed."""
    (pushed.path / "node_modules/x").mkdir(parents=True)
    (pushed.path / "node_modules/x/index.js").write_text("x\n", encoding="utf-8")
    assert reason(link("node_modules/x/index.js"))[0] == "not_in_repository"


@pytest.mark.parametrize("path", ["vendor/cart/src/total.py", "/app/vendor/cart/src/total.py", "/build/src/total.py"])
def test_submodule_links_to_its_own_remote(submodule: GitRepository, path: str) -> None:
    """The commit is the recorded one."""
    sha = submodule.shas()[0]
    submodule.commit("Later", {"src/total.py": f"new\n{LINES}"})
    found = link(path, 3)
    assert (found.url or "").startswith(f"{CART}/{sha}/src/total.py#L")
    assert found.facts["ref"] == sha


def test_edited_submodule_is_compared_with_the_recorded_commit(submodule: GitRepository) -> None:
    """Commits and edits in the submodule move its lines."""
    submodule.commit("Later", {"src/total.py": f"new\n{LINES}"})
    assert (link("vendor/cart/src/total.py", 3).url or "").endswith("/src/total.py#L2")
    assert reason(link("vendor/cart/src/total.py", 99))[0] == "line_not_found"


def test_unpushed_submodule_links_to_its_last_pushed_commit(submodule: GitRepository, pushed: GitRepository) -> None:
    """The recorded commit may be unpushed, like the checkout's own."""
    first = submodule.shas()[0]
    second = submodule.commit("Later", {"src/total.py": f"new\n{LINES}"})
    pushed.git("update-index", "--cacheinfo", f"160000,{second},vendor/cart")
    pushed.git("commit", "--quiet", "--message", "Later")
    assert link("vendor/cart/src/total.py", 3).url == f"{CART}/{first}/src/total.py#L2"


def test_submodule_without_a_remote_has_a_reason(submodule: GitRepository) -> None:
    """The rest of the checkout has links."""
    submodule.git("remote", "remove", "origin")
    assert reason(link("vendor/cart/src/total.py"))[0] == "repository_without_url"
    assert link("main.py").url


def test_submodule_that_is_not_checked_out_is_skipped(submodule: GitRepository) -> None:
    """Its files are not known, and its folder is no file."""
    (submodule.path / ".git").rename(submodule.path / "git")
    assert link("vendor/cart/src/total.py").url is None
    assert link("vendor/cart").url is None
    assert link("main.py").url


@pytest.mark.parametrize("absolute", [True, False])
def test_worktree_in_the_checkout_links_to_its_own_commit(pushed: GitRepository, absolute: bool) -> None:
    """Other worktrees are often kept in a folder of the first one."""
    old = pushed.shas()[0]
    pushed.git("branch", "old")
    pushed.git("worktree", "add", "--quiet", "trees/old", "old")
    pushed.commit("Third", {"lib/sum.py": f"new\n{LINES}", ".gitignore": "trees\n"})
    pushed.git("update-ref", "refs/remotes/origin/main", "HEAD")
    path = f"{pushed.path}/trees/old/lib/sum.py" if absolute else "trees/old/lib/sum.py"
    assert link(path, 4).url == f"{SHOP}/{old}/lib/sum.py#L4"
    (pushed.path / "trees/old/own.py").write_text("x\n", encoding="utf-8")
    assert reason(link("trees/old/own.py"))[0] == "not_committed"


def test_command_in_a_nested_worktree_reads_that_one(pushed: GitRepository, monkeypatch: pytest.MonkeyPatch) -> None:
    """The innermost checkout counts."""
    old = pushed.shas()[0]
    pushed.git("branch", "old")
    pushed.git("worktree", "add", "--quiet", "trees/old", "old")
    pushed.commit("Third", {"lib/sum.py": None})
    monkeypatch.chdir(pushed.path / "trees/old/lib")
    assert link("sum.py", 4).url == f"{SHOP}/{old}/lib/sum.py#L4"


def test_pipes_and_devices_are_not_read(pushed: GitRepository) -> None:
    """A checkout may have a named pipe in place of a file, which would block."""
    (pushed.path / "main.py").unlink()
    os.mkfifo(pushed.path / "main.py")
    assert link("main.py", 2).url
    (pushed.path / "lib/sum.py").unlink()
    (pushed.path / "lib/sum.py").symlink_to("/dev/zero")
    assert link("lib/sum.py", 2).url


def test_docker_folder_is_no_system_code(pushed: GitRepository) -> None:
    """``/usr/src/app`` is the usual folder of an image; packages in it stay packages."""
    for folder in ("app", "myapp", "shop"):
        assert link(f"/usr/src/{folder}/lib/sum.py", 2).url
    assert link("/usr/src/app/node_modules/sum.py", 2).url is None
    assert link("/usr/src/linux-headers-6.1/sum.py", 2).url is None


def test_one_process_reads_all_files(pushed: GitRepository) -> None:
    """Answers of several blocks are kept apart."""
    files = {f"many/f{number}.py": LINES for number in range(300)}
    pushed.commit("Many", files)
    pushed.git("update-ref", "refs/remotes/origin/main", "HEAD")
    links = CheckoutLinks(LinkOverrides())
    frames = [FrameMatch(Frame(name, 3), 0, 0, 1) for name in files]
    assert all(found.url for found in links.link(frames))
