"""Issues that a commit's message resolves."""

from typing import Any

import pytest

from loading import case_id, load_cases
from scmhost.commits import issue_ids


@pytest.mark.parametrize("case", load_cases("references"), ids=case_id)
def test_finds_issues(case: dict[str, Any]) -> None:
    """A keyword and the ids after it name the issues that a commit resolves."""
    assert case["ids"] == list(issue_ids(case["message"]))


@pytest.mark.parametrize("unit", ["fix ", "fixes A- ", "[", "[a](", "A-", " ", "fix:\n", "-_"])
def test_hostile_messages_name_no_issue(unit: str) -> None:
    """A message that repeats the beginning of a reference is read to its end and names nothing."""
    assert issue_ids(unit * 50_000) == ()
