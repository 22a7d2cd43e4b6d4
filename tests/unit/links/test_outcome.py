"""What a missing link says."""

import pytest

from scmhost.links import no_link, said
from scmhost.sdk import NEXT_STEP, Reason


@pytest.mark.parametrize("reason", Reason)
def test_every_missing_link_says_what_to_do(reason: Reason) -> None:
    """Whatever the reason, there is a next step, and it is the reason's own."""
    assert NEXT_STEP[reason] == no_link(reason).next_step


def test_details_speak_of_one_mapping() -> None:
    """Path, URL and code mapping are told as they were tried."""
    outcome = no_link(Reason.FILE_NOT_FOUND, "gone", attempted_url="https://h/x", source_path="x", mapping_id=3)
    assert (outcome.message, outcome.attempted_url, outcome.source_path, outcome.mapping_id) == (
        "gone",
        "https://h/x",
        "x",
        3,
    )


@pytest.mark.parametrize("reason", Reason)
def test_every_missing_link_says_why(reason: Reason) -> None:
    """In the words of the frame, if there are any, else in those of the reason."""
    assert said(no_link(reason)).endswith(".")
    assert said(no_link(reason, "It is gone.")) == "It is gone."
