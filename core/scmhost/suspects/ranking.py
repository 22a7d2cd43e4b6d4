"""Rank candidates by a conditional logit model, and describe what connects each with the trace."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from math import exp
from typing import Final, NamedTuple

from .features import Comparison, Features, SuspectCandidate, compare, is_cosmetic
from .values import MOST_SUSPECTS, Answer, Confidence, Suspect, SuspectQuestion


class Weights(NamedTuple):
    """The weights of features, and the utility of the answer "none of the candidates"."""

    of_features: Mapping[str, float]
    of_none: float


# Written by ``benchmarks/suspects.py --fit``.
FILE_WEIGHTS: Final = Weights(
    {
        "files": 3.11,
        "innermost_file": 0.09,
        "added": 2.59,
        "cosmetic": -0.63,
        "recent": 1.56,
        "function_names": 1.38,
    },
    of_none=4.82,
)
LINE_WEIGHTS: Final = Weights(
    {
        "files": 2.06,
        "innermost_file": -1.09,
        "added": 1.98,
        "cosmetic": -1.05,
        "recent": 0.87,
        "function_names": 0.53,
        "blamed": 2.51,
        "near": 1.89,
        "near_rank": 1.4,
        "blamed_and_added": -1.71,
    },
    of_none=5.05,
)

_HIGH_SCORE: Final = 0.6
_MEDIUM_SCORE: Final = 0.25
_CLEAR_LEAD: Final = 8.0
# The first place of a region is its newest commit.
_NEWEST_IN_REGION: Final = 2

_NO_FRAMES: Final = "No frame of the trace is in the repository."
_NO_COMMITS: Final = "No commits are known."
_ALL_LATER: Final = "All known commits are later than the first occurrence."
_NO_CANDIDATE: Final = (
    "No commit{of_release} touches a file of the trace; merges, renames and reverted commits are left out."
)


def rank(question: SuspectQuestion) -> Answer:
    """Return the commits that most probably introduced an error, or the reason why there are none."""
    if not question.frames:
        return Answer(reason=_NO_FRAMES)
    if not question.commits:
        return Answer(reason=_NO_COMMITS)
    comparison = compare(question)
    if not comparison.candidates:
        return Answer(reason=_why_none(question))
    weights = LINE_WEIGHTS if comparison.has_lines else FILE_WEIGHTS
    utilities = [utility(weights, features) for features in comparison.features]
    scores = probabilities(utilities, weights.of_none)
    order = in_order(comparison.candidates, utilities)
    suspects = [
        _suspect(question, comparison, number, scores, order) for number in range(min(len(order), MOST_SUSPECTS))
    ]
    return Answer(tuple(suspects))


def utility(weights: Weights, features: Features) -> float:
    """Return the weighted sum of a candidate's features."""
    return sum(weight * features[name] for name, weight in weights.of_features.items())


def probabilities(utilities: Sequence[float], of_none: float) -> list[float]:
    """Return the probability of each candidate; with that of none of them they add up to 1."""
    # The greatest one is taken off, because the exponential of a large utility would overflow.
    most = max([*utilities, of_none])
    weighed = [exp(value - most) for value in utilities]
    total = sum(weighed) + exp(of_none - most)
    return [value / total for value in weighed]


def in_order(candidates: Sequence[SuspectCandidate], utilities: Sequence[float]) -> list[int]:
    """Return the numbers of candidates, the most probable first, of equal ones the newest, then by id."""

    def key(at: int) -> tuple[float, float, str]:
        # By id at last: the same question must have the same answer for each order of its commits.
        return -utilities[at], -candidates[at].commit.time, candidates[at].commit.sha

    return sorted(range(len(candidates)), key=key)


def _suspect(
    question: SuspectQuestion, comparison: Comparison, number: int, scores: Sequence[float], order: Sequence[int]
) -> Suspect:
    at = order[number]
    score = scores[at]
    confidence: Confidence = "medium" if score >= _MEDIUM_SCORE else "low"
    if number == 0 and is_certain(comparison, [scores[place] for place in order], at):
        confidence = "high"
    candidate = comparison.candidates[at]
    evidence = tuple(_evidence_of(question, comparison, candidate))
    return Suspect(candidate.commit.sha, round(score, 4), confidence, evidence)


