"""From a stack path and a source file to the roots of a code mapping."""

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from loading import case_id, load_cases
from scmhost.mapping import DerivedRoots, FrameInfo, MappingIndex, MappingMatch, NoRoots, Rule, derive_roots, map_frame
from strategies import SEGMENTS, hostile_text

NAMES = [segment for segment in SEGMENTS if segment.strip(".")]
folders = st.lists(st.sampled_from(NAMES), max_size=4)
starts = st.sampled_from(
    ["", "/", "\\", "C:\\", "C:", "./", "../", "../../", "app:///", "app:///../", "webpack://x/./"]
)
parts = st.from_regex(r"[a-z]{1,3}", fullmatch=True)


def frame_of(case: dict[str, Any]) -> FrameInfo:
    """A case's frame: a file's, or a class's."""
    if "class" in case:
        return FrameInfo(platform="java", module=case["class"][0], abs_path=case["class"][1])
    return FrameInfo(filename=case["frame"])


@pytest.mark.parametrize("case", load_cases("roots"), ids=case_id)
def test_roots_are_derived(case: dict[str, Any]) -> None:
    """A frame and its file give roots, or a reason of the list."""
    roots = derive_roots(frame_of(case), case["source"], case.get("files", ()))
    expected = DerivedRoots(*case["roots"]) if "roots" in case else NoRoots(case["reason"])
    assert expected == roots


def leads_to(roots: DerivedRoots, frame: FrameInfo) -> str | None:
    """The path that a mapping of these roots gives for the frame."""
    found = map_frame(MappingIndex([Rule(1, roots.stack_root, roots.source_root)]), frame)
    return found[0].source_path if isinstance(found, tuple) and isinstance(found[0], MappingMatch) else None


@given(starts, folders, folders, folders, st.sampled_from(["/", "\\"]))
def test_roots_lead_back(start: str, above: list[str], before: list[str], common: list[str], slash: str) -> None:
    """A mapping of derived roots maps the frame to the file that they were derived from."""
    frame = FrameInfo(filename=start + slash.join([*above, *common, "cart.py"]))
    source = "/".join([*before, *common, "cart.py"])
    # A drive's letter that a name follows without any slash is a part of that name.
    assume("\\" in (frame.filename or "") or start != "C:" or above or common)
    roots = derive_roots(frame, source)
    assert isinstance(roots, DerivedRoots)
    assert leads_to(roots, frame) == source


@given(st.lists(parts, min_size=1, max_size=6), folders, st.lists(st.lists(parts, max_size=3), max_size=3))
def test_roots_of_classes_lead_back(package: list[str], before: list[str], others: list[list[str]]) -> None:
    """The roots of classes lead back too, with any other files in their source set."""
    frame = FrameInfo(platform="java", module=".".join([*package, "Cart$1"]), abs_path="Cart.kt")
    source_set = "/".join([*before, "src/main/kotlin/"])
    source = source_set + "/".join([*package, "Cart.kt"])
    roots = derive_roots(frame, source, [source, *(source_set + "/".join([*other, "X.kt"]) for other in others)])
    assert isinstance(roots, DerivedRoots)
    assert leads_to(roots, frame) == source


@given(hostile_text, hostile_text, st.none() | hostile_text, st.lists(hostile_text, max_size=3))
def test_every_pair_has_an_outcome(path: str, source: str, module: str | None, files: list[str]) -> None:
    """Any frame and file give roots or a reason."""
    for frame in (FrameInfo(filename=path), FrameInfo(platform="java", module=module, abs_path=path)):
        roots = derive_roots(frame, source, files)
        assert isinstance(roots, DerivedRoots | NoRoots)
