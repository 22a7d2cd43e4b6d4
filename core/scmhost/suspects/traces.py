"""The frames of traces as questions have them: the innermost first, those of tests marked."""

from collections.abc import Sequence
from typing import Final, Protocol, TypeVar

_TEST_FOLDERS: Final = frozenset({"test", "tests", "spec", "specs", "__tests__"})
_TEST_ENDINGS: Final = ("_test", "Test", "Tests", "_spec", ".test", ".spec")
_INNERMOST_LAST: Final = frozenset({"python"})


class HasLanguage(Protocol):
    """A frame with its language."""

    @property
    def language(self) -> str | None: ...


F = TypeVar("F", bound=HasLanguage)


def innermost_first(frames: Sequence[F]) -> list[F]:
    """Return printed frames in the order of calls, the innermost first. Python prints the innermost one last."""
    reverse = any(frame.language in _INNERMOST_LAST for frame in frames)
    return list(reversed(frames)) if reverse else list(frames)


def is_test_path(path: str) -> bool:
    """Return whether a file belongs to tests, by its path as most languages name them."""
    *folders, name = path.split("/")
    stem = name.rpartition(".")[0]
    return not _TEST_FOLDERS.isdisjoint(folders) or stem.startswith("test_") or stem.endswith(_TEST_ENDINGS)
