"""Suspect commits of a checkout, by git's log and blame."""

from datetime import UTC, datetime

import pytest

from command import GitRepository
from scmhost.checkout.suspects import BadRange, CheckoutSuspects, HistoryOptions, find_suspects
from scmhost.checkout.worktree import NoCheckout

CART = "".join(f"line {number}\n" for number in range(1, 41))
TRACE = """\
Traceback (most recent call last):
  File "/srv/shop/cart.py", line 5, in <module>
    total()
  File "/srv/shop/cart.py", line {line}, in total
    raise ValueError("no")
"""


def ask(line: int = 20, **options: object) -> CheckoutSuspects:
    return find_suspects(TRACE.format(line=line), HistoryOptions(**options))  # type: ignore[arg-type]


def shas(found: CheckoutSuspects) -> list[str]:
    return [suspect.sha for suspect in found.answer.suspects]


@pytest.fixture
def bug(repository: GitRepository) -> str:
    """The commit that changed line 20 of the cart, between others of the same file."""
    repository.commit("Start the cart", {"shop/cart.py": CART})
    repository.git("tag", "v1")
    repository.commit("Change the first line", {"shop/cart.py": CART.replace("line 1\n", "line one\n")})
    text = CART.replace("line 1\n", "line one\n").replace("line 20\n", "broken\n")
    sha = repository.commit("Count items once", {"shop/cart.py": text})
    repository.commit("Change the last line", {"shop/cart.py": text.replace("line 40\n", "line forty\n")})
    repository.git("tag", "v2")
    repository.commit("Write documentation", {"README": "cart\n"})
    return sha


def test_commit_of_the_line_is_first(bug: str) -> None:
    """Of Python the innermost frame is the last one; the answer has the commit for display."""
    found = ask()
    assert shas(found)[0] == bug
    assert [(frame.path, frame.line) for frame in found.frames] == [("shop/cart.py", 20), ("shop/cart.py", 5)]
    assert found.answer.suspects[0].evidence[0] == "changed cart.py:20 on 2026-01-01"
    shown = found.commits[bug]
    assert (shown.subject, shown.author_name, shown.url) == ("Count items once", "Ada Lovelace", None)


def test_lines_of_an_edited_file_are_those_of_the_commit(bug: str, repository: GitRepository) -> None:
    """Lines that were added above do not shift the answer."""
    cart = repository.path / "shop/cart.py"
    cart.write_text("new\n" * 9 + cart.read_text(encoding="utf-8"), encoding="utf-8")
    assert shas(ask(29))[0] == bug


def test_only_commits_of_the_release(bug: str, repository: GitRepository) -> None:
    """A range limits the suspects, and gives the page of its changes."""
    repository.git("remote", "add", "origin", "https://github.com/acme/shop")
    repository.git("update-ref", "refs/remotes/origin/main", "HEAD")
    found = ask(revisions="v1..v2")
    base, head = repository.git("rev-parse", "v1", "v2").split()
    assert shas(found)[0] == bug
    assert set(shas(found)) <= set(repository.shas("v1..v2"))
    assert found.commits[bug].url == f"https://github.com/acme/shop/commit/{bug}"
    assert found.compare_url == f"https://github.com/acme/shop/compare/{base}...{head}"
    assert ask(1, revisions="v2..main").answer.reason is not None


@pytest.mark.parametrize("revisions", ["v1", "v1..", "v1..no", "--all..v2", "v1..--output=x"])
def test_bad_range_is_refused(bug: str, revisions: str) -> None:
    with pytest.raises(BadRange, match=r"no range of commits|unknown ref"):
        ask(revisions=revisions)


def test_commits_after_the_first_occurrence_are_left_out(bug: str) -> None:
    assert ask(first_seen=datetime(2025, 1, 1, tzinfo=UTC)).answer.suspects == ()
    assert shas(ask(first_seen=datetime(2027, 1, 1, tzinfo=UTC)))[0] == bug


def test_blame_follows_a_renamed_file(bug: str, repository: GitRepository) -> None:
    """The commit of the line is a suspect, though it knew the file by another name, and the move is none."""
    text = (repository.path / "shop/cart.py").read_text(encoding="utf-8")
    moved = repository.commit("Move", {"shop/cart.py": None, "store/cart.py": text})
    found = find_suspects(TRACE.format(line=20).replace("shop", "store"), HistoryOptions())
    assert shas(found)[0] == bug
    assert moved not in shas(found)


def test_merges_are_no_suspects(bug: str, repository: GitRepository) -> None:
    repository.git("checkout", "--quiet", "-b", "side", "v1")
    repository.commit("Change the side", {"side.py": "1\n"})
    repository.git("checkout", "--quiet", "main")
    repository.git("merge", "--quiet", "--no-ff", "-m", "Join", "side")
    assert repository.shas()[0] not in shas(ask())
    assert shas(ask())[0] == bug


