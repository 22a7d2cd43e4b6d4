"""Words, moves and tests, as messages and paths show them."""

from collections.abc import Mapping

import pytest

from scmhost.frames import Frame
from scmhost.suspects.features import change_of, words_of
from scmhost.suspects.values import innermost_first, is_test_path


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("looksLikeUtf8", {"looks", "like", "utf"}),
        ("HTTPServer.do_GET", {"http", "server", "get"}),
        ("<module>", {"module"}),
        ("a b cd", set()),
        ("", set()),
    ],
)
def test_words_are_those_of_identifiers(text: str, words: set[str]) -> None:
    assert words_of(text) == words


@pytest.mark.parametrize(
    ("files", "kinds"),
    [
        ({"new/a.py": "A", "old/a.py": "D"}, {"new/a.py": "R", "old/a.py": "D"}),
        ({"new/a.py": "A", "old/b.py": "D"}, {"new/a.py": "A", "old/b.py": "D"}),
        ({"a.py": "M"}, {"a.py": "M"}),
    ],
)
def test_added_file_of_a_deleted_name_is_renamed(files: Mapping[str, str], kinds: Mapping[str, str]) -> None:
    assert change_of("a", 0, "", files).files == kinds


def test_words_are_those_of_the_subject() -> None:
    change = change_of("a", 0, "\nRound totals\n\nThis reverts commit 0123abc.", {})
    assert (set(change.words), change.reverts) == ({"round", "totals"}, "0123abc")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("tests/unit/a.py", True),
        ("src/test/java/CartTest.java", True),
        ("pkg/cart_test.go", True),
        ("web/cart.spec.ts", True),
        ("test_cart.py", True),
        ("src/contest.py", False),
        ("src/latest/a.py", False),
        ("src/Attestation.java", False),
    ],
)
def test_paths_of_tests(path: str, expected: bool) -> None:
    assert is_test_path(path) is expected


@pytest.mark.parametrize(("language", "expected"), [("python", ["b", "a"]), ("java", ["a", "b"]), (None, ["a", "b"])])
def test_python_prints_the_innermost_frame_last(language: str | None, expected: list[str]) -> None:
    frames = [Frame(path, 1, language=language) for path in ("a", "b")]
    assert [frame.path for frame in innermost_first(frames)] == expected
