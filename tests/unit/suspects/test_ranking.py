"""The commits that are suspects, their order, and their confidence."""

from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from scmhost.suspects import Answer, Blame, Change, CodeFrame, Region, SuspectQuestion, rank
from scmhost.suspects.features import change_of
from scmhost.suspects.values import MOST_SUSPECTS

DAY = 86_400
NOW = 1_000 * DAY
CART, SHOP = "src/cart.py", "src/shop.py"
FRAMES = (CodeFrame(CART, 42, "total"), CodeFrame(SHOP, 7, "pay"))


def commit(sha: str, days: float, message: str = "Change the shop", *files: str, **fields: Any) -> Change:
    """Return a commit so many days before the first occurrence. Files are written as type and path."""
    kinds = {text[2:]: text[0] for text in files or (f"M {CART}",)}
    return change_of(sha, NOW - days * DAY, message, kinds, **fields)


def ask(*commits: Change, frames: Sequence[CodeFrame] = FRAMES, **fields: Any) -> Answer:
    return rank(SuspectQuestion(frames, commits, **{"first_seen": NOW, **fields}))


def shas(answer: Answer) -> list[str]:
    return [suspect.sha for suspect in answer.suspects]


def test_commit_of_more_and_inner_files_comes_first() -> None:
    assert shas(ask(commit("outer", 9, "x", f"M {SHOP}"), commit("both", 9, "x", f"M {CART}", f"M {SHOP}"))) == [
        "both",
        "outer",
    ]


def test_blamed_commit_comes_before_one_that_only_touches_the_file() -> None:
    lines = [Blame(CART, 42, "blamed")]
    answer = ask(commit("blamed", 90), commit("newer", 1), commit("other", 2), blame=lines)
    assert shas(answer)[0] == "blamed"
    assert answer.suspects[0].evidence[0] == "changed cart.py:42 three months before"


def test_changes_near_the_line_count_less_than_the_line() -> None:
    regions = [Region(CART, 42, ["near", "blamed"])]
    answer = ask(
        commit("near", 9), commit("blamed", 9), commit("far", 9), blame=[Blame(CART, 42, "blamed")], regions=regions
    )
    assert shas(answer) == ["blamed", "near", "far"]


def test_blame_without_regions_is_enough() -> None:
    """Lines near the trace's line that are blamed make the region."""
    lines = [Blame(CART, 42, "blamed"), Blame(CART, 50, "near"), Blame(CART, 80, "far")]
    answer = ask(commit("far", 9), commit("near", 9), commit("blamed", 9), blame=lines)
    assert shas(answer)[0] == "blamed"


def test_later_commits_are_no_suspects() -> None:
    answer = ask(commit("later", -1), commit("before", 1))
    assert shas(answer) == ["before"]
    assert ask(commit("later", -1)) == Answer(reason="All known commits are later than the first occurrence.")


def test_only_commits_of_the_release_are_suspects() -> None:
    """Not even a blamed commit of another release."""
    lines = [Blame(CART, 42, "other")]
    commits = (commit("listed", 9, in_release=True), commit("other", 1, in_release=False))
    assert shas(ask(*commits, blame=lines)) == ["listed"]


def test_without_commits_of_a_release_all_are_compared() -> None:
    assert shas(ask(commit("a", 9, in_release=False), commit("b", 1))) == ["b", "a"]


def test_merges_and_pure_renames_are_no_suspects() -> None:
    merge = commit("merge", 1, "Merge branch 'main' into cart")
    renamed = commit("renamed", 2, "Move", f"R {CART}")
    moved = commit("moved", 3, "Move", f"A {CART}", "D old/cart.py")
    answer = ask(merge, renamed, moved)
    assert answer.suspects == ()
    assert answer.reason is not None
    assert answer.reason.startswith("No commit touches a file of the trace")


def test_moved_file_with_a_blamed_line_is_a_suspect() -> None:
    """The commit also changed the line."""
    moved = commit("moved", 3, "Move", f"A {CART}", "D old/cart.py")
    assert shas(ask(moved, blame=[Blame(CART, 42, "moved")])) == ["moved"]


def test_reverted_commit_is_no_suspect() -> None:
    bad = commit("bad0bad0", 9, "Add a discount to the cart")
    by_id = commit("undo", 5, 'Revert "Another subject"\n\nThis reverts commit bad0bad0.')
    by_words = commit("undo", 5, 'Revert "Add a discount to the cart"')
    for revert in (by_id, by_words):
        answer = ask(bad, revert)
        assert shas(answer) == ["undo"]
        assert "reverted bad0bad0" in answer.suspects[0].evidence


def test_reverted_revert_brings_the_commit_back() -> None:
    bad = commit("bad", 9, "Add a discount to the cart")
    undo = commit("undo", 5, 'Revert "Add a discount to the cart"')
    again = commit("again", 3, 'Revert "Revert "Add a discount to the cart""')
    assert set(shas(ask(bad, undo, again))) == {"bad", "again"}


