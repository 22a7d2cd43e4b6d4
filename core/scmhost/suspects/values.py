"""What a question about suspect commits has, and what its answer has."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal, NamedTuple, Protocol, TypeVar

Confidence = Literal["high", "medium", "low"]

MOST_SUSPECTS: Final = 5
"""The most suspects of an answer."""

NEAR_LINES: Final = 10
"""A commit that changed a line at most so far from a line of the trace changed lines near it."""

_TEST_FOLDERS: Final = frozenset({"test", "tests", "spec", "specs", "__tests__"})
_TEST_ENDINGS: Final = ("_test", "Test", "Tests", "_spec", ".test", ".spec")
_INNERMOST_LAST: Final = frozenset({"python"})


class CodeFrame(NamedTuple):
    """A frame of a trace that lies in the repository.

    Attributes:
        path: the file, from the repository's root.
        line: the line in that file.
        function: the function, as printed.
        is_test: whether the file belongs to tests; such frames count only if the trace has no others.
    """

    path: str
    line: int | None = None
    function: str | None = None
    is_test: bool = False


class Change(NamedTuple):
    """A commit, as far as its rank needs it. Merges are left out by the caller, or are recognized by their message.

    Attributes:
        sha: its id.
        time: when it was committed, in seconds since 1970.
        words: the words of its subject, in lower case; see ``words_of``.
        files: the types of change of the files of the trace that it changed, by path: ``A`` (added), ``C`` (added as a
            copy), ``M``, ``R`` (renamed) or ``D``.
        in_release: whether the release lists it; None if no release is known.
        reverts: the id of the commit that it reverts, perhaps abbreviated, if its message has it.
    """

    sha: str
    time: float
    words: frozenset[str]
    files: Mapping[str, str]
    in_release: bool | None = None
    reverts: str | None = None


class Blame(NamedTuple):
    """The commit that last changed a line of the trace."""

    path: str
    line: int
    sha: str


class Region(NamedTuple):
    """The commits that changed lines near a line of the trace, newest first."""

    path: str
    line: int
    shas: Sequence[str]


class SuspectQuestion(NamedTuple):
    """An error and the commits that may have introduced it.

    Attributes:
        frames: the frames in the repository, the innermost first.
        commits: the commits, in any order.
        first_seen: the first occurrence, in seconds since 1970; later commits are no suspects.
        blame: the blamed lines in the order of frames; empty if no line could be blamed.
        regions: changes near the lines in the order of frames. Without them the blamed lines are used.
        release: the version of the release, for evidence.
    """

    frames: Sequence[CodeFrame]
    commits: Sequence[Change]
    first_seen: float | None = None
    blame: Sequence[Blame] = ()
    regions: Sequence[Region] = ()
    release: str | None = None


class Suspect(NamedTuple):
    """A commit that may have introduced an error.

    Attributes:
        sha: its id.
        score: the estimated probability, from 0 to 1.
        confidence: only the first suspect of an answer is ever ``high``.
        evidence: the reasons in words, the strongest first.
    """

    sha: str
    score: float
    confidence: Confidence
    evidence: tuple[str, ...] = ()


class Answer(NamedTuple):
    """At most ``MOST_SUSPECTS`` suspects, the most probable first; or none, and the reason."""

    suspects: tuple[Suspect, ...] = ()
    reason: str | None = None


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
