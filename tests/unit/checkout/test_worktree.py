"""The state of a checkout: root, commit, files, remote and edited lines."""

from pathlib import Path

import pytest

from command import GitRepository
from scmhost.checkout.changed_files import ChangedFiles, CommittedLine
from scmhost.checkout.worktree import NoCheckout, read_checkout

URL = "https://github.com/acme/shop.git"
OTHER = "https://gitlab.com/acme/shop.git"


def test_checkout_has_root_commit_and_files(repository: GitRepository) -> None:
    """At the top folder the prefix is empty, and nothing is known about a remote."""
    checkout = read_checkout()
    assert Path(checkout.root) == repository.path.resolve()
    assert (checkout.prefix, checkout.commit) == ("", repository.shas()[0])
    assert list(checkout.files) == ["main.py", "shop/cart.py"]
    assert (checkout.remote, checkout.kind, checkout.template, checkout.pushed) == (None, None, None, None)


def test_subfolder_has_a_prefix_and_the_same_files(repository: GitRepository, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are relative to the top folder, wherever the command runs."""
    monkeypatch.chdir(repository.path / "shop")
    checkout = read_checkout()
    assert (checkout.prefix, [*checkout.files]) == ("shop/", ["main.py", "shop/cart.py"])
    assert Path(checkout.root) == repository.path.resolve()
    assert Path(checkout.cache).resolve() == repository.path.resolve() / ".git/scmhost-pages.json"


def test_files_are_those_of_the_commit(repository: GitRepository) -> None:
    """Files that are only on disk or in the index are not part of the commit."""
    (repository.path / "fresh.py").write_text("x\n", encoding="utf-8")
    repository.git("add", "fresh.py")
    (repository.path / "main.py").unlink()
    assert list(read_checkout().files) == ["main.py", "shop/cart.py"]


def test_odd_names_of_files_are_exact(repository: GitRepository) -> None:
    """Blanks, quotes and other letters are kept."""
    names = ("a b.py", 'quo"te.py', "ä.py")
    repository.commit("Odd", dict.fromkeys(names, "x\n"))
    assert set(names) < set(read_checkout().files)


@pytest.mark.parametrize("ref", ["v1", "side", "refs/tags/v1", "HEAD~1"])
def test_ref_selects_another_commit(repository: GitRepository, ref: str) -> None:
    """A tag, a branch or a relative name selects a commit with its own files."""
    repository.git("tag", "--annotate", "--message", "One", "v1")
    repository.git("branch", "side")
    first = repository.shas()[0]
    repository.commit("Second", {"new.py": "x\n"})
    checkout = read_checkout(ref)
    assert (checkout.commit, [*checkout.files]) == (first, ["main.py", "shop/cart.py"])


@pytest.mark.parametrize("ref", ["v9", "", "--all", "HEAD^{tree}", "main..HEAD", "\u202e"])
def test_unknown_ref_is_an_error(repository: GitRepository, ref: str) -> None:
    """The error names a ref that is no commit; git never reads the ref as an option."""
    with pytest.raises(NoCheckout, match=r"unknown ref .* fetch it first"):
        read_checkout(ref)


def test_folder_without_git_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message has both ways out."""
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    with pytest.raises(NoCheckout, match="not in a git checkout; change into one, or select a project"):
        read_checkout()


def test_repository_without_commit_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is nothing to link to."""
    monkeypatch.chdir(GitRepository(tmp_path / "fresh").path)
    with pytest.raises(NoCheckout, match="no commit yet"):
        read_checkout()


def test_bare_repository_has_no_checkout(
    repository: GitRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its files are on no disk."""
    repository.git("clone", "--quiet", "--bare", ".", str(tmp_path / "bare.git"))
    monkeypatch.chdir(tmp_path / "bare.git")
    with pytest.raises(NoCheckout, match="a bare git repository, and not a checkout"):
        read_checkout()


def test_linked_worktree_is_a_checkout(
    repository: GitRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``git worktree`` puts a checkout elsewhere; its folder and commit are its own."""
    repository.git("branch", "side")
    repository.commit("Second", {"new.py": "x\n"})
    repository.git("worktree", "add", "--quiet", str(tmp_path / "tree"), "side")
    monkeypatch.chdir(tmp_path / "tree")
    checkout = read_checkout()
    assert Path(checkout.root) == (tmp_path / "tree").resolve()
    assert checkout.commit == repository.shas("side")[0]


def test_only_remote_is_used(repository: GitRepository) -> None:
    """A single remote needs no special name."""
    repository.git("remote", "add", "forge", URL)
    assert read_checkout().remote == URL


def test_origin_is_preferred_to_other_remotes(repository: GitRepository) -> None:
    """Without a remote of the branch, ``origin`` is the default, then ``upstream``, then the first."""
    repository.git("remote", "add", "forge", OTHER)
    repository.git("remote", "add", "origin", URL)
    assert read_checkout().remote == URL
    repository.git("remote", "rename", "origin", "upstream")
    assert read_checkout().remote == URL
    repository.git("remote", "rename", "upstream", "third")
    assert read_checkout().remote == OTHER


def test_remote_of_the_branch_is_preferred_to_origin(repository: GitRepository) -> None:
    """The branch that is checked out names its remote; a detached HEAD has none."""
    repository.git("remote", "add", "origin", URL)
    repository.git("remote", "add", "forge", OTHER)
    repository.git("config", "branch.main.remote", "forge")
    assert read_checkout().remote == OTHER
    repository.git("checkout", "--quiet", "--detach")
    assert read_checkout().remote == URL


def test_branch_that_tracks_a_local_branch_uses_origin(repository: GitRepository) -> None:
    """Git writes ``.`` as the remote of such a branch."""
    repository.git("remote", "add", "origin", URL)
    repository.git("config", "branch.main.remote", ".")
    assert read_checkout().remote == URL


def test_setting_names_the_remote(repository: GitRepository) -> None:
    """``scmhost.remote`` is the name of a remote or a URL; an argument is stronger."""
    repository.git("remote", "add", "origin", URL)
    repository.git("remote", "add", "forge", OTHER)
    repository.git("config", "scmhost.remote", "forge")
    assert read_checkout().remote == OTHER
    assert read_checkout(remote="origin").remote == URL
    repository.git("config", "scmhost.remote", "https://codeberg.org/acme/shop")
    assert read_checkout().remote == "https://codeberg.org/acme/shop"


def test_remote_with_several_urls_uses_the_first(repository: GitRepository) -> None:
    """Git fetches from the first URL, and only pushes to the others."""
    repository.git("remote", "add", "origin", URL)
    repository.git("remote", "set-url", "--add", "origin", OTHER)
    assert read_checkout().remote == repository.git("remote", "get-url", "origin") == URL


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("gh:acme/shop", "https://github.com/acme/shop"),
        ("github:acme/shop", "https://github.com/acme/shop"),
        ("gh:team/x", "https://git.team.example/x"),
        ("https://gh:acme", "https://gh:acme"),
    ],
)
def test_short_urls_are_rewritten_as_by_git(repository: GitRepository, url: str, expected: str) -> None:
    """Of several prefixes the longest applies, and one base may have several prefixes."""
    repository.git("config", "--add", "url.https://github.com/.insteadOf", "gh:")
    repository.git("config", "--add", "url.https://github.com/.insteadOf", "github:")
    repository.git("config", "url.https://git.team.example/.insteadOf", "gh:team/")
    repository.git("remote", "add", "origin", url)
    assert read_checkout().remote == repository.git("remote", "get-url", "origin") == expected
    assert read_checkout(remote=url).remote == expected


def test_kind_and_template_are_settings(repository: GitRepository) -> None:
    """The last value of a setting applies, as in git."""
    repository.git("config", "scmhost.kind", "gitea")
    repository.git("config", "--add", "scmhost.kind", "gitlab")
    repository.git("config", "scmhost.template", "{base_url}/{path}")
    checkout = read_checkout()
    assert (checkout.kind, checkout.template) == ("gitlab", "{base_url}/{path}")


def test_commit_on_a_remote_branch_is_pushed(repository: GitRepository) -> None:
    """A commit is unpushed if there are remote branches and none contains it."""
    repository.git("update-ref", "refs/remotes/origin/main", "HEAD")
    assert read_checkout().pushed is True
    repository.commit("Second")
    assert read_checkout().pushed is False
    assert read_checkout("HEAD~1").pushed is True


def test_unchanged_file_keeps_its_lines(repository: GitRepository) -> None:
    """A file without changes, or one that the commit lacks, keeps its line numbers."""
    changed = ChangedFiles(str(repository.path))
    assert changed.committed("main.py", 3) == CommittedLine(3)
    assert changed.committed("nowhere.py", 7) == CommittedLine(7)


def test_lines_below_an_edit_are_shifted(repository: GitRepository) -> None:
    """Added and removed lines shift those below; a changed line is marked."""
    lines = [f"{number}\n" for number in range(1, 31)]
    lines[4:4] = ["new\n", "new\n"]
    lines[21] = "other\n"
    del lines[25]
    (repository.path / "shop/cart.py").write_text("".join(lines), encoding="utf-8")
    changed = ChangedFiles(str(repository.path))
    found = {line: changed.committed("shop/cart.py", line) for line in (4, 5, 6, 7, 21, 22, 23, 26)}
    assert found == {
        4: CommittedLine(4),
        5: CommittedLine(4, changed=True),
        6: CommittedLine(4, changed=True),
        7: CommittedLine(5),
        21: CommittedLine(19),
        22: CommittedLine(20, changed=True),
        23: CommittedLine(21),
        26: CommittedLine(25),
    }


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("diff.interHunkContext", "10"),
        ("diff.context", "10"),
        ("diff.external", "false"),
        ("diff.noprefix", "true"),
        ("diff.renames", "copies"),
        ("diff.relative", "true"),
        ("color.ui", "always"),
        ("core.quotePath", "true"),
    ],
)
def test_settings_of_the_user_do_not_change_lines(repository: GitRepository, setting: str, value: str) -> None:
    """A line between two edits is unchanged on every machine."""
    (repository.path / "shop/cart.py").write_text(
        "".join({5: "x\n", 9: "y\n"}.get(number, f"{number}\n") for number in range(1, 31)), encoding="utf-8"
    )
    repository.git("config", setting, value)
    changed = ChangedFiles(str(repository.path))
    assert [changed.committed("shop/cart.py", line).changed for line in (4, 5, 7, 9, 10)] == [
        False,
        True,
        False,
        True,
        False,
    ]


def test_staged_changes_count(repository: GitRepository) -> None:
    """The files on disk are compared with the commit, not with the index."""
    (repository.path / "main.py").write_text("zero\none\ntwo\nthree\n", encoding="utf-8")
    repository.git("add", "main.py")
    assert ChangedFiles(str(repository.path)).committed("main.py", 3) == CommittedLine(2)


def test_odd_name_of_a_changed_file_is_no_pattern(repository: GitRepository) -> None:
    """The name of a file is compared literally, so ``*.py`` is one file."""
    repository.commit("Odd", {"*.py": "a\n", "ä b.py": "a\n"})
    for name in ("*.py", "ä b.py"):
        (repository.path / name).write_text("new\na\n", encoding="utf-8")
    (repository.path / "main.py").write_text("\n\n\none\n", encoding="utf-8")
    changed = ChangedFiles(str(repository.path))
    assert [changed.committed(name, 2) for name in ("*.py", "ä b.py")] == [CommittedLine(1)] * 2


def test_git_runs_once_for_each_changed_file(repository: GitRepository) -> None:
    """Later lines of the same file use the first diff, so that a long trace stays fast."""
    (repository.path / "main.py").write_text("zero\none\ntwo\nthree\n", encoding="utf-8")
    changed = ChangedFiles(str(repository.path))
    assert changed.committed("main.py", 2) == CommittedLine(1)
    (repository.path / "main.py").write_text("one\ntwo\nthree\n", encoding="utf-8")
    assert changed.committed("main.py", 3) == CommittedLine(2)
