"""Reading the commits of a request's body: the whole body at once, and odd entries field by field."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loading import case_id, load_cases
from scmhost.commits.fields import InvalidCommits
from scmhost.commits.payload import MAX_PROBLEMS, CommitList, check_entries, read_body, read_commits
from scmhost.commits.values import ListedChange, ListedCommit
from scmhost.infra.settings import Limits
from strategies import any_text

COMMIT: dict[str, Any] = {
    "id": "a" * 40,
    "repository": "team/app",
    "message": "Round once\n\nFixes SHOP-12",
    "author_name": "Ada",
    "author_email": "Ada@example.com",
    "timestamp": "2024-05-06T07:08:09.5+02:00",
    "patch_set": [{"path": "run.sh*", "type": "A"}, {"path": "a.py", "type": "M"}],
}
LIMITS = Limits()


def mostly(plain: st.SearchStrategy[Any], odd: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Plain in four of five cases: one odd value anywhere makes the whole entry odd."""
    return st.one_of(plain, plain, plain, plain, odd)


texts = mostly(
    st.none() | st.sampled_from(["", "Ada", "é"]), any_text | st.sampled_from([" ", " Ada", "x" * 201, "\x1c"])
)
times = st.datetimes(timezones=st.none() | st.timezones()).map(lambda moment: moment.isoformat())
odd_times = st.sampled_from(["", "2024-05-06T07:08:09.9999999Z", "0001-01-01T00:00:00+14:00", "2024-05-06", 1])
changes = st.fixed_dictionaries(
    {
        "path": mostly(st.sampled_from(["a", "a*", "a* a", "b c"]), any_text),
        "type": mostly(st.sampled_from("AMD"), st.just("R")),
    }
)
entries = st.fixed_dictionaries(
    {"id": mostly(st.sampled_from(["a1", "B2"]), any_text | st.sampled_from(["x" * 65, " a1", "ä", ""]))},
    optional={
        "repository": texts,
        "message": texts | st.just("notes #skipsentry"),
        "author_name": texts,
        "author_email": mostly(texts, st.just("a" * 200 + "@example.com")),
        "timestamp": mostly(st.none() | times, odd_times),
        "patch_set": st.none() | st.lists(changes, max_size=4),
    },
)


def read(commits: Any, limits: Limits = LIMITS) -> Any:
    """The ``commits`` of a request's body, after decoding."""
    fields = read_body(json.dumps({"commits": commits}).encode(), limits)
    # A lone surrogate is refused by msgspec; the request then uses the standard library's parser.
    return commits if fields is None else fields["commits"]


def outcome(commits: Any, limits: Limits) -> tuple[Any, ...] | str:
    """The commits that will be saved and the notes, or the refusal."""
    try:
        listed = read_commits(commits, limits)
    except InvalidCommits as error:
        return error.message
    return columns(listed), listed.heads, listed.notes


def columns(listed: CommitList) -> dict[str | None, list[tuple[Any, ...]]]:
    """The columns of each commit; of two changes to one path the first counts."""
    return {
        name: [
            (
                commit.sha,
                commit.message,
                commit.author_name,
                commit.author_email,
                commit.timestamp,
                {change.path: change.type for change in reversed(commit.changes)},
            )
            for commit in commits
        ]
        for name, commits in listed.by_repository.items()
    }


def test_plain_entries_are_ready_to_be_saved() -> None:
    """A full commit, one with nothing but a sha, and one with null fields are decoded in one step."""
    nulls = {"id": "b1", **{name: None for name in COMMIT if name != "id"}}
    first, *others = read([COMMIT, {"id": "c1"}, nulls])
    assert isinstance(first, ListedCommit)
    assert (first.sha, first.repository, first.message) == ("a" * 40, "team/app", "Round once\n\nFixes SHOP-12")
    assert (first.author_name, first.author_email) == ("Ada", "ada@example.com")
    assert first.timestamp == datetime(2024, 5, 6, 5, 8, 9, 500_000, UTC)
    assert first.timestamp.tzinfo is UTC
    assert first.changes == (ListedChange("run.sh", "A"), ListedChange("a.py", "M"))
    for commit, sha in zip(others, ("c1", "b1"), strict=True):
        assert isinstance(commit, ListedCommit)
        assert (commit.sha, commit.author_email, commit.timestamp, commit.changes) == (sha, None, None, ())


