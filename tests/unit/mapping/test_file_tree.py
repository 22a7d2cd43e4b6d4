"""The file of a repository that a printed path means, without a code mapping."""

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loading import case_id, load_cases
from scmhost.mapping import placement
from scmhost.mapping.file_tree import FileTree, LocatedFile, NotLocated
from scmhost.mapping.paths import FramePath, PrintedPath, read_printed_path
from strategies import hostile_text, stack_paths

names = st.sampled_from(["a", "b", "src", "cart.py", "till.py"])
file_paths = st.lists(names, min_size=1, max_size=4).map("/".join)


@pytest.mark.parametrize("case", load_cases("printed_paths"), ids=case_id)
def test_printed_path_is_parsed(case: dict[str, Any]) -> None:
    """Parts that cannot be in a repository are cut off; a text that names no file gives nothing."""
    found = read_printed_path(case["raw"])
    expected = {name: case[name] for name in ("whole", "absolute", "installed", "climbs") if name in case}
    assert found == (PrintedPath(**expected) if expected else None)


@pytest.mark.parametrize("case", load_cases("file_trees"), ids=case_id)
def test_file_is_located_by_its_end(case: dict[str, Any]) -> None:
    """A path that matches one file is located; one that matches several is not."""
    tree = FileTree(case["files"])
    for expected in case["paths"]:
        printed = read_printed_path(expected["raw"])
        assert printed is not None
        found = tree.locate(printed)
        actual = (
            {"file": found.path, "confidence": found.confidence}
            if isinstance(found, LocatedFile)
            else {"several": list(found.several)}
            if found.several
            else {}
        )
        assert {"raw": expected["raw"], **actual} == expected


@given(st.one_of(hostile_text, stack_paths()))
def test_no_path_climbs_out(raw: str) -> None:
    """Any printed text gives a path below the repository, or nothing."""
    found = read_printed_path(raw)
    if found is not None:
        assert found.whole
        assert not {"", ".", ".."} & set(found.whole.split("/"))


@given(st.sets(file_paths, max_size=8), st.lists(stack_paths(), max_size=5))
def test_only_files_of_the_repository_are_located(files: set[str], paths: list[str]) -> None:
    """A located file is in the list and has the path's file name."""
    tree = FileTree(files)
    for raw in paths:
        printed = read_printed_path(raw)
        found = tree.locate(printed) if printed else None
        if printed and isinstance(found, LocatedFile):
            assert found.path in files
            assert found.path.rpartition("/")[2] == printed.whole.rpartition("/")[2]


@given(st.sets(file_paths, min_size=1, max_size=8))
def test_every_file_is_located_by_its_own_path(files: set[str]) -> None:
    """A path from the repository's top means that file, even if others have the same name."""
    tree = FileTree(files)
    for file in files:
        printed = read_printed_path(file)
        assert printed is not None
        found = tree.locate(printed)
        assert isinstance(found, LocatedFile)
        assert found.path == file


@given(st.sets(file_paths, max_size=8), stack_paths())
def test_longest_suffix_wins(files: set[str], raw: str) -> None:
    """If a path ends in the whole paths of several files, the longest one is located."""
    printed = read_printed_path(raw)
    if printed is None or printed.installed is not None:
        return
    ends = [file for file in files if f"/{printed.whole}".endswith(f"/{file}")]
    found = FileTree(files).locate(printed)
    if ends:
        assert isinstance(found, LocatedFile)
        assert found.path == max(ends, key=len)


def test_very_many_similar_files_are_not_compared() -> None:
    """A path that more than 500 files share is ambiguous without a comparison, which would take long."""
    tree = FileTree(f"m{number}/src/index.ts" for number in range(600))
    printed = read_printed_path("/x/src/index.ts")
    assert printed is not None
    assert tree.locate(printed) == NotLocated(("m0/src/index.ts", "m1/src/index.ts", "m10/src/index.ts"))


def placed(tree: FileTree, *raws: str) -> list[str | None]:
    """The files that printed paths mean when they are placed together."""
    printed = [path for raw in raws if (path := read_printed_path(raw))]
    tree.place(printed)
    found = [tree.locate(path) for path in printed]
    return [one.path if isinstance(one, LocatedFile) else None for one in found]


SERVICES = [
    *(f"{folder}/app/{name}.py" for folder in ("pay", "shop", "till") for name in ("__init__", "models", "utils")),
    "shop/app/cart.py",
    "till/app/cart.py",
    "till/app/drawer.py",
]


def test_folder_that_has_all_files_of_a_trace_decides() -> None:
    """Each name exists several times, and only one service has all of them."""
    trace = ["/srv/app/models.py", "/srv/app/cart.py", "/srv/app/drawer.py", "/usr/lib/python3.11/json/models.py"]
    alone = [locate(FileTree(SERVICES), raw) for raw in trace]
    assert [isinstance(one, LocatedFile) for one in alone] == [False, False, True, False]
    assert placed(FileTree(SERVICES), *trace) == ["till/app/models.py", "till/app/cart.py", "till/app/drawer.py", None]


