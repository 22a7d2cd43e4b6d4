"""Errors of this repository's own history: the line that a fix changed, and the commit that had written it."""

from typing import Any

import pytest
from pydantic import ValidationError

from loading import load_cases
from scmhost.suspects import Answer, rank
from scmhost.suspects.rows import SuspectsRow

CASES = load_cases("suspects")


def answers(**changed: Any) -> list[tuple[Answer, set[str]]]:
    """Return the answer and the labels of each case, with some of its fields changed."""
    rows = [SuspectsRow.model_validate({**case, **changed}) for case in CASES]
    return [(rank(row.question()), set(case["labels"])) for row, case in zip(rows, CASES, strict=True)]


def right(found: list[tuple[Answer, set[str]]], places: int) -> int:
    return sum(not labels.isdisjoint(one.sha for one in answer.suspects[:places]) for answer, labels in found)


def test_suspects_of_this_repository() -> None:
    """With blame nearly all are right at the first place; high confidence is never wrong here."""
    found = answers()
    assert right(found, 1) >= 11
    assert right(found, 5) == len(CASES)
    high = [(answer, labels) for answer, labels in found if answer.suspects[0].confidence == "high"]
    assert high
    assert right(high, 1) == len(high)


@pytest.mark.parametrize("missing", [None, []])
def test_rows_without_blame_are_answered(missing: object) -> None:
    """Null and empty are the same; without lines no suspect has high confidence."""
    found = answers(blame=missing, region=missing)
    assert all(answer.suspects for answer, _ in found)
    assert {one.confidence for answer, _ in found for one in answer.suspects} <= {"medium", "low"}
    assert right(found, 5) >= 6


def test_window_of_a_row_limits_its_suspects() -> None:
    """The commits with the mark, whether the others are in the row or not."""
    for case in CASES:
        commits = [{**commit, "in_window": at < 5} for at, commit in enumerate(case["commits"])]
        marked, alone = (
            rank(SuspectsRow.model_validate({**case, "commits": listed}).question())
            for listed in (commits, commits[:5])
        )
        assert {one.sha for one in marked.suspects} <= {commit["sha"] for commit in commits[:5]}
        assert [one.sha for one in marked.suspects] == [one.sha for one in alone.suspects]


def test_row_with_fields_of_other_types_is_refused() -> None:
    with pytest.raises(ValidationError, match="commits"):
        SuspectsRow.model_validate({"commits": [{"sha": "a"}]})


@pytest.mark.parametrize("time", [1.8e12, -1e300, float("inf"), float("nan")])
def test_times_beyond_the_calendar_are_refused(time: float) -> None:
    """Milliseconds are a common mistake; an answer would name the year 57,000."""
    with pytest.raises(ValidationError, match=r"commits.0.time"):
        SuspectsRow.model_validate({"commits": [{"sha": "a", "time": time}]})
    with pytest.raises(ValidationError, match="first_seen"):
        SuspectsRow.model_validate({"first_seen": time})


def test_commit_that_is_listed_twice_is_one_suspect() -> None:
    commit = {"sha": "a", "time": 5, "touched": {"x.py": "M"}}
    answer = rank(SuspectsRow.model_validate({"frames": [{"path": "x.py"}], "commits": [commit, commit]}).question())
    assert [suspect.sha for suspect in answer.suspects] == ["a"]
