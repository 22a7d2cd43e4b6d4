"""From a frame to paths in repositories."""

from typing import Any

import pytest
from hypothesis import given

from loading import case_id, load_cases
from scmhost.mapping import FrameInfo, Mapped, MappingIndex, Rule, Unmapped, map_frame, rules_of
from scmhost.sdk import Reason
from strategies import hostile_text, rule_lists, stack_paths


def outcome(case: dict[str, Any]) -> dict[str, Any]:
    """What becomes of a case's frame, in the case's own words."""
    rows = ((number, *row[:2], row[2:] == [True]) for number, row in enumerate(case["rules"]))
    rules = [rule for *roots, made in rows for rule in rules_of(*roots, generated=made)]
    found = map_frame(MappingIndex(rules), FrameInfo(**case["frame"]))
    if isinstance(found, Unmapped):
        return {"reason": found.reason.value}
    munged = {"munged": found[0].munged} if found[0].munged else {}
    return {"paths": [mapped.source_path for mapped in found], **munged}


@pytest.mark.parametrize("case", load_cases("mapping"), ids=case_id)
def test_maps_a_frame(case: dict[str, Any]) -> None:
    """A frame leads to the paths of all code mappings that fit, first things first, or to a reason."""
    assert {key: case[key] for key in ("paths", "reason", "munged") if key in case} == outcome(case)


@given(rule_lists(), stack_paths())
def test_paths_stay_in_the_repository(rules: list[Rule], path: str) -> None:
    """No path that comes out is absolute, empty, or climbs."""
    found = map_frame(MappingIndex(rules), FrameInfo(filename=path))
    paths = [] if isinstance(found, Unmapped) else [mapped.source_path for mapped in found]
    assert not [path for path in paths if set(path.split("/")) & {"", ".", ".."}]


@given(rule_lists(), hostile_text, hostile_text)
def test_every_frame_has_an_answer(rules: list[Rule], filename: str, abs_path: str) -> None:
    """Whatever a frame says, there are mapped paths or a reason, and never both or neither."""
    found = map_frame(MappingIndex(rules), FrameInfo(filename=filename, abs_path=abs_path, platform="cocoa"))
    assert isinstance(found, Unmapped) or (all(isinstance(mapped, Mapped) for mapped in found) and found)


@given(rule_lists(), stack_paths())
def test_more_rules_never_lose_a_path(rules: list[Rule], path: str) -> None:
    """Adding a code mapping can change which path comes first, but never take the last one away."""
    before = map_frame(MappingIndex(rules), FrameInfo(filename=path))
    after = map_frame(MappingIndex([*rules, Rule(99, "", "more")]), FrameInfo(filename=path))
    assert isinstance(before, Unmapped) or set(before) <= set(after)  # type: ignore[arg-type]


def test_the_munged_path_is_told_where_nothing_fits() -> None:
    """Who looks for the right stack root sees the path that was looked for."""
    frame = FrameInfo(platform="java", module="com.acme.Cart", abs_path="Cart.java")
    found = map_frame(MappingIndex([Rule(1, "org", "src")]), frame)
    assert found == Unmapped(Reason.STACK_ROOT_MISMATCH, "com/acme/Cart.java")
