"""From a frame to paths in repositories."""

from typing import Any

import pytest
from hypothesis import given

from loading import case_id, load_cases
from scmhost.mapping import FrameInfo, MappingIndex, MappingMatch, Rule, Unmapped, map_frame, rules_of_mapping
from scmhost.sdk import Reason
from strategies import hostile_text, rule_lists, stack_paths

pytestmark = pytest.mark.thorough


def outcome(case: dict[str, Any]) -> dict[str, Any]:
    """The outcome for a case's frame, in the form of the case."""
    rows = ((number, *row[:2], row[2:] == [True]) for number, row in enumerate(case["rules"]))
    rules = [rule for *roots, made in rows for rule in rules_of_mapping(*roots, generated=made)]
    found = map_frame(MappingIndex(rules), FrameInfo(**case["frame"]))
    if isinstance(found, Unmapped):
        return {"reason": found.reason.value}
    munged = {"munged": found[0].munged} if found[0].munged else {}
    return {"paths": [mapped.source_path for mapped in found], **munged}


@pytest.mark.parametrize("case", load_cases("mapping"), ids=case_id)
def test_frame_is_mapped(case: dict[str, Any]) -> None:
    """A frame gives the paths of all code mappings that match, in order, or a reason."""
    assert {key: case[key] for key in ("paths", "reason", "munged") if key in case} == outcome(case)


@given(rule_lists(), stack_paths())
def test_paths_stay_in_the_repository(rules: list[Rule], path: str) -> None:
    """No mapped path is absolute or empty, or climbs."""
    found = map_frame(MappingIndex(rules), FrameInfo(filename=path))
    paths = [] if isinstance(found, Unmapped) else [mapped.source_path for mapped in found]
    assert not [path for path in paths if set(path.split("/")) & {"", ".", ".."}]


@given(rule_lists(), hostile_text, hostile_text)
def test_every_frame_has_an_outcome(rules: list[Rule], filename: str, abs_path: str) -> None:
    """Any frame has mapped paths or a reason, and never both or neither."""
    found = map_frame(MappingIndex(rules), FrameInfo(filename=filename, abs_path=abs_path, platform="cocoa"))
    assert isinstance(found, Unmapped) or (all(isinstance(mapped, MappingMatch) for mapped in found) and found)


@given(rule_lists(), stack_paths())
def test_more_rules_never_lose_a_path(rules: list[Rule], path: str) -> None:
    """Another code mapping can change which path comes first, but never removes the last one."""
    before = map_frame(MappingIndex(rules), FrameInfo(filename=path))
    after = map_frame(MappingIndex([*rules, Rule(99, "", "more")]), FrameInfo(filename=path))
    assert isinstance(before, Unmapped) or set(before) <= set(after)  # type: ignore[arg-type]


def test_munged_path_is_kept_without_a_match() -> None:
    """A person who writes a code mapping sees the path that was compared."""
    frame = FrameInfo(platform="java", module="com.acme.Cart", abs_path="Cart.java")
    found = map_frame(MappingIndex([Rule(1, "org", "src")]), frame)
    assert found == Unmapped(Reason.STACK_ROOT_MISMATCH, "com/acme/Cart.java")