def test_merge_that_wrote_the_line_is_no_suspect(bug: str, repository: GitRepository) -> None:
    """Its lines are those of a resolved conflict; another line of the trace makes nobody certain."""
    text = (repository.path / "shop/cart.py").read_text(encoding="utf-8")
    repository.git("checkout", "--quiet", "-b", "side", "v2")
    repository.commit("Count on the side", {"shop/cart.py": text.replace("broken\n", "side\n")})
    repository.git("checkout", "--quiet", "main")
    repository.git("merge", "--quiet", "--no-ff", "--no-commit", "--strategy=ours", "side")
    (repository.path / "shop/cart.py").write_text(text.replace("broken\n", "joined\n"), encoding="utf-8")
    repository.git("commit", "--quiet", "--all", "-m", "Combine both counts")
    found = ask()
    assert found.answer.suspects
    assert repository.shas()[0] not in shas(found)
    # Nobody knows who wrote the line, so that no other commit is certain.
    assert {suspect.confidence for suspect in found.answer.suspects} <= {"medium", "low"}


def test_pure_rename_is_no_suspect(bug: str, repository: GitRepository) -> None:
    """A file of another name with equal content did not change."""
    text = (repository.path / "shop/cart.py").read_text(encoding="utf-8")
    moved = repository.commit("Name it basket", {"shop/cart.py": None, "shop/basket.py": text})
    found = find_suspects(TRACE.format(line=20).replace("cart", "basket"), HistoryOptions())
    assert shas(found)[0] == bug
    assert moved not in shas(found)


def test_commit_that_was_committed_after_the_first_occurrence_is_left_out(bug: str, repository: GitRepository) -> None:
    """A rebased commit may have been written before the error occurred, but was not there yet."""
    cart = repository.path / "shop/cart.py"
    cart.write_text(cart.read_text(encoding="utf-8").replace("broken\n", "late\n"), encoding="utf-8")
    repository.git("commit", "--quiet", "--all", "--date=2025-12-01T00:00:00Z", "-m", "Written early")
    assert shas(ask())[0] == repository.shas()[0]
    assert ask(first_seen=datetime(2025, 12, 15, tzinfo=UTC)).answer.suspects == ()


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"revisions": "v2..v2"}, "The release v2..v2 has no commits."),
        ({"revisions": "v2..main"}, "No commit of v2..main changed a file of the trace; merges are left out."),
        ({"since": "2030-01-01"}, "No commit since 2030-01-01 changed a file of the trace; merges are left out."),
    ],
)
def test_none_has_the_reason(bug: str, options: dict[str, str], reason: str) -> None:
    assert ask(20, **options).answer.reason == reason


def test_oldest_commit_of_a_shallow_clone_is_no_suspect(
    bug: str, repository: GitRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has all files, though it added none of them."""
    clone = repository.path.parent / "shallow"
    repository.git("clone", "--quiet", "--depth=1", f"file://{repository.path}", str(clone))
    monkeypatch.chdir(clone)
    monkeypatch.setenv("PWD", str(clone))
    found = ask()
    assert found.answer.suspects == ()
    assert "git fetch --unshallow" in found.notes[0]


def test_shallow_clone_blames_no_commit_for_older_lines(
    bug: str, repository: GitRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest commit that is there did not write them; a note has the next step."""
    clone = repository.path.parent / "shallow"
    repository.git("clone", "--quiet", "--depth=2", f"file://{repository.path}", str(clone))
    monkeypatch.chdir(clone)
    monkeypatch.setenv("PWD", str(clone))
    found = ask()
    assert "git fetch --unshallow" in found.notes[0]
    assert not any("cart.py:20" in reason for suspect in found.answer.suspects for reason in suspect.evidence)


def test_text_without_frames_of_the_checkout_has_a_reason(bug: str) -> None:
    assert find_suspects("no trace\n", HistoryOptions()).answer.reason == "No frame of the trace is in the repository."


def test_place_of_a_test_runner_is_a_frame(bug: str) -> None:
    assert shas(find_suspects("shop/cart.py:20: ValueError\n", HistoryOptions()))[0] == bug


def test_frames_of_a_submodule_have_a_note(bug: str, repository: GitRepository) -> None:
    """Its history is not that of the checkout; the note names where to look."""
    repository.git("update-index", "--add", "--cacheinfo", f"160000,{bug},vendor/lib")
    repository.git("commit", "--quiet", "-m", "Add a submodule")
    found = find_suspects(TRACE.format(line=20) + '  File "/srv/vendor/lib/a.py", line 3, in f\n', HistoryOptions())
    assert found.notes == ["Frames in the submodule vendor/lib are left out. Run the command in that folder."]
    assert shas(found)[0] == bug


def test_no_checkout(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(str(tmp_path))
    with pytest.raises(NoCheckout):
        ask()
