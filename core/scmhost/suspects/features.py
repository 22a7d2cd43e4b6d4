"""The features by which candidates are compared, all between 0 and about 3, and facts from the message of a commit.

``docs/suspects.md`` has how they were chosen, and ``benchmarks/suspects.py`` fits their weights.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import exp, log, log1p
from typing import Final, NamedTuple

from .values import NEAR_LINES, Blame, Change, Region, SuspectQuestion

_WORD: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_SHORTEST: Final = 3
_REVERTED: Final = re.compile(r"\b[Rr]everts? commit ([0-9a-f]{7,64})\b")
_REVERT: Final = frozenset({"revert", "reverts", "reverted", "reverting"})
_MERGED: Final = frozenset({"branch", "pull", "request", "remote", "tracking", "tag", "branches"})
# A single common word does not identify a commit.
_LEAST_WORDS: Final = 2


def words_of(text: str) -> frozenset[str]:
    """Return the words of a text or of identifiers in it, in lower case, each of at least three letters."""
    return frozenset(word.lower() for word in _WORD.findall(text) if len(word) >= _SHORTEST)


_COSMETIC: Final = words_of(
    "format formatting reformat cosmetic cosmetics whitespace whitespaces indentation spaces trailing tabs typo typos "
    "spelling comment comments doc docs documentation javadoc javadocs docstring docstrings license copyright version "
    "checkstyle pmd findbugs lint warnings import imports changelog"
)


def change_of(
    sha: str, time: float, message: str, files: Mapping[str, str], *, in_release: bool | None = None
) -> Change:
    """Return a commit from its message and its changed files.

    Stored changes have no renames: a file that is added while one of the same name is deleted counts as renamed.
    """
    reverted = _REVERTED.search(message)
    subject = message.strip().partition("\n")[0]
    gone = {path.rpartition("/")[2] for path, kind in files.items() if kind == "D"}
    kinds = {path: "R" if kind == "A" and path.rpartition("/")[2] in gone else kind for path, kind in files.items()}
    return Change(sha, time, words_of(subject), kinds, in_release, reverted[1] if reverted else None)


def is_merge(commit: Change) -> bool:
    """Return whether the message is that of a merge."""
    return "merge" in commit.words and not _MERGED.isdisjoint(commit.words)


def is_cosmetic(commit: Change) -> bool:
    """Return whether the message is that of a change without an effect at run time."""
    return not _COSMETIC.isdisjoint(commit.words)


def reverted_by(commits: Iterable[Change]) -> dict[str, str]:
    """Return the commits whose changes were undone, each with the commit that undid it.

    A revert that was itself reverted undoes nothing, so that the first commit counts again.
    """
    oldest_first = sorted(commits, key=lambda commit: commit.time)
    undone: dict[str, str] = {}
    for at in range(len(oldest_first) - 1, -1, -1):
        commit = oldest_first[at]
        if commit.sha not in undone and (commit.reverts or not _REVERT.isdisjoint(commit.words)):
            target = _target(commit, oldest_first[:at])
            if target:
                undone[target] = commit.sha
    return undone


def _target(revert: Change, older: Sequence[Change]) -> str | None:
    """Return the commit that a revert undoes: by its id, else the newest one with the same words."""
    if revert.reverts:
        return next((commit.sha for commit in reversed(older) if commit.sha.startswith(revert.reverts)), None)
    words = revert.words - _REVERT
    if len(words) < _LEAST_WORDS:
        return None
    return next((commit.sha for commit in reversed(older) if commit.words - _REVERT == words), None)


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


class SuspectCandidate(NamedTuple):
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
        knows_innermost: whether the commit that changed the innermost line last is a candidate, and no merge, for
            example.
    """

    candidates: Sequence[SuspectCandidate]
    features: Sequence[Features]
    paths: Sequence[str]
    regions: Sequence[Region]
    has_lines: bool
    knows_innermost: bool


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
    knows_innermost = any(0 in candidate.blamed for candidate in candidates)
    return Comparison(candidates, features, paths, regions, bool(question.blame or regions), knows_innermost)


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
) -> list[SuspectCandidate]:
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
            found.append(SuspectCandidate(commit, files, blamed, near, words, undoing.get(commit.sha)))
    return found


def _features(candidate: SuspectCandidate, now: float, count: int, frequency: Mapping[str, int]) -> Features:
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
