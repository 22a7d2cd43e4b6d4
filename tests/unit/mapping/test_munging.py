"""Paths of frames that print none."""

from typing import Any

import pytest

from loading import case_id, load_cases
from scmhost.mapping import FrameInfo, munge


@pytest.mark.parametrize("case", load_cases("munging"), ids=case_id)
def test_munges(case: dict[str, Any]) -> None:
    """A platform's frame becomes the path that its language's layout gives it, or none at all."""
    assert case["path"] == munge(FrameInfo(**case["frame"]))
