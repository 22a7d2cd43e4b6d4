"""Paths of frames that print none, and packages of classes."""

from typing import Any

import pytest

from loading import case_id, load_cases
from scmhost.mapping import FrameInfo, munge
from scmhost.mapping.frame_mapping import ClassPath, class_path, common_package, source_set_of


@pytest.mark.parametrize("case", load_cases("munging"), ids=case_id)
def test_frame_is_munged(case: dict[str, Any]) -> None:
    """A platform's frame gives the path that its language's layout has, or none."""
    assert case["path"] == munge(FrameInfo(**case["frame"]))


@pytest.mark.parametrize(
    ("module", "file", "expected"),
    [
        ("com.acme.App", "App.java", ClassPath("com/acme/App.java", "com/acme/")),
        ("com.acme.App$Inner$1", "App.java", ClassPath("com/acme/App.java", "com/acme/")),
        ("com.acme.AppKt", "/build/App.kt", ClassPath("com/acme/App.kt", "com/acme/")),
        ("com.acme.AppKt", "C:\\build\\App.kt", ClassPath("com/acme/App.kt", "com/acme/")),
        ("a.b.c.d.e.F", "F.java", ClassPath("a/b/c/d/e/F.java", "a/b/c/d/")),
        ("com.acme.App", "SourceFile", ClassPath("com/acme/App", "com/acme/")),
        ("com.acme.App", "App$1.java", ClassPath("com/acme/App", "com/acme/")),
        ("App", "SourceFile", ClassPath("App", "")),
        ("App", "App.java", None),
        ("$1", "SourceFile", None),
    ],
)
def test_class_and_file_name_give_a_path(module: str, file: str, expected: ClassPath | None) -> None:
    """A class and its file's name give a path, and at most four parts of the package are its root."""
    assert expected == class_path(module, file)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("src/main/java/com/App.java", "src/main/java/"),
        ("shop/src/main/kotlin/com/App.kt", "shop/src/main/kotlin/"),
        ("xsrc/main/java/App.java", None),
        ("src/App.java", None),
    ],
)
def test_source_set_is_found_by_whole_segments(source: str, expected: str | None) -> None:
    """A source set is found by whole segments, at the top or in a module's folder."""
    assert expected == source_set_of(source)


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["a/b/X", "a/b/c/Y"], "a/b/"),
        (["a/b/X", "a/c/Y"], "a/"),
        (["a/X", "b/Y"], ""),
        (["X"], ""),
        (["a/b/X"], "a/b/"),
        (["a/b/X", "a/b/c/Y", "a/bb/Z"], "a/"),
    ],
)
def test_common_package(paths: list[str], expected: str) -> None:
    """The common package is the deepest folder of all paths, by whole segments."""
    assert expected == common_package(paths)
