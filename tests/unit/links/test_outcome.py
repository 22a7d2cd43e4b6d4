"""The message and the next step of a missing link."""

import pytest

from scmhost.links.values import no_link, no_link_message
from scmhost.sdk import NEXT_STEP, Reason


@pytest.mark.parametrize("reason", Reason)
def test_missing_link_has_a_next_step(reason: Reason) -> None:
    """Each reason has its own next step."""
    assert NEXT_STEP[reason] == no_link(reason).next_step


def test_missing_link_keeps_its_details() -> None:
    """Path, URL and code mapping are those that were tried."""
    outcome = no_link(Reason.FILE_NOT_FOUND, "gone", attempted_url="https://h/x", source_path="x", mapping_id=3)
    assert (outcome.message, outcome.attempted_url, outcome.source_path, outcome.mapping_id) == (
        "gone",
        "https://h/x",
        "x",
        3,
    )


@pytest.mark.parametrize("reason", Reason)
def test_missing_link_has_a_message(reason: Reason) -> None:
    """The message of the frame is used, or else that of the reason."""
    assert no_link_message(no_link(reason)).endswith(".")
    assert no_link_message(no_link(reason, "It is gone.")) == "It is gone."


def test_missing_link_has_no_details_by_default() -> None:
    """Without details, a missing link has a reason and a next step only."""
    outcome = no_link(Reason.NO_REF)
    assert (outcome.message, outcome.attempted_url, outcome.source_path, outcome.mapping_id) == ("", None, None, None)
