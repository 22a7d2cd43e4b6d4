"""Map a frame: the rules that match, the paths that they give, and the order in which those are tried."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from scmhost.sdk.reasons import Reason

from .code_mapping import Rank, Rule
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


_STATUS_RANK = {status: rank for rank, status in enumerate(FileStatus)}


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
