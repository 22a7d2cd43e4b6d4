"""Why a code mapping does not fit a frame."""

import pytest
from hypothesis import given

from scmhost.mapping import (
    MISMATCH_STEP,
    FrameInfo,
    MappingIndex,
    Mismatch,
    Rule,
    Unmapped,
    map_frame,
    mismatch,
    mismatch_message,
    paths_of,
    rules_of,
)
from strategies import hostile_text, rule_lists, stack_paths


@given(rule_lists(), stack_paths(), hostile_text)
def test_what_does_not_fit_is_what_is_not_tried(rules: list[Rule], path: str, abs_path: str) -> None:
    """The explanation and the answer are never of two minds: a rule has a reason if and only if it gives no path."""
    info = FrameInfo(filename=path, abs_path=abs_path)
    found = map_frame(MappingIndex(rules), info)
    tried = set() if isinstance(found, Unmapped) else {mapped.rule.id for mapped in found}
    _, paths = paths_of(info)
    assert {rule.id for rule in rules if mismatch([rule], paths) is None} == tried


@pytest.mark.parametrize(
    ("stack_root", "source_root", "path", "why"),
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
def test_the_reason_is_the_nearest_one(stack_root: str, source_root: str, path: str, why: str | None) -> None:
    """A root that nearly fits says what keeps it from fitting."""
    assert mismatch([*rules_of(1, stack_root, source_root)], [path]) == why


def test_the_nearest_of_several_paths_is_told() -> None:
    """A frame with a name and an absolute path is looked at by both."""
    assert mismatch([Rule(1, "src", "")], ["lib/a.py", "srca.py"]) is Mismatch.INSIDE_SEGMENT
    assert mismatch([Rule(1, "src", "")], ["lib/a.py", "src/a.py"]) is None
    assert mismatch([Rule(1, "src", "")], []) is Mismatch.NOT_A_FILE


@pytest.mark.parametrize("why", Mismatch)
def test_every_reason_is_said_with_a_next_step(why: Mismatch) -> None:
    """A sentence names the root and the path, and another says what to do."""
    message = mismatch_message("src/", ["lib/a.py"], why)
    assert "'src/'" in message
    assert "'lib/a.py'" in message
    assert MISMATCH_STEP[why].endswith(".")
