"""Ranges in refs."""

from typing import Any

import pytest
from hypothesis import given

from loading import case_id, load_cases
from scmhost.commits.fields import InvalidRefs, read_range
from scmhost.infra.settings import Limits
from strategies import hostile_text

CASES = load_cases("ranges")


@pytest.mark.parametrize("case", [case for case in CASES if "range" in case], ids=case_id)
def test_range_is_read(case: dict[str, Any]) -> None:
    """A ref's commit is one commit, or a range between two."""
    assert case["range"] == list(read_range(case["commit"], Limits()))


@pytest.mark.parametrize("case", [case for case in CASES if "message" in case], ids=case_id)
def test_bad_range_is_refused(case: dict[str, Any]) -> None:
    """A text that is not a range is refused with the messages of Sentry."""
    with pytest.raises(InvalidRefs) as caught:
        read_range(case["commit"], Limits())
    assert (case["message"], "refs") == (caught.value.message, caught.value.field)


@given(hostile_text)
def test_range_equals_the_sent_text(commit: str) -> None:
    """A range that is read is the text that was sent."""
    try:
        base, head = read_range(commit, Limits())
    except InvalidRefs:
        return
    assert commit == (head if base is None else f"{base}..{head}")
