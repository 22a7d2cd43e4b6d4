"""The frames of a trace are placed together."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scmhost.mapping import DerivedMapping, FrameInfo, MappingIndex, Rule, Unmapped, derive_mappings, map_frame

names = st.sampled_from(["utils.py", "models.py", "views.py", "__init__.py", "cart.py"])
folders = st.sampled_from(["", "cart/", "money/", "cart/money/"])
files = st.builds(str.__add__, folders, names)
trees = st.dictionaries(
    st.sampled_from(["services/shop/", "services/pay/", "libs/common/", ""]),
    st.lists(files, min_size=1, max_size=8),
    max_size=4,
)
starts = st.sampled_from(["/app/", "C:\\web\\", "webpack://shop/./", "", "/srv/shop/current/"])
frames = st.lists(st.builds(str.__add__, starts, files), max_size=8)

Trees = dict[str, list[str]]
Place = tuple[str, str] | None


def listed(found: Trees) -> list[str]:
    """The files of a repository with these folders."""
    return [folder + file for folder, below in found.items() for file in below]


def derived(paths: list[str], found: Trees) -> list[DerivedMapping]:
    """The mappings that a trace gives for one repository with these folders."""
    return derive_mappings([FrameInfo(filename=path) for path in paths], {"acme/mono": listed(found)})


def places(paths: list[str], found: Trees) -> dict[str, Place]:
    """The listed file of each path that the derived mappings lead to, as the service chooses it."""
    mappings = derived(paths, found)
    index = MappingIndex([Rule(at, *mapping.roots) for at, mapping in enumerate(mappings)])
    known = set(listed(found))
    result: dict[str, Place] = {}
    for path in paths:
        matches = map_frame(index, FrameInfo(filename=path))
        targets = [] if isinstance(matches, Unmapped) else [match.source_path for match in matches]
        result[path] = next((("acme/mono", file) for file in targets if file in known), None)
    return result


@given(frames, trees, st.randoms(use_true_random=False))
def test_order_does_not_matter(paths: list[str], found: Trees, random: Random) -> None:
    """Frames and files in another order give the same mappings."""
    shuffled = {
        folder: random.sample(found[folder], len(found[folder])) for folder in random.sample([*found], len(found))
    }
    assert derived(paths, found) == derived(random.sample(paths, len(paths)), shuffled)


@given(frames, trees, st.sampled_from(["/opt/other/router.py", "router.py", "/app/router.py", "<stdin>", "node:fs"]))
def test_unrelated_frame_changes_no_answer(paths: list[str], found: Trees, unrelated: str) -> None:
    """A frame whose file no repository has does not change where the other frames lie."""
    before, after = places(paths, found), places([*paths, unrelated], found)
    assert before == {path: after[path] for path in before}
    assert after[unrelated] is None


@given(frames, st.lists(files, min_size=1, max_size=8), starts)
def test_twins_are_never_guessed(paths: list[str], below: list[str], start: str) -> None:
    """Frames that lie in either of two equal folders stay without a link."""
    found = {"services/shop/": below, "services/pay/": below}
    trace = [start + file for file in below]
    assert set(places(trace, found).values()) == {None}
    assert set(places([*trace, *paths], found).values()) == {None}


@given(st.lists(files, min_size=2, max_size=8, unique=True), st.lists(files, max_size=6), starts)
def test_tree_with_one_more_file_decides(below: list[str], others: list[str], start: str) -> None:
    """Frames are placed only in the folder that has all files of the trace, if another folder lacks one of them."""
    deepest = max(below, key=lambda file: (file.count("/"), file))
    found = {"services/shop/": below, "services/pay/": [file for file in others if file != deepest]}
    trace = [start + file for file in below]
    assert set(places(trace, found).values()) <= {None, *(("acme/mono", f"services/shop/{file}") for file in below)}


@given(frames, trees)
def test_placed_frames_end_as_their_files(paths: list[str], found: Trees) -> None:
    """A frame and the file that it is placed at have the same name."""
    for path, place in places(paths, found).items():
        assert place is None or place[1].rpartition("/")[2] == path.replace("\\", "/").rpartition("/")[2]


def test_share_counts_the_frames_that_a_mapping_explains() -> None:
    """The share of a mapping counts the frames it leads to known files, of all that name a file."""
    found = {"services/shop/": ["cart/views.py", "cart/utils.py", "models.py"], "services/pay/": ["models.py"]}
    trace = ["/app/cart/views.py", "/app/cart/utils.py", "/app/models.py", "/app/router.py", "<stdin>"]
    (mapping,) = derived([*trace, *trace], found)
    assert mapping.roots == ("/app/", "services/shop/")
    assert mapping.share == (3, 4)


@pytest.mark.parametrize(("copies", "placed"), [(10, True), (600, False)])
def test_names_of_too_many_comparisons_are_left_out(*, copies: int, placed: bool) -> None:
    """A name that a hostile trace repeats is not compared with all its files; others are."""
    repository = {"services/shop/": ["cart/views.py", "cart/total.py"], **{f"x{n}/": ["views.py"] for n in range(300)}}
    hostile = [f"/evil/{n}/views.py" for n in range(copies)]
    found = places(["/app/cart/views.py", "/app/cart/total.py", *hostile], repository)
    assert (found["/app/cart/total.py"] is not None) == placed
