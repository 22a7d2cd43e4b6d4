"""Commits as clients send them."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.json import encode

from loading import case_id, load_cases
from scmhost.commits import read_commits
from scmhost.commits.errors import InvalidCommits
from scmhost.commits.notes import MOST_NOTES
from scmhost.infra.limits import Limits
from strategies import any_text

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | any_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_text, inner, max_size=3),
    max_leaves=8,
)
LIMITS = Limits()
FIELDS = ("id", "repository", "message", "author_name", "author_email", "timestamp", "patch_set")


def limits_of(case: dict[str, Any]) -> Limits:
    """The limits of a case: the usual ones, unless it says otherwise."""
    return Limits(**case.get("limits", {}))


@pytest.mark.parametrize("case", load_cases("commits"), ids=case_id)
def test_reads_a_payload(case: dict[str, Any]) -> None:
    """Commits come out by repository, newest first, and whatever was read with a change is told."""
    read = read_commits(case["commits"], limits_of(case))
    shas = {name or "": [draft.sha for draft in drafts] for name, drafts in read.by_repository.items()}
    assert (case["read"], case.get("notes", [])) == (shas, list(read.notes))


@pytest.mark.parametrize("case", [case for case in load_cases("commits") if "first" in case], ids=case_id)
def test_reads_a_commit(case: dict[str, Any]) -> None:
    """A commit keeps what was sent, in the form in which it is stored."""
    first = next(iter(read_commits(case["commits"], limits_of(case)).by_repository.values()))[0]
    assert case["first"] == json.loads(encode({key: getattr(first, key) for key in case["first"]}))


@pytest.mark.parametrize("case", load_cases("commit_errors"), ids=case_id)
def test_says_what_is_wrong(case: dict[str, Any]) -> None:
    """A payload that cannot be taken is refused with the entry, the field and the fault."""
    with pytest.raises(InvalidCommits) as caught:
        read_commits(case["commits"], limits_of(case))
    assert (case["message"], "commits") == (caught.value.message, caught.value.field)


@pytest.mark.parametrize(
    ("field", "limit"),
    [("id", "sha_length"), ("repository", "repository_name_length"), ("author_name", "author_name_length")],
)
@pytest.mark.parametrize("most", [None, 30])
def test_what_is_over_a_limit_is_refused_by_its_name(field: str, limit: str, most: int | None) -> None:
    """A text at its limit is taken; one character more is refused, and the answer names the limit."""
    limits = Limits(**({limit: most} if most else {}))
    longest = getattr(limits, limit)
    assert read_commits([{"id": "a", field: "x" * longest}], limits).by_repository
    with pytest.raises(InvalidCommits, match=rf"{field}: it is longer than {longest} characters \(limits\.{limit}\)"):
        read_commits([{"id": "a", field: "x" * (longest + 1)}], limits)


def test_long_addresses_are_never_cut() -> None:
    """An address over the limit makes no author; cut, it could be somebody else's."""
    read = read_commits([{"id": "a1", "author_name": "Ada", "author_email": "a" * 200 + "@example.com"}], LIMITS)
    assert read.by_repository[None][0].author_email is None
    told = "the author's e-mail address is longer than 200 characters (limits.author_email_length)"
    assert read.notes == (f"commit a1: {told}; kept without an author",)


def test_a_path_over_its_limit_is_left_out() -> None:
    """A file change whose path is too long is left out, and the note names the limit; the others stay."""
    entries = [{"path": "x" * 511, "type": "A"}, {"path": "x" * 510, "type": "A"}]
    read = read_commits([{"id": "a1", "patch_set": entries}], LIMITS)
    assert [len(change.path) for change in read.by_repository[None][0].changes] == [510]
    assert "limits.path_length" in read.notes[0]


def test_notes_are_bounded() -> None:
    """A payload full of odd entries is answered with the first notes and the number of the others."""
    entries = [{"path": f"{number}.py", "type": "?"} for number in range(MOST_NOTES + 7)]
    assert read_commits([{"id": "a1", "patch_set": entries}], LIMITS).notes[MOST_NOTES:] == ("and 7 more",)


@given(
    st.lists(st.fixed_dictionaries({"id": any_text | st.just("a")}, optional=dict.fromkeys(FIELDS[1:], json_values)))
)
def test_any_payload_is_read_or_refused(entries: list[dict[str, Any]]) -> None:
    """Whatever is sent, it is read, or refused as the sender's fault."""
    with suppress(InvalidCommits):
        assert sum(map(len, read_commits(entries, LIMITS).by_repository.values())) <= len(entries)


@given(json_values)
def test_odd_file_changes_refuse_nothing(patch_set: Any) -> None:
    """No entry of a patch set is a reason to refuse a release."""
    assert read_commits([{"id": "a1", "patch_set": patch_set}], LIMITS).by_repository[None][0].sha == "a1"
