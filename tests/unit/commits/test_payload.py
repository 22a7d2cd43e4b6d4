"""Commits as clients send them."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.json import encode

from loading import case_id, load_cases
from scmhost.commits.fields import MAX_NOTES, InvalidCommits, Notes
from scmhost.commits.payload import commits_from_drafts, head_of, listed, read_commits
from scmhost.commits.values import ListedChange, ListedCommit
from scmhost.infra.settings import Limits
from scmhost.sdk import CommitDraft, FileChange
from strategies import any_text

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | any_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_text, inner, max_size=3),
    max_leaves=8,
)
LIMITS = Limits()
FIELDS = ("id", "repository", "message", "author_name", "author_email", "timestamp", "patch_set")


def limits_of(case: dict[str, Any]) -> Limits:
    """The limits of a case: the defaults, with those that it sets."""
    return Limits(**case.get("limits", {}))


@pytest.mark.parametrize("case", load_cases("commits"), ids=case_id)
def test_payload_is_grouped_and_ordered(case: dict[str, Any]) -> None:
    """Commits are grouped by repository, newest first; the notes name each entry that was changed."""
    read = read_commits(case["commits"], limits_of(case))
    shas = {name or "": [draft.sha for draft in drafts] for name, drafts in read.by_repository.items()}
    assert (case["read"], case.get("notes", [])) == (shas, list(read.notes))


@pytest.mark.parametrize("case", [case for case in load_cases("commits") if "first" in case], ids=case_id)
def test_commit_is_read_in_its_stored_form(case: dict[str, Any]) -> None:
    """A commit keeps what was sent, in the form in which it is stored."""
    first = next(iter(read_commits(case["commits"], limits_of(case)).by_repository.values()))[0]
    assert case["first"] == json.loads(encode({key: getattr(first, key) for key in case["first"]}))


@pytest.mark.parametrize("case", load_cases("commit_errors"), ids=case_id)
def test_refusal_names_the_problem(case: dict[str, Any]) -> None:
    """A refusal names the entry, the field and the problem."""
    with pytest.raises(InvalidCommits) as caught:
        read_commits(case["commits"], limits_of(case))
    assert (case["message"], "commits") == (caught.value.message, caught.value.field)


@pytest.mark.parametrize(
    ("field", "limit"),
    [("id", "sha_length"), ("repository", "repository_name_length"), ("author_name", "author_name_length")],
)
@pytest.mark.parametrize("most", [None, 30])
def test_refusal_names_the_limit(field: str, limit: str, most: int | None) -> None:
    """A text at its limit is accepted; one character more is refused, and the answer names the limit."""
    limits = Limits(**({limit: most} if most else {}))
    longest = getattr(limits, limit)
    assert read_commits([{"id": "a", field: "x" * longest}], limits).by_repository
    with pytest.raises(InvalidCommits, match=rf"{field}: it is longer than {longest} characters \(limits\.{limit}\)"):
        read_commits([{"id": "a", field: "x" * (longest + 1)}], limits)


def test_long_addresses_are_never_cut() -> None:
    """A commit with an address over the limit has no author, because a truncated one may be of another person."""
    read = read_commits([{"id": "a1", "author_name": "Ada", "author_email": "a" * 200 + "@example.com"}], LIMITS)
    assert read.by_repository[None][0].author_email is None
    reason = "the author's e-mail address is longer than 200 characters (limits.author_email_length)"
    assert read.notes == (f"commit a1: {reason}; kept without an author",)


def test_a_path_over_its_limit_is_left_out() -> None:
    """A file change whose path is too long is left out, and the note names the limit; the others stay."""
    entries = [{"path": "x" * 511, "type": "A"}, {"path": "x" * 510, "type": "A"}]
    read = read_commits([{"id": "a1", "patch_set": entries}], LIMITS)
    assert [len(change.path) for change in read.by_repository[None][0].changes] == [510]
    assert "limits.path_length" in read.notes[0]


def test_notes_are_bounded() -> None:
    """A payload full of odd entries is answered with the first notes and the number of the others."""
    entries = [{"path": f"{number}.py", "type": "?"} for number in range(MAX_NOTES + 7)]
    assert read_commits([{"id": "a1", "patch_set": entries}], LIMITS).notes[MAX_NOTES:] == ("and 7 more",)


@pytest.mark.thorough
@given(
    st.lists(st.fixed_dictionaries({"id": any_text | st.just("a")}, optional=dict.fromkeys(FIELDS[1:], json_values)))
)
def test_any_payload_is_read_or_refused(entries: list[dict[str, Any]]) -> None:
    """Any payload is read, or refused as invalid input."""
    with suppress(InvalidCommits):
        assert sum(map(len, read_commits(entries, LIMITS).by_repository.values())) <= len(entries)


@given(json_values)
def test_odd_file_changes_never_refuse_a_commit(patch_set: Any) -> None:
    """No entry of a patch set is a reason to refuse a release."""
    assert read_commits([{"id": "a1", "patch_set": patch_set}], LIMITS).by_repository[None][0].sha == "a1"


def commit(sha: str, day: int | None = None) -> ListedCommit:
    """A commit of a day in May, or without a time."""
    return ListedCommit(sha, timestamp=None if day is None else datetime(2024, 5, day, tzinfo=UTC))


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ([3, 2, 1], 0),
        ([1, 2, 3], 2),
        ([1, 1, 2], 2),
        ([1, 1, 1], 0),
        ([1, 3, 2], 0),
        ([1, None, 2], 0),
        ([None, 1, 2], 0),
        ([None], 0),
        ([1], 0),
    ],
)
def test_head_is_the_first_unless_times_rise(days: list[int | None], expected: int) -> None:
    """The head is the first commit that was sent; only a list that is sorted from old to new ends with it."""
    assert head_of([commit(str(number), day) for number, day in enumerate(days)]) == str(expected)


def test_each_repository_has_its_own_head() -> None:
    """The head of a repository is found among its own commits, and names are kept as they came first."""
    entries = [
        {"id": "a1", "repository": "X", "timestamp": "2024-05-01"},
        {"id": "b1"},
        {"id": "a2", "repository": "x", "timestamp": "2024-05-02"},
        {"id": "b2"},
    ]
    assert read_commits(entries, LIMITS).heads == {"X": "a2", None: "b1"}


def test_skipped_and_repeated_entries_add_no_notes() -> None:
    """An entry that is not used is not mentioned."""
    odd = {"patch_set": "odd"}
    read = read_commits([{"id": "a1"}, {"id": "a1", **odd}, {"id": "a2", "message": "#skipsentry", **odd}], LIMITS)
    assert (list(read.by_repository), read.notes) == ([None], ())


def test_drafts_of_plugins_follow_the_rules_of_payloads() -> None:
    """Commits of a plugin are sorted, skipped on request, and have a usable author or none."""
    may = [datetime(2024, 5, day, tzinfo=UTC) for day in range(1, 5)]
    drafts = [
        CommitDraft(sha="a1", message="Fix", author_name="Ada", author_email=" Ada@Example.com ", timestamp=may[0]),
        CommitDraft(sha="a2", author_name="Ada L.", timestamp=may[1], changes=(FileChange(path="a.py", type="M"),)),
        CommitDraft(sha="a3", author_name="Bob", author_email="b" * 200 + "@example.com", timestamp=may[2]),
        CommitDraft(sha="a4", message="Release #skipsentry", timestamp=may[3]),
    ]
    third, second, first = commits_from_drafts(drafts, LIMITS, Notes())
    assert [item.sha for item in (first, second, third)] == ["a1", "a2", "a3"]
    assert (first.message, first.author_name, first.author_email) == ("Fix", "Ada", "ada@example.com")
    assert (second.author_name, second.author_email) == ("Ada L.", "adal.@localhost")
    assert second.changes == (ListedChange("a.py", "M"),)
    assert (third.author_name, third.author_email) == (None, None)
    assert third.timestamp == may[2]


def test_long_drafts_are_cut_with_a_note() -> None:
    """The beginning of a message and the first file changes are kept, and a note names the limits."""
    changes = tuple(FileChange(path=f"{number}.py", type="A") for number in range(3))
    notes, limits = Notes(), Limits(message_length=4, changes_per_commit=2)
    (commit,) = commits_from_drafts([CommitDraft(sha="a1", message="Fix it", changes=changes)], limits, notes)
    assert (commit.message, [change.path for change in commit.changes]) == ("Fix ", ["0.py", "1.py"])
    assert ["limits.message_length" in notes.all()[0], "limits.changes_per_commit" in notes.all()[1]] == [True, True]


def test_listed_commits_stay_as_they_are() -> None:
    """A commit in its stored form is not changed; a draft gets its address in lower case."""
    ready = commit("a1")
    assert listed(ready) is ready
    assert listed(CommitDraft(sha="a1", author_email=" A@B.c")).author_email == "a@b.c"
    assert listed(CommitDraft(sha="a1", author_email=" ")).author_email is None
    assert listed(CommitDraft(sha="a1")).author_email is None
