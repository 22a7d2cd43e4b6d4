"""Code mappings that frames and lists of files tell together."""

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loading import case_id, load_cases
from scmhost.mapping import FrameInfo, Rule, derive_mappings
from scmhost.mapping.source_files import is_source_file
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
def test_derives(case: dict[str, Any]) -> None:
    """What is certain is mapped, and what could be of several files is not."""
    found = derive_mappings(frames_of(case), case["trees"])
    told = [[item.repository, item.roots.stack_root, item.roots.source_root, item.confidence] for item in found]
    assert case["derived"] == told


@given(st.lists(files, max_size=3), st.lists(files), st.randoms(use_true_random=False))
def test_order_does_not_matter(trees: list[list[str]], paths: list[list[str]], random: Random) -> None:
    """The same frames and files tell the same mappings, in whatever order they come."""
    named = {f"acme/{number}": listed for number, listed in enumerate(trees)}
    info = [FrameInfo(filename=path) for listed in paths for path in listed]
    shuffled = {name: random.sample(named[name], len(named[name])) for name in random.sample(list(named), len(named))}
    assert derive_mappings(info, named) == derive_mappings(random.sample(info, len(info)), shuffled)


@given(st.lists(files, max_size=3), st.lists(files), st.sampled_from(["", "/", "./", "C:\\", "app:///"]))
def test_derived_mappings_lead_back(trees: list[list[str]], paths: list[list[str]], start: str) -> None:
    """A derived mapping leads the frames that it is derived from to files that are there."""
    named = {f"acme/{number}": listed for number, listed in enumerate(trees)}
    found = derive_mappings([FrameInfo(filename=start + path) for listed in paths for path in listed], named)
    for mapping in found:
        rule = Rule(1, mapping.roots.stack_root, mapping.roots.source_root)
        assert mapping.derived_from
        for path, file in mapping.derived_from:
            assert rule.source_path(path) == file
            assert file in named[mapping.repository]


@given(st.lists(hostile_text), st.lists(hostile_text))
def test_odd_names_are_no_trouble(paths: list[str], listed: list[str]) -> None:
    """Whatever frames and files are called, there is a list."""
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
    ],
)
def test_source_files(path: str, *, counts: bool) -> None:
    """Frames are of source, in languages that are known, and not of tests."""
    assert counts == is_source_file(path)
