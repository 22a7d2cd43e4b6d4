"""Issues that a commit's message resolves."""

from typing import Any

import pytest

from loading import case_id, load_cases
from scmhost.commits.fields import issue_ids


@pytest.mark.parametrize("case", load_cases("references"), ids=case_id)
def test_issues_are_found(case: dict[str, Any]) -> None:
    """A keyword and the ids after it name the issues that a commit resolves."""
    assert case["ids"] == list(issue_ids(case["message"]))


@pytest.mark.parametrize("unit", ["fix ", "fixes A- ", "[", "[a](", "A-", " ", "fix:\n", "-_"])
def test_hostile_messages_take_linear_time(unit: str) -> None:
    """A message that repeats the start of a reference is read in one pass and names no issue."""
    assert issue_ids(unit * 50_000) == ()