def test_later_frames_of_a_stream_are_placed_with_earlier_ones() -> None:
    """A path that was ambiguous may be placed once more frames have arrived."""
    tree = FileTree(SERVICES)
    assert placed(tree, "/srv/app/models.py") == [None]
    assert placed(tree, "/srv/app/drawer.py") == ["till/app/drawer.py"]
    assert tree.learned
    assert placed(tree, "/srv/app/models.py") == ["till/app/models.py"]


def test_equal_folders_are_not_guessed() -> None:
    """Frames that lie in either of two services have no file."""
    assert placed(FileTree(SERVICES), "/srv/app/models.py", "/srv/app/utils.py", "/srv/app/cart.py") == [None] * 3


def test_placing_hostile_paths_takes_bounded_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """New paths that each may mean hundreds of files are soon no longer compared."""
    compared = 0

    def count(path: FramePath, files: Iterable[tuple[str, str]]) -> list[placement.Suggestion]:
        nonlocal compared
        found = suggest(path, files)
        compared += len(found)
        return found

    suggest = placement.suggest
    monkeypatch.setattr(placement, "suggest", count)
    tree = FileTree(f"m{number}/src/index.ts" for number in range(400))
    for number in range(600):
        placed(tree, f"/x{number}/src/index.ts")
    assert 0 < compared < 150_000


@given(st.sets(file_paths, max_size=8), st.lists(stack_paths(), max_size=6))
def test_only_files_with_the_name_of_a_path_are_placed(files: set[str], paths: list[str]) -> None:
    """Placing names no file that is not listed, and none of another name."""
    named = [printed.whole.rpartition("/")[2] for raw in paths if (printed := read_printed_path(raw))]
    for name, file in zip(named, placed(FileTree(files), *paths), strict=True):
        assert file is None or (file in files and file.rpartition("/")[2] == name)


def locate(tree: FileTree, raw: str) -> LocatedFile | NotLocated:
    """The file that a printed path means."""
    printed = read_printed_path(raw)
    assert printed is not None
    return tree.locate(printed)


def test_similar_files_are_compared_up_to_a_limit() -> None:
    """With 500 similar files, the one that shares the most segments is still located."""
    tree = FileTree(f"m{number}/src/index.ts" for number in range(500))
    assert locate(tree, "/x/m7/src/index.ts") == LocatedFile("m7/src/index.ts", "medium")
    assert locate(FileTree(f"m{number}/src/index.ts" for number in range(500)), "/x/m/src/index.ts") == NotLocated(
        ("m0/src/index.ts", "m1/src/index.ts", "m10/src/index.ts")
    )


def test_match_shows_the_root_of_later_paths() -> None:
    """A certain match decides between equal files of a later path with the same start."""
    tree = FileTree(["a/lib/cart.py", "a/lib/till.py", "b/lib/till.py"])
    assert locate(tree, "/build/lib/till.py") == NotLocated(("a/lib/till.py", "b/lib/till.py"))
    assert tree.learned == 0
    assert locate(tree, "/build/lib/cart.py") == LocatedFile("a/lib/cart.py", "low")
    assert tree.learned == 1
    assert locate(tree, "/build/lib/till.py") == LocatedFile("a/lib/till.py", "low")


def test_newest_root_is_used_first() -> None:
    """If two roots fit a path, the one that was found last is used."""
    tree = FileTree(["a/lib/cart.py", "b/lib/pay.py", "a/lib/till.py", "b/lib/till.py"])
    assert locate(tree, "/build/lib/cart.py") == LocatedFile("a/lib/cart.py", "low")
    assert locate(tree, "/build/lib/pay.py") == LocatedFile("b/lib/pay.py", "low")
    assert locate(tree, "/build/lib/till.py") == LocatedFile("b/lib/till.py", "low")


def test_file_name_alone_shows_no_root() -> None:
    """A match by the file's name alone gives no root for other paths."""
    tree = FileTree(["a/cart.py"])
    assert locate(tree, "cart.py") == LocatedFile("a/cart.py", "low")
    assert tree.learned == 0


def test_number_of_roots_is_bounded() -> None:
    """At most 64 roots are kept."""
    tree = FileTree(f"a{number}/b/cart.py" for number in range(70))
    for number in range(70):
        assert locate(tree, f"/x{number}/a{number}/b/cart.py") == LocatedFile(f"a{number}/b/cart.py", "medium")
    assert tree.learned == 64


def test_only_the_last_folders_of_a_deep_path_are_compared() -> None:
    """A path of more than 64 segments is compared by its last 64."""
    deep = "/".join(["d"] * 63 + ["m.py"])
    assert locate(FileTree([deep]), f"/x/{deep}") == LocatedFile(deep, "medium")
    assert locate(FileTree([f"d/{deep}"]), f"/x/d/{deep}") == LocatedFile(f"d/{deep}", "low")


def test_tree_is_a_collection_of_its_files() -> None:
    """A tree has the length of its list, each file once, and contains its files."""
    tree = FileTree(["a.py", "b.py", "a.py"])
    assert len(tree) == 2
    assert "a.py" in tree
    assert "c.py" not in tree


@pytest.mark.parametrize("raw", ["X/a.swift", "x[0]/a.py", "a<b>.py"])
def test_brackets_inside_a_path_are_part_of_it(raw: str) -> None:
    """Only a text that begins with a bracket names no file."""
    printed = read_printed_path(raw)
    assert printed is not None
    assert printed.whole == raw