@pytest.mark.parametrize(
    ("name", "email", "expected"),
    [
        ("Ada L.", None, ("Ada L.", "adal.@localhost")),
        ("李雷", None, (None, None)),
        ("", "ada@example.com", (None, "ada@example.com")),
        (None, "ada@example.com", (None, "ada@example.com")),
        ("Ada", "", (None, None)),
        (None, None, (None, None)),
    ],
)
def test_author_of_a_plain_entry(name: str | None, email: str | None, expected: tuple[str | None, str | None]) -> None:
    """An author needs an address; without one, the name becomes a local address."""
    (commit,) = read([{"id": "a1", "author_name": name, "author_email": email}])
    assert isinstance(commit, ListedCommit)
    assert (commit.author_name, commit.author_email) == expected


@pytest.mark.parametrize("case", [*load_cases("commits"), *load_cases("commit_errors")], ids=case_id)
def test_decoded_cases_equal_plain_json(case: dict[str, Any]) -> None:
    """Entries that are decoded in one step give the same commits, notes and refusals as field by field."""
    limits = Limits(**case.get("limits", {}))
    assert outcome(read(case["commits"], limits), limits) == outcome(case["commits"], limits)


@given(st.lists(entries, max_size=3))
def test_decoded_entries_equal_plain_json(commits: list[dict[str, Any]]) -> None:
    """Any entries give the same commits, notes and refusals, decoded in one step or field by field."""
    assert outcome(read(commits), LIMITS) == outcome(commits, LIMITS)


@pytest.mark.parametrize(
    "change",
    [
        {"id": "a b"},
        {"id": "ä"},
        {"id": ""},
        {"id": "x" * 65},
        {"id": 5},
        {"repository": " team/app"},
        {"repository": "team/app "},
        {"repository": "x" * 201},
        {"author_name": "Ada "},
        {"author_name": " Ada"},
        {"author_name": "x" * 129},
        {"author_email": "a" * 200 + "@example.com"},
        {"message": "a\x00b"},
        {"timestamp": "yesterday"},
        {"timestamp": "0001-01-01T00:00:00+14:00"},
        {"timestamp": "2024-05-06T07:08:09.1234567Z"},
        {"patch_set": [{"path": "a.py", "type": "R"}]},
        {"patch_set": [{"path": "x" * 511, "type": "A"}]},
        {"patch_set": [{"path": "", "type": "A"}]},
        {"patch_set": "a.py"},
    ],
    # Names of fields only: mutmut cannot select a test whose id has brackets.
    ids=lambda change: next(iter(change)),
)
def test_one_odd_entry_stays_plain_json(change: dict[str, Any]) -> None:
    """An entry that may be refused or changed is left for the careful check, and the others are not."""
    odd = COMMIT | change
    before, found, after = read([COMMIT, odd, {"id": "c1"}])
    assert found == odd
    assert isinstance(before, ListedCommit)
    assert isinstance(after, ListedCommit)


@pytest.mark.parametrize(
    "change",
    [
        {"id": "x" * 64},
        {"repository": "x" * 200},
        {"author_name": "x" * 128},
        {"author_email": "a" * 188 + "@example.com"},
        {"timestamp": "2024-05-06T07:08:09.123456Z"},
        {"patch_set": [{"path": "x" * 510, "type": "D"}]},
    ],
    ids=str,
)
def test_values_at_their_limit_are_not_odd(change: dict[str, Any]) -> None:
    """A value that is exactly as long as its limit is decoded in one step."""
    (commit,) = read([COMMIT | change])
    assert isinstance(commit, ListedCommit)


def test_limits_are_those_of_the_operator() -> None:
    """The decoder checks the limits of the call, and not those of an earlier one."""
    assert isinstance(read([{"id": "abcd"}], LIMITS)[0], ListedCommit)
    assert read([{"id": "abcd"}], Limits(sha_length=3)) == [{"id": "abcd"}]


