"""The reason why a code mapping does not match a frame."""

import pytest
from hypothesis import given

from scmhost.mapping import (
    MISMATCH_STEP,
    FrameInfo,
    MappingIndex,
    Mismatch,
    Rule,
    Unmapped,
    find_mismatch,
    map_frame,
    mismatch_message,
    paths_to_match,
    rules_of_mapping,
)
from strategies import hostile_text, rule_lists, stack_paths


@given(rule_lists(), stack_paths(), hostile_text)
def test_explanation_agrees_with_the_mapping(rules: list[Rule], path: str, abs_path: str) -> None:
    """A rule has a reason if and only if it gives no path."""
    info = FrameInfo(filename=path, abs_path=abs_path)
    found = map_frame(MappingIndex(rules), info)
    tried = set() if isinstance(found, Unmapped) else {mapped.rule.id for mapped in found}
    _, paths = paths_to_match(info)
    assert {rule.id for rule in rules if find_mismatch([rule], paths) is None} == tried


@pytest.mark.parametrize(
    ("stack_root", "source_root", "path", "reason"),
    [
        ("src/", "", "lib/a.py", "root_differs"),
        ("src", "", "srca.py", "inside_segment"),
        ("/srv/ap", "", "/srv/app/a.py", "inside_segment"),
        ("/srv/*/ap", "", "/srv/1/app/a.py", "inside_segment"),
        ("SRC/", "", "src/a.py", "case_differs"),
        ("src/App*", "", "src/appDelegate.m", "case_differs"),
        ("src/", "", "src/../../a.py", "path_outside_repository"),
        ("src/a.py", "", "src/a.py", "not_a_file"),
        ("", "", "src/a.py", None),
        ("src*", "", "srca.py", None),
        ("AppDelegate", "src/AppDelegate", "AppDelegate.m", None),
    ],
)
def test_nearest_reason_is_given(stack_root: str, source_root: str, path: str, reason: str | None) -> None:
    """A root that nearly matches has the reason that is nearest to a match."""
    assert find_mismatch([*rules_of_mapping(1, stack_root, source_root)], [path]) == reason


def test_nearest_of_several_paths_decides() -> None:
    """A frame with a file name and an absolute path is checked by both."""
    assert find_mismatch([Rule(1, "src", "")], ["lib/a.py", "srca.py"]) is Mismatch.INSIDE_SEGMENT
    assert find_mismatch([Rule(1, "src", "")], ["lib/a.py", "src/a.py"]) is None
    assert find_mismatch([Rule(1, "src", "")], []) is Mismatch.NOT_A_FILE


@pytest.mark.parametrize("reason", Mismatch)
def test_every_reason_has_a_message_and_a_next_step(reason: Mismatch) -> None:
    """The message names the root and the path, and the next step is a sentence."""
    message = mismatch_message("src/", ["lib/a.py"], reason)
    assert "'src/'" in message
    assert "'lib/a.py'" in message
    assert MISMATCH_STEP[reason].endswith(".")


def test_messages_differ() -> None:
    """Each reason has its own message and its own next step."""
    assert len({mismatch_message("a", ["b"], reason) for reason in Mismatch}) == len(Mismatch)
    assert len(set(MISMATCH_STEP.values())) == len(Mismatch) == len(MISMATCH_STEP)


def test_message_lists_the_paths() -> None:
    """The message has each path, or states that the frame has none."""
    several = mismatch_message("src/", ["a.py", "/b.py"], Mismatch.ROOT_DIFFERS)
    assert several == "Stack root 'src/', frame 'a.py' or '/b.py': the path does not begin with the stack root."
    assert "frame no path of a file:" in mismatch_message("src/", [], Mismatch.NOT_A_FILE)
