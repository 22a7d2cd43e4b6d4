"""A request's body that is read at once, against the way that explains what is wrong."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loading import case_id, load_cases
from scmhost.commits import CommitList, ListedCommit, commits_of_body, read_commits
from scmhost.infra.limits import Limits
from strategies import any_text

COMMIT = {
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
    """Plain as a rule: one odd value anywhere makes the whole body odd."""
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


def body_of(commits: Any) -> bytes:
    """A request's body."""
    return json.dumps({"commits": commits}).encode()


def saved(read: CommitList) -> tuple[Any, ...]:
    """What will be saved, and what the sender is told."""
    return {name: [kept(commit) for commit in commits] for name, commits in read.by_repository.items()}, read.notes


def kept(commit: ListedCommit) -> tuple[Any, ...]:
    """A commit's columns; of two changes to one path the first stands."""
    changes = {change.path: change.type for change in reversed(commit.changes)}
    return commit.sha, commit.message, commit.author_name, commit.author_email, commit.timestamp, changes


def test_what_clients_send_is_read_at_once() -> None:
    """A whole commit, one with nothing but a sha, and one whose fields are null need no second look."""
    nulls = {"id": "b1", **{name: None for name in COMMIT if name != "id"}}
    commits = commits_of_body(body_of([COMMIT, {"id": "c1"}, nulls]), LIMITS)
    assert commits is not None
    assert [commit.sha for commit in commits] == [COMMIT["id"], "c1", "b1"]
    assert [change.path for change in commits[0].changes] == ["run.sh", "a.py"]


@pytest.mark.parametrize("case", [*load_cases("commits"), *load_cases("commit_errors")], ids=case_id)
def test_both_ways_read_the_same_cases(case: dict[str, Any]) -> None:
    """What is read at once is what the other way reads, and what is refused is not read."""
    check(case["commits"], Limits(**case.get("limits", {})))


@given(st.lists(entries, max_size=3))
def test_both_ways_read_the_same(commits: list[dict[str, Any]]) -> None:
    """Whatever is sent, the quick way reads what the other one does, or leaves it to the other one."""
    check(commits, LIMITS)


def check(commits: Any, limits: Limits) -> None:
    """Both ways come to one end."""
    quick = commits_of_body(body_of(commits), limits)
    if quick is not None:
        assert saved(read_commits(quick, limits)) == saved(read_commits(commits, limits))


@pytest.mark.parametrize(
    "change",
    [
        {"id": "a b"},
        {"id": "x" * 65},
        {"id": 5},
        {"repository": " team/app"},
        {"repository": "x" * 201},
        {"author_name": "Ada "},
        {"author_name": "x" * 129},
        {"author_email": "a" * 200 + "@example.com"},
        {"message": "a\x00b"},
        {"message": "\ud800"},
        {"timestamp": "yesterday"},
        {"timestamp": "0001-01-01T00:00:00+14:00"},
        {"timestamp": "2024-05-06T07:08:09.1234567Z"},
        {"patch_set": [{"path": "a.py", "type": "R"}]},
        {"patch_set": [{"path": "x" * 511, "type": "A"}]},
        {"patch_set": [{"path": "", "type": "A"}]},
        {"patch_set": "a.py"},
    ],
    ids=str,
)
def test_what_is_odd_is_left_to_the_other_way(change: dict[str, Any]) -> None:
    """What may be refused, changed or told is not decided in a hurry."""
    assert commits_of_body(body_of([COMMIT | change]), LIMITS) is None


@pytest.mark.parametrize(
    "body", [b"", b"{", b"null", b"[]", b'{"commits": {}}', b'{"commits": 5}', b"{}", b"\xff", b"NaN"]
)
def test_rubbish_is_left_to_the_other_way(body: bytes) -> None:
    """What is no list of commits is left to whoever can say what is wrong with it."""
    assert commits_of_body(body, LIMITS) is None


@given(st.binary())
def test_any_bytes_are_survived(body: bytes) -> None:
    """No bytes bring the quick way down."""
    assert commits_of_body(body, LIMITS) is None