def test_revert_after_the_first_occurrence_changes_nothing() -> None:
    """The change was still there when the error occurred."""
    bad, undo = commit("bad", 9, "Add a discount"), commit("undo", -1, 'Revert "Add a discount"')
    assert shas(ask(bad, undo)) == ["bad"]


def test_cosmetic_message_lowers_the_rank() -> None:
    answer = ask(commit("format", 1, "Reformat the shop"), commit("change", 1))
    assert shas(answer) == ["change", "format"]
    assert answer.suspects[1].evidence[-1].startswith("less probable")


def test_words_of_functions_in_the_message_raise_the_rank() -> None:
    answer = ask(commit("other", 1, "Change the colors"), commit("named", 1, "Round the total"))
    assert shas(answer) == ["named", "other"]
    assert "its message has words of the trace's functions: total" in answer.suspects[0].evidence


def test_frames_of_tests_count_only_alone() -> None:
    test = CodeFrame("tests/test_cart.py", 3, "test_total", is_test=True)
    touched = commit("test", 1, "x", f"M {test.path}")
    assert shas(ask(touched, commit("code", 9), frames=(test, *FRAMES))) == ["code"]
    assert shas(ask(touched, frames=(test,))) == ["test"]


def test_high_confidence_needs_agreement_of_all_signs() -> None:
    """Without blamed lines no suspect is high, however few commits there are."""
    lines = [Blame(CART, 42, "blamed"), Blame(SHOP, 7, "blamed")]
    commits = [commit("blamed", 3, "Change the shop", f"M {CART}", f"M {SHOP}"), commit("old", 300, "x", f"M {SHOP}")]
    assert [suspect.confidence for suspect in ask(*commits, blame=lines).suspects] == ["high", "low"]
    assert ask(commits[0]).suspects[0].confidence != "high"
    newer = Blame(SHOP, 9, "old")
    assert (
        ask(*commits, commit("newest", 1), blame=[*lines, newer, Blame(CART, 41, "newest")]).suspects[0].confidence
        != "high"
    )


def test_single_commit_of_a_release_is_named_as_such() -> None:
    answer = ask(commit("listed", 3, in_release=True), release="1.4.0")
    assert "only commit of 1.4.0 that touches the trace" in answer.suspects[0].evidence


def test_no_frames_and_no_commits_have_reasons() -> None:
    assert rank(SuspectQuestion((), (commit("a", 1),))).reason == "No frame of the trace is in the repository."
    assert ask().reason == "No commits are known."


_names = st.sampled_from([CART, SHOP, "src/other.py"])
_shas = st.text(alphabet="abc", min_size=1, max_size=2)
_messages = st.sampled_from(["Add totals", 'Revert "Add totals"', "Merge branch 'x'", "Format", ""])
_commits = st.builds(
    lambda sha, time, message, files, listed: change_of(sha, time, message, files, in_release=listed),
    _shas,
    st.integers(0, 2 * NOW),
    _messages,
    st.dictionaries(_names, st.sampled_from("AMDRC"), max_size=3),
    st.sampled_from([True, False, None]),
)
_questions = st.builds(
    SuspectQuestion,
    st.lists(
        st.builds(CodeFrame, _names, st.integers(1, 60) | st.none(), st.sampled_from(["total", None])), max_size=4
    ),
    st.lists(_commits, max_size=8, unique_by=lambda one: one.sha),
    st.just(NOW) | st.none(),
    st.lists(st.builds(Blame, _names, st.integers(1, 60), _shas), max_size=4),
)


@given(_questions, st.randoms())
def test_answers_obey_the_rules(question: SuspectQuestion, random: Any) -> None:
    """Suspects are commits of their time, in order, at most five; else there is a reason."""
    answer = rank(question)
    known = {one.sha: one for one in question.commits}
    scores = [suspect.score for suspect in answer.suspects]
    assert bool(answer.suspects) == (answer.reason is None)
    assert len(answer.suspects) <= MOST_SUSPECTS
    assert scores == sorted(scores, reverse=True)
    assert 0 <= sum(scores) <= 1.001
    assert all(suspect.evidence for suspect in answer.suspects)
    if question.first_seen is not None:
        assert all(known[suspect.sha].time <= question.first_seen for suspect in answer.suspects)
    if any(one.in_release and one.time <= NOW for one in question.commits) and question.first_seen:
        assert all(known[suspect.sha].in_release for suspect in answer.suspects)
    shuffled = list(question.commits)
    random.shuffle(shuffled)
    # Commits of one moment have no order of their own, and a revert finds one of them.
    if len({one.time for one in shuffled}) == len(shuffled):
        assert rank(question._replace(commits=shuffled)) == answer
