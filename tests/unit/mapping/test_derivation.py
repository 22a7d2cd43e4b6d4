"""Code mappings that are derived from frames and file lists."""

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loading import case_id, load_cases
from scmhost.mapping import DerivedRoots, FrameInfo, Rule, derive_mappings, file_names
from scmhost.mapping.derivation import is_source_file
from strategies import hostile_text

folder = st.sampled_from(["src", "lib", "shop", "cart"])
files = st.lists(st.builds("/".join, st.lists(folder, max_size=3)), max_size=8).map(
    lambda folders: [f"{folder}/m.py".lstrip("/") for folder in folders]
)


def frames_of(case: dict[str, Any]) -> list[FrameInfo]:
    """A case's frames: those of files, and those of classes."""
    classes = [FrameInfo(platform="java", module=module, abs_path=path) for module, path in case.get("classes", ())]
    return [*(FrameInfo(filename=path) for path in case.get("frames", ())), *classes]


@pytest.mark.parametrize("case", load_cases("derivation"), ids=case_id)
def test_mappings_are_derived(case: dict[str, Any]) -> None:
    """A frame that can mean one file only gives a mapping; one that can mean several gives none."""
    found = derive_mappings(frames_of(case), case["trees"])
    derived = [[item.repository, item.roots.stack_root, item.roots.source_root, item.confidence] for item in found]
    assert case["derived"] == derived


@given(st.lists(files, max_size=3), st.lists(files), st.randoms(use_true_random=False))
def test_order_does_not_matter(trees: list[list[str]], paths: list[list[str]], random: Random) -> None:
    """The same frames and files give the same mappings in any order."""
    named = {f"acme/{number}": listed for number, listed in enumerate(trees)}
    info = [FrameInfo(filename=path) for listed in paths for path in listed]
    shuffled = {name: random.sample(named[name], len(named[name])) for name in random.sample(list(named), len(named))}
    assert derive_mappings(info, named) == derive_mappings(random.sample(info, len(info)), shuffled)


@given(st.lists(files, max_size=3), st.lists(files), st.sampled_from(["", "/", "./", "C:\\", "app:///"]))
def test_derived_mappings_lead_back(trees: list[list[str]], paths: list[list[str]], start: str) -> None:
    """A derived mapping maps its frames to files of the repository."""
    named = {f"acme/{number}": listed for number, listed in enumerate(trees)}
    found = derive_mappings([FrameInfo(filename=start + path) for listed in paths for path in listed], named)
    for mapping in found:
        rule = Rule(1, mapping.roots.stack_root, mapping.roots.source_root)
        assert mapping.derived_from
        for path, file in mapping.derived_from:
            assert rule.source_path(path) == file
            assert file in named[mapping.repository]


@given(st.lists(hostile_text), st.lists(hostile_text))
def test_odd_names_raise_no_error(paths: list[str], listed: list[str]) -> None:
    """Any names of frames and files give a list."""
    assert isinstance(derive_mappings([FrameInfo(filename=path) for path in paths], {"acme/web": listed}), list)


@pytest.mark.parametrize(
    ("path", "counts"),
    [
        ("src/cart.py", True),
        ("src/Cart.PY", True),
        ("some/path/Test.tsx", True),
        ("src/contest.js", True),
        ("src/latest/cart.js", True),
        ("src/Contest.java", True),
        ("README.md", False),
        ("Makefile", False),
        (".env", False),
        ("tests/cart.py", False),
        ("src/__tests__/cart.js", False),
        ("src/test/java/com/acme/Cart.java", False),
        ("spec/models/cart.rb", False),
        ("src/test_cart.py", False),
        ("cart/cart_test.go", False),
        ("models/cart_spec.rb", False),
        ("src/cart.test.ts", False),
        ("src/cart.spec.jsx", False),
        ("src/CartTest.java", False),
        ("src/CartTests.cs", False),
        ("src/cartSpec.groovy", False),
        ("src/CartTestCase.php", False),
        ("__mocks__/cart.js", False),
        ("Tests/cart.py", False),
        ("src/cart-spec.js", False),
        ("src/cart-test.js", False),
        ("Test.java", True),
    ],
)
def test_only_source_files_count(path: str, *, counts: bool) -> None:
    """Source of known languages counts; tests and other files do not."""
    assert counts == is_source_file(path)


def roots_by_repository(frames: list[str], files: dict[str, list[str]]) -> list[tuple[str, str, str]]:
    """The repository and the roots of each derived mapping."""
    derived = derive_mappings([FrameInfo(filename=path) for path in frames], files)
    return [(item.repository, item.roots.stack_root, item.roots.source_root) for item in derived]


def test_covered_files_no_longer_compete() -> None:
    """A file below a derived source root is no candidate for the frames that are still ambiguous."""
    files = {"acme/web": ["x/src/till.py", "x/src/cart.py", "lib/cart.py"]}
    assert roots_by_repository(["cart.py"], files) == []
    assert roots_by_repository(["cart.py", "src/till.py"], files) == [
        ("acme/web", "", "lib/"),
        ("acme/web", "src/", "x/src/"),
    ]


def test_empty_source_root_covers_no_file() -> None:
    """A mapping to the whole repository leaves its files to other mappings."""
    files = {"acme/web": ["main.py", "x/src/till.py", "x/src/cart.py", "lib/cart.py"]}
    assert roots_by_repository(["/srv/app/main.py", "cart.py", "src/till.py"], files) == [
        ("acme/web", "", "lib/"),
        ("acme/web", "/srv/app/", ""),
        ("acme/web", "src/", "x/src/"),
    ]


def test_covered_folder_of_another_repository_still_competes() -> None:
    """A source root covers files of its own repository only."""
    files = {"acme/api": ["x/src/till.py"], "acme/web": ["x/src/cart.py", "lib/cart.py"]}
    assert roots_by_repository(["cart.py", "src/till.py"], files) == [("acme/api", "src/", "x/src/")]


def test_incomplete_lists_give_no_source_set() -> None:
    """The package of a source set is derived from complete lists only."""
    frame = FrameInfo(platform="java", module="com.acme.shop.cart.items.Cart", abs_path="Cart.java")
    files = {"acme/web": [f"src/main/java/com/acme/{name}.java" for name in ("shop/cart/items/Cart", "App")]}
    (complete,) = derive_mappings([frame], files)
    (incomplete,) = derive_mappings([frame], files, whole=False)
    assert complete.roots == DerivedRoots("com/acme/", "src/main/java/com/acme/")
    assert incomplete.roots == DerivedRoots("com/acme/shop/cart/", "src/main/java/com/acme/shop/cart/")


def test_file_names_come_once_and_in_order() -> None:
    """The names of the frames' files are listed once, without frames that name no file."""
    names = file_names([FrameInfo(filename=path) for path in ("b/x.py", "<stdin>", "c/x.py", "a.py", "C:\\w\\z.py")])
    assert names == ["x.py", "a.py", "z.py"]


def test_mapping_must_give_the_listed_file() -> None:
    """A listed path that no rule can give, as one with an empty segment, gives no mapping."""
    assert roots_by_repository(["m.py"], {"acme/web": ["x//m.py"]}) == []
