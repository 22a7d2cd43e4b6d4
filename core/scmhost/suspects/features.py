"""The features by which candidates are compared, all between 0 and about 3.

``docs/suspects.md`` has how they were chosen, and ``benchmarks/suspects.py`` fits their weights.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from math import exp, log, log1p
from typing import Final, NamedTuple

from .messages import is_cosmetic, is_merge, reverted_by, words_of
from .values import NEAR_LINES, Blame, Change, Region, SuspectQuestion

_DAY: Final = 86_400.0
_RECENT_DAYS: Final = 180.0
_ADDED: Final = frozenset("AC")
_WITHOUT_CONTENT: Final = frozenset("RD")
# Each further file or line of the trace counts less.
_FILE_DECAY: Final = 0.9
_LINE_DECAY: Final = 0.8
_REGION_DECAY: Final = 0.7
_COMMON: Final = words_of(
    "the and for from with some that this not when into now more get set exception error test tests java lang org com"
)

OF_FILES: Final = ("files", "innermost_file", "added", "cosmetic", "recent", "function_names")
"""The features of a candidate's message, time and files."""

OF_LINES: Final = (*OF_FILES, "blamed", "near", "near_rank", "blamed_and_added")
"""The features if lines of the trace were blamed."""

Features = Mapping[str, float]


class PossibleSuspect(NamedTuple):
    """A commit that may be a suspect, and what connects it with the trace.

    Attributes:
        commit: the commit.
        files: the files of the trace that it changed, as numbers in the order of frames.
        blamed: the blamed lines that it changed last, as numbers in the order of frames.
        near: the regions that it changed, each with its place among the region's commits.
        names: the words of the trace's functions that its message has.
        undoes: the commit that it reverts.
    """

    commit: Change
    files: Sequence[int]
    blamed: Sequence[int]
    near: Sequence[tuple[int, int]]
    names: frozenset[str]
    undoes: str | None


class Comparison(NamedTuple):
    """The candidates of a question and the values of their features.

    Attributes:
        candidates: the candidates.
        features: the features of each candidate.
        paths: the files of the trace, the innermost first.
        regions: the regions, given or made of blamed lines.
        has_lines: whether any line of the trace was blamed.
    """

    candidates: Sequence[PossibleSuspect]
    features: Sequence[Features]
    paths: Sequence[str]
    regions: Sequence[Region]
    has_lines: bool


def compare(question: SuspectQuestion) -> Comparison:
    """Return the candidates of a question with their features."""
    frames = [frame for frame in question.frames if not frame.is_test] or question.frames
    paths = list(dict.fromkeys(frame.path for frame in frames))
    names = frozenset[str]().union(*(words_of(frame.function or "") for frame in frames)) - _COMMON
    regions = question.regions or _regions_of(question.blame)
    candidates = _candidates(question, paths, regions, names)
    frequency = Counter(word for candidate in candidates for word in candidate.commit.words)
    now = question.first_seen or max((commit.time for commit in question.commits), default=0.0)
    features = [_features(candidate, now, len(candidates), frequency) for candidate in candidates]
    return Comparison(candidates, features, paths, regions, bool(question.blame or regions))


def _regions_of(blame: Sequence[Blame]) -> list[Region]:
    """Return the regions that blamed lines alone give."""
    return [
        Region(line.path, line.line, tuple(dict.fromkeys([line.sha, *_shas_near(line, blame)])))
        for line in dict.fromkeys(blame)
    ]


def _shas_near(line: Blame, blame: Sequence[Blame]) -> list[str]:
    return [other.sha for other in blame if other.path == line.path and abs(other.line - line.line) <= NEAR_LINES]


def _candidates(
    question: SuspectQuestion, paths: Sequence[str], regions: Sequence[Region], names: frozenset[str]
) -> list[PossibleSuspect]:
    """Return the commits that may be suspects, and touch the trace."""
    commits = [one for one in question.commits if question.first_seen is None or one.time <= question.first_seen]
    # After the revert, and so at the time of the error, a reverted change was not there.
    undone = reverted_by(commits)
    undoing = {revert: reverted for reverted, revert in undone.items()}
    if any(commit.in_release for commit in commits):
        commits = [commit for commit in commits if commit.in_release]
    blamed_lines: defaultdict[str, list[int]] = defaultdict(list)
    for at, line in enumerate(question.blame):
        blamed_lines[line.sha].append(at)
    changed_near: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    for at, region in enumerate(regions):
        for place, sha in enumerate(region.shas):
            changed_near[sha].append((at, place))
    found = []
    for commit in commits:
        if commit.sha in undone or is_merge(commit):
            continue
        blamed, near = blamed_lines.get(commit.sha, []), changed_near.get(commit.sha, [])
        files = [at for at, path in enumerate(paths) if path in commit.files]
        changes_content = any(commit.files[paths[at]] not in _WITHOUT_CONTENT for at in files)
        if changes_content or blamed or near:
            words = names & commit.words
            found.append(PossibleSuspect(commit, files, blamed, near, words, undoing.get(commit.sha)))
    return found


def _features(candidate: PossibleSuspect, now: float, count: int, frequency: Mapping[str, int]) -> Features:
    commit, blamed, near = candidate.commit, candidate.blamed, candidate.near
    added = float(not _ADDED.isdisjoint(commit.files.values()))
    age = (now - commit.time) / _DAY
    # A name that is in the messages of most candidates does not tell them apart.
    rarity = [log((count + 1) / (frequency[word] + 0.5)) / log(count + 2) for word in sorted(candidate.names)]
    line = _LINE_DECAY ** blamed[0] if blamed else 0.0
    return {
        "files": log1p(sum(_FILE_DECAY**at for at in candidate.files)),
        "innermost_file": float(0 in candidate.files),
        "added": added,
        "cosmetic": float(is_cosmetic(commit)),
        "recent": exp(-age / _RECENT_DAYS),
        "function_names": sum(rarity),
        "blamed": line,
        "near": float(bool(near)),
        "near_rank": max((_REGION_DECAY**at * _LINE_DECAY**place for at, place in near), default=0.0),
        "blamed_and_added": line * added,
    }