def test_other_fields_stay_plain_json() -> None:
    """A release's body has more fields than its commits; they are what a JSON parser makes of them."""
    fields = {"version": "1.0", "projects": ["web", 7], "refs": None, "big": 10**30, "ratio": 0.1}
    assert read_body(json.dumps(fields).encode(), LIMITS) == fields
    both = read_body(json.dumps({**fields, "commits": [COMMIT, 5]}).encode(), LIMITS)
    assert both is not None
    assert isinstance(both["commits"][0], ListedCommit)
    assert both["commits"][1] == 5
    assert {name: both[name] for name in fields} == fields


@pytest.mark.parametrize("value", [None, 5, {}, "a1", {"id": "a1"}])
def test_commits_that_are_no_list_stay_plain_json(value: Any) -> None:
    """Null means no commits; the later validation refuses any other value."""
    assert read_body(json.dumps({"commits": value}).encode(), LIMITS) == {"commits": value}


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"null", b"[]", b"5", b"\xff", b"NaN", b'{"commits": [nope]}'),
        b'{"commits": [{"id": "\xff"}]}',
        b'{"commits": [{"id": "\\ud800"}]}',
        b"[" * 100_000,
        b'{"commits": ' + b"[" * 100_000,
    ],
    ids=lambda body: repr(body[:20]),
)
def test_bodies_that_are_no_object_are_not_read(body: bytes) -> None:
    """A body that is broken or not a JSON object is left to a parser that reports the error."""
    assert read_body(body, LIMITS) is None


@given(st.binary())
def test_any_bytes_are_read_or_not(body: bytes) -> None:
    """No bytes raise an error."""
    assert read_body(body, LIMITS) is None or json.loads(body) is not None


def test_at_most_five_problems_are_reported() -> None:
    """A refusal names the first problems, in the order of the entries and of their fields."""
    bad = {"id": "a b", "repository": 1, "timestamp": "never"}
    with pytest.raises(InvalidCommits) as caught:
        check_entries([bad] * 3, LIMITS)
    places = re.findall(r"commits\[\d\]\.\w+", caught.value.message)
    fields = [(0, "id"), (0, "repository"), (0, "timestamp"), (1, "id"), (1, "repository")]
    assert places == [f"commits[{number}].{name}" for number, name in fields]
    assert len(places) == MAX_PROBLEMS


def test_checked_entries_keep_their_place() -> None:
    """A commit that is ready is passed on as it is, between others that are checked."""
    ready = ListedCommit("a1")
    checked = check_entries([{"id": " b1 "}, ready], LIMITS)
    assert [entry.sha for entry in checked] == ["b1", "a1"]
    assert checked[1] is ready


@pytest.mark.parametrize("name", ["repository", "message", "author_name", "author_email", "timestamp", "patch_set"])
def test_null_is_an_absent_field(name: str) -> None:
    """Clients send null for a field that they do not have."""
    assert check_entries([{"id": "a1", name: None}], LIMITS) == check_entries([{"id": "a1"}], LIMITS)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2024-05-06T07:08:09+02:00", datetime(2024, 5, 6, 5, 8, 9, tzinfo=UTC)),
        ("2024-05-06 07:08", datetime(2024, 5, 6, 7, 8, tzinfo=UTC)),
        ("2024-05-06", datetime(2024, 5, 6, tzinfo=UTC)),
        (1_700_000_000, datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)),
        (" ", None),
    ],
)
def test_times_have_the_forms_of_the_api(value: Any, expected: datetime | None) -> None:
    """A commit's time is accepted in each form that the API's other times have; a blank one is none."""
    assert check_entries([{"id": "a1", "timestamp": value}], LIMITS)[0].timestamp == expected


@pytest.mark.parametrize("name", ["message", "author_email"])
def test_texts_without_a_limit_are_kept_as_they_are(name: str) -> None:
    """A message keeps its outer blanks."""
    assert getattr(check_entries([{"id": "a1", name: " x\n"}], LIMITS)[0], name) == " x\n"