def is_certain(comparison: Comparison, scores: Sequence[float], first: int) -> bool:
    """Return whether the first suspect deserves high confidence: independent signs must agree on it.

    The scores are in order. The first suspect must be more probable than all others together, far ahead of the second,
    and the newest of all blamed commits. In a whole history it must also be one of the newest around the innermost
    line, and the last commit of that line must be a candidate; a release has few commits, so that a blamed one is a
    strong sign.
    """
    if not comparison.has_lines or scores[0] < _HIGH_SCORE:
        return False
    if len(scores) > 1 and scores[0] < _CLEAR_LEAD * scores[1]:
        return False
    candidates = comparison.candidates
    newest = max((one.commit.time for one in candidates if one.blamed), default=None)
    candidate = candidates[first]
    near_innermost = any(at == 0 and place < _NEWEST_IN_REGION for at, place in candidate.near)
    is_newest = bool(candidate.blamed) and candidate.commit.time == newest
    is_clear = near_innermost and comparison.knows_innermost
    return is_newest and (is_clear or bool(candidate.commit.in_release))


def _why_none(question: SuspectQuestion) -> str:
    first = question.first_seen
    if first is not None and all(commit.time > first for commit in question.commits):
        return _ALL_LATER
    of_release = f" of {question.release}" if question.release else ""
    return _NO_CANDIDATE.format(of_release=of_release)


_MOST_NAMED: Final = 3
_DAY: Final = 86_400.0
_HOUR: Final = 3_600.0
_SHORT_SHA: Final = 12
_NUMBERS: Final = ("", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_VERBS: Final = {"A": "added", "C": "added", "R": "renamed", "D": "deleted"}


def _evidence_of(question: SuspectQuestion, comparison: Comparison, candidate: SuspectCandidate) -> Iterator[str]:
    """Yield the reasons for a suspect, the strongest first."""
    when = _when(question, candidate.commit.time)
    lines = [_name(line.path, line.line) for line in (question.blame[at] for at in candidate.blamed)]
    if lines:
        yield f"changed {_listed(lines)} {when}"
    elif candidate.near:
        region = comparison.regions[candidate.near[0][0]]
        yield f"changed lines near {_name(region.path, region.line)} {when}"
    yield from _about_files(comparison, candidate, "" if lines or candidate.near else f" {when}")
    if len(comparison.candidates) == 1:
        of_what = f" of {question.release}" if question.release else ""
        yield f"only commit{of_what} that touches the trace"
    if candidate.names:
        yield f"its message has words of the trace's functions: {', '.join(sorted(candidate.names)[:_MOST_NAMED])}"
    if candidate.undoes:
        yield f"reverted {candidate.undoes[:_SHORT_SHA]}"
    if is_cosmetic(candidate.commit):
        yield "less probable: by its message it changed format, comments or documentation"


def _about_files(comparison: Comparison, candidate: SuspectCandidate, when: str) -> Iterator[str]:
    by_verb: dict[str, list[str]] = {}
    for at in candidate.files:
        path = comparison.paths[at]
        by_verb.setdefault(_VERBS.get(candidate.commit.files[path], "changed"), []).append(_file(path))
    # A changed line is stronger evidence than a changed file.
    stated = {"changed"} if (candidate.blamed or candidate.near) and len(candidate.files) == 1 else set()
    for verb, names in by_verb.items():
        if verb not in stated:
            yield f"{verb} {_listed(names)}{when}"


def _listed(names: Sequence[str]) -> str:
    shown = list(dict.fromkeys(names))
    rest = len(shown) - _MOST_NAMED
    return ", ".join(shown[:_MOST_NAMED]) + (f" and {rest} more" if rest > 0 else "")


def _name(path: str, line: int) -> str:
    return f"{_file(path)}:{line}"


def _file(path: str) -> str:
    return path.rpartition("/")[2]


def _when(question: SuspectQuestion, time: float) -> str:
    """Return how long before the first occurrence a commit was made, else its date."""
    if question.first_seen is None:
        return f"on {datetime.fromtimestamp(time, UTC):%Y-%m-%d}"
    seconds = question.first_seen - time
    days = int(seconds // _DAY)
    if days < 1:
        hours = int(seconds // _HOUR)
        return "less than an hour before" if hours < 1 else f"{_counted(hours, 'hour')} before"
    for name, length in (("year", 365), ("month", 30)):
        # From two on: "one month before" could be 30 days or 59.
        if days >= 2 * length:
            return f"{_counted(days // length, name)} before"
    return f"{_counted(days, 'day')} before"


def _counted(number: int, unit: str) -> str:
    amount = _NUMBERS[number] if number < len(_NUMBERS) else str(number)
    return f"{amount} {unit}{'' if number == 1 else 's'}"
