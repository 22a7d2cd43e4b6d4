"""Maps one frame: every rule that fits, in order, with the path that it leads to."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from scmhost.sdk import Reason

from .index import MappingIndex, Match
from .munging import FrameInfo, munge
from .order import Rank
from .rule import Rule


class Mapped(NamedTuple):
    """A rule that fits, and the repository path that it gives. ``munged`` is set when the platform has a rule."""

    rule: Rule
    source_path: str
    munged: str | None = None


@dataclass(frozen=True, slots=True)
class Unmapped:
    """No rule leads to a path, and why."""

    reason: Reason
    munged: str | None = None


def map_frame(index: MappingIndex, info: FrameInfo) -> tuple[Mapped, ...] | Unmapped:
    """The repository paths that a frame may mean, the first rule's first.

    Each rule is tried on the munged path, or else on the file name, and then on the absolute path.
    """
    munged, paths = paths_of(info)
    if not paths:
        return Unmapped(Reason.NOT_A_FILE, munged)
    matches = _matches(index, paths)
    if not matches:
        return Unmapped(_why_none(index), munged)
    found: dict[int, Mapped] = {}
    for rule, source_path in matches:
        if source_path and rule.id not in found:
            found[rule.id] = Mapped(rule, source_path, munged)
    return tuple(found.values()) or Unmapped(_why_no_path(matches), munged)


def paths_of(info: FrameInfo) -> tuple[str | None, list[str]]:
    """The munged path, where the platform has a rule, and the paths on which mappings are tried."""
    munged = munge(info)
    return munged, [path for path in (munged or info.filename, info.abs_path) if path and _names_a_file(path)]


def _matches(index: MappingIndex, paths: list[str]) -> Sequence[Match]:
    """What matches any of the paths, by the rules' order; for one rule, the earlier path first."""
    if len(paths) == 1:
        return index.matches(paths[0])
    return sorted((match for path in paths for match in index.matches(path)), key=_rank)


def _rank(match: Match) -> Rank:
    return match[0].rank


def _names_a_file(path: str) -> bool:
    """``<anonymous>`` and ``[native code]`` stand where a path would."""
    return not (path.startswith("<") and path.endswith(">")) and not (path.startswith("[") and path.endswith("]"))


def _why_none(index: MappingIndex) -> Reason:
    return Reason.STACK_ROOT_MISMATCH if len(index) else Reason.NO_CODE_MAPPINGS


def _why_no_path(matches: Sequence[Match]) -> Reason:
    """A path that is the source root itself, and that is the repository's top, names no file."""
    return Reason.NOT_A_FILE if any(path == "" for _, path in matches) else Reason.PATH_OUTSIDE
