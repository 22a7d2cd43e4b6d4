"""Map a frame: the rules that match, the paths that they give, and the order in which those are tried.

For a code mapping that gives no path, explain why. The rule itself decides whether it gives one.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from scmhost.sdk.reasons import Reason

from .code_mapping import Rank, Rule, comparable, normalize_slashes
from .index import MappingIndex, RuleMatch
from .munging import FrameInfo, munge


class MappingMatch(NamedTuple):
    """A matching rule and the repository path that it gives. ``munged`` is set if the platform has a rule."""

    rule: Rule
    source_path: str
    munged: str | None = None


@dataclass(frozen=True, slots=True)
class Unmapped:
    """The reason why no rule gives a path."""

    reason: Reason
    munged: str | None = None


class FileStatus(StrEnum):
    """The state of a file according to the known commits, the best first."""

    LISTED = "listed"
    """A commit named it, and none deleted it since."""
    UNKNOWN = "unknown"
    """No commit named it: those that did were not sent, or the file does not exist."""
    DELETED = "deleted"
    """The newest commit that named it deleted it."""


class Mismatch(StrEnum):
    """The reason why a mapping gives no path. The nearest to a match comes first."""

    NOT_A_FILE = "not_a_file"
    PATH_OUTSIDE = "path_outside_repository"
    INSIDE_SEGMENT = "inside_segment"
    CASE_DIFFERS = "case_differs"
    ROOT_DIFFERS = "root_differs"


_NEAREST_FIRST: Final = tuple(Mismatch)

MISMATCH_STEP: Final[Mapping[Mismatch, str]] = MappingProxyType(
    {
        Mismatch.NOT_A_FILE: "Nothing to do, if the frame names no source file; else make the stack root shorter.",
        Mismatch.PATH_OUTSIDE: "Check the source root, and the `..` in the frame's path.",
        Mismatch.INSIDE_SEGMENT: "If the root is to end inside a folder's name, end it in `*`.",
        Mismatch.CASE_DIFFERS: "Write the stack root with the letters of the frame's path.",
        Mismatch.ROOT_DIFFERS: "If this mapping is meant for the frame, make its stack root the start of the path.",
    }
)

_EXPLANATION: Final[Mapping[Mismatch, str]] = MappingProxyType(
    {
        Mismatch.NOT_A_FILE: "the path ends where the stack root does, so that no file is left",
        Mismatch.PATH_OUTSIDE: "the stack root fits, but the path that it gives leads out of the repository",
        Mismatch.INSIDE_SEGMENT: "the path begins like the stack root, but goes on inside the same folder's name",
        Mismatch.CASE_DIFFERS: "the path begins like the stack root but for upper and lower case",
        Mismatch.ROOT_DIFFERS: "the path does not begin with the stack root",
    }
)
_STATUS_RANK: Final = {status: rank for rank, status in enumerate(FileStatus)}


def map_frame(index: MappingIndex, info: FrameInfo) -> tuple[MappingMatch, ...] | Unmapped:
    """Return the repository paths that a frame may mean, the first rule's path first.

    Each rule is tried on the munged path, or else on the file name, and then on the absolute path.
    """
    munged, paths = paths_to_match(info)
    if not paths:
        return Unmapped(Reason.NOT_A_FILE, munged)
    matches = _matches(index, paths)
    if not matches:
        return Unmapped(Reason.STACK_ROOT_MISMATCH if len(index) else Reason.NO_CODE_MAPPINGS, munged)
    mapped: dict[int, MappingMatch] = {}
    for rule, source_path in matches:
        if source_path and rule.id not in mapped:
            mapped[rule.id] = MappingMatch(rule, source_path, munged)
    if mapped:
        return tuple(mapped.values())
    # A path that equals a stack root gives the repository's top, which is a folder.
    is_folder = any(path == "" for _, path in matches)
    return Unmapped(Reason.NOT_A_FILE if is_folder else Reason.PATH_OUTSIDE, munged)


def paths_to_match(info: FrameInfo) -> tuple[str | None, list[str]]:
    """Return the munged path, if the platform has a rule, and the paths that rules are tried on."""
    munged = munge(info)
    return munged, [path for path in (munged or info.filename, info.abs_path) if path and _names_a_file(path)]


def order_by_file_status(
    matches: Sequence[MappingMatch], status: Callable[[MappingMatch], FileStatus]
) -> tuple[MappingMatch, ...]:
    """Return the matches in the order in which they are tried: the file's status decides among equals.

    Mappings of people come before derived ones, whatever is known of their files. The sort is stable, so that matches
    with the same status keep the order of their rules.
    """
    return tuple(sorted(matches, key=lambda match: (match.rule.generated, _STATUS_RANK[status(match)])))


def find_mismatch(rules: Sequence[Rule], paths: Sequence[str]) -> Mismatch | None:
    """Return why the rules of one mapping give no file for a frame's paths, or None if they do give one."""
    reasons = [_check_path(rule, path) for rule in rules for path in paths]
    if None in reasons:
        return None
    return min((reason for reason in reasons if reason), key=_NEAREST_FIRST.index, default=Mismatch.NOT_A_FILE)


def mismatch_message(stack_root: str, paths: Sequence[str], reason: Mismatch) -> str:
    """Return a sentence about a mapping that gives no path."""
    shown = " or ".join(repr(path) for path in paths) or "no path of a file"
    return f"Stack root {stack_root!r}, frame {shown}: {_EXPLANATION[reason]}."


def _matches(index: MappingIndex, paths: list[str]) -> Sequence[RuleMatch]:
    """Return the matches of all paths by the rules' order; for one rule, those of the earlier path first."""
    if len(paths) == 1:
        return index.matches(paths[0])
    return sorted((match for path in paths for match in index.matches(path)), key=_rank)


def _rank(match: RuleMatch) -> Rank:
    return match[0].rank


def _names_a_file(path: str) -> bool:
    """Return False for ``<anonymous>`` and ``[native code]``, which some runtimes print in place of a path."""
    return not (path.startswith("<") and path.endswith(">")) and not (path.startswith("[") and path.endswith("]"))


def _check_path(rule: Rule, path: str) -> Mismatch | None:
    text = comparable(path)
    if rule.matched_length(text) is not None:
        source_path = rule.source_path(path)
        if source_path is None:
            return Mismatch.PATH_OUTSIDE
        return None if source_path else Mismatch.NOT_A_FILE
    if _would_match(f"{normalize_slashes(rule.stack_root).rstrip('/')}*", text):
        return Mismatch.INSIDE_SEGMENT
    return Mismatch.CASE_DIFFERS if _would_match(rule.stack_root.lower(), text.lower()) else Mismatch.ROOT_DIFFERS


def _would_match(stack_root: str, comparable_path: str) -> bool:
    return Rule(0, stack_root, "").matched_length(comparable_path) is not None
