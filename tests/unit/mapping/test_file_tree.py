"""Which file of a repository a printed path is, where no code mapping says it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loading import case_id, load_cases
from scmhost.mapping.file_tree import FileTree, Located, Unlocated
from scmhost.mapping.printed_path import PrintedPath, read_printed_path
from strategies import hostile_text, stack_paths

names = st.sampled_from(["a", "b", "src", "cart.py", "till.py"])
file_paths = st.lists(names, min_size=1, max_size=4).map("/".join)


@pytest.mark.parametrize("case", load_cases("printed_paths"), ids=case_id)
def test_a_printed_path_is_read(case: dict[str, Any]) -> None:
    """What cannot be of a repository is put aside, and what names no file is told apart."""
    found = read_printed_path(case["raw"])
    wanted = {name: case[name] for name in ("whole", "absolute", "installed", "climbs") if name in case}
    assert found == (PrintedPath(**wanted) if wanted else None)


@pytest.mark.parametrize("case", load_cases("file_trees"), ids=case_id)
def test_a_file_is_found_by_its_end(case: dict[str, Any]) -> None:
    """What is of one file is found, and what could be of several is of none."""
    tree = FileTree(case["files"])
    for wanted in case["paths"]:
        printed = read_printed_path(wanted["raw"])
        assert printed is not None
        found = tree.locate(printed)
        told = (
            {"file": found.path, "confidence": found.confidence}
            if isinstance(found, Located)
            else {"several": list(found.several)}
            if found.several
            else {}
        )
        assert {"raw": wanted["raw"], **told} == wanted


@given(st.one_of(hostile_text, stack_paths()))
def test_no_path_climbs_out(raw: str) -> None:
    """Whatever is printed, what is left of it lies below the repository."""
    found = read_printed_path(raw)
    if found is not None:
        assert found.whole
        assert not {"", ".", ".."} & set(found.whole.split("/"))


@given(st.sets(file_paths, max_size=8), st.lists(stack_paths(), max_size=5))
def test_only_files_of_the_repository_are_found(files: set[str], paths: list[str]) -> None:
    """A file that is found is in the list, and is called as the path says."""
    tree = FileTree(files)
    for raw in paths:
        printed = read_printed_path(raw)
        found = tree.locate(printed) if printed else None
        if printed and isinstance(found, Located):
            assert found.path in files
            assert found.path.rpartition("/")[2] == printed.whole.rpartition("/")[2]


@given(st.sets(file_paths, min_size=1, max_size=8))
def test_every_file_is_found_by_its_own_path(files: set[str]) -> None:
    """A path from the repository's top is that file, whatever the others are called."""
    tree = FileTree(files)
    for file in files:
        printed = read_printed_path(file)
        assert printed is not None
        found = tree.locate(printed)
        assert isinstance(found, Located)
        assert found.path == file


@given(st.sets(file_paths, max_size=8), stack_paths())
def test_the_longest_end_is_the_file(files: set[str], raw: str) -> None:
    """A path that ends in the whole path of a file is the one whose path is the longest."""
    printed = read_printed_path(raw)
    if printed is None or printed.installed is not None:
        return
    ends = [file for file in files if f"/{printed.whole}".endswith(f"/{file}")]
    found = FileTree(files).locate(printed)
    if ends:
        assert isinstance(found, Located)
        assert found.path == max(ends, key=len)


def test_very_many_files_of_a_name_are_not_compared() -> None:
    """Text from strangers costs no more in a large repository: what so many share is of none."""
    tree = FileTree(f"m{number}/src/index.ts" for number in range(600))
    printed = read_printed_path("/x/src/index.ts")
    assert printed is not None
    assert tree.locate(printed) == Unlocated(("m0/src/index.ts", "m1/src/index.ts", "m10/src/index.ts"))
