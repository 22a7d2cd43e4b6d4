"""Measure how often the suspects of errors are right, and fit the weights of their features.

The data set is a file of JSON (perhaps compressed with gzip or xz) with a list of ``cases``, or the list itself; by
default the bugs of Defects4J in ``data``, whose commits are numbered. A case is a row as ``scmhost suspects --jsonl``
reads it, with ``labels``: the commits that introduced the error. Where ``window_size`` is a number, the commits with
``in_window`` are those of the release that introduced it.

Each case is measured by weights that were fitted without it (cross-validation, repeated with other folds). A suspect is
right if it is one of the labels; cases without an answer, or whose label no commit of the row has, count as wrong.
"five of possible" leaves out the cases whose label no candidate has.

Usage: ``python benchmarks/suspects.py [DATA] [--repeats N] [--folds N] [--fit]``. ``--fit`` prints the weights of all
cases for ``scmhost.suspects.ranking``.
"""

import argparse
import gzip
import json
import lzma
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from math import exp, log
from pathlib import Path
from random import Random
from typing import Any, Final

from scmhost.suspects import SuspectQuestion, rank
from scmhost.suspects.features import OF_FILES, OF_LINES, Comparison, compare
from scmhost.suspects.ranking import Weights, in_order, is_certain, probabilities, utility
from scmhost.suspects.rows import SuspectsRow

Case = Mapping[str, Any]
Vector = list[float]
# The ids of suspects in order, and whether the first has high confidence.
Ranking = tuple[list[str], bool]
Rule = Callable[[SuspectQuestion], Ranking]

RIDGE: Final = 0.3
STEPS: Final = 25
SMALL: Final = 1e-3
DAY: Final = 86_400
DATA: Final = Path(__file__).parent / "data/suspects.json.xz"
OPENERS: Final[Mapping[str, Callable[..., Any]]] = {".gz": gzip.open, ".xz": lzma.open}
MOST: Final = 5


@dataclass(slots=True)
class Choice:
    """The candidates of a question as sparse rows of features, and the labels among them."""

    question: SuspectQuestion
    labels: frozenset[str]
    comparison: Comparison
    rows: list[list[tuple[int, float]]]
    right: list[bool]


@dataclass(slots=True)
class Tally:
    """What was right in a mode."""

    cases: int = 0
    answered: int = 0
    first: int = 0
    five: int = 0
    high: int = 0
    high_right: int = 0
    possible: int = 0

    def add(self, choice: Choice, shas: Sequence[str], *, high: bool = False) -> None:
        labels = choice.labels
        right = not labels.isdisjoint(shas[:1])
        self.possible += any(choice.right)
        self.cases += 1
        self.answered += bool(shas)
        self.first += right
        self.five += not labels.isdisjoint(shas[:MOST])
        self.high += high
        self.high_right += high and right

    def shares(self) -> dict[str, float]:
        """Return what the bounds are for, in percent."""
        found = {"first": self.first / self.cases, "five": self.five / self.cases}
        found["five of possible"] = self.five / max(1, self.possible)
        if self.high:
            found["high is right"] = self.high_right / self.high
        return {name: 100 * share for name, share in found.items()}

    def cells(self) -> list[str]:
        shares = [f"{100 * part / self.cases:.0f} %" for part in (self.answered, self.first, self.five)]
        precision = f"{100 * self.high_right / self.high:.0f} %" if self.high else "-"
        of_possible = f"{100 * self.five / max(1, self.possible):.0f} %"
        return [*shares, of_possible, f"{100 * self.high / self.cases:.0f} %", precision]


@dataclass(frozen=True, slots=True)
class Mode:
    """A way to ask: which cases, which of their commits, and whether lines were blamed."""

    name: str
    in_window: bool
    lines: bool
    names: Sequence[str] = field(default=OF_FILES)

    def question(self, case: Case) -> SuspectQuestion | None:
        """Return the question of a case in this mode, or None if the case has no window."""
        if self.in_window and case["window_size"] is None:
            return None
        commits = [
            {**commit, "in_window": True if self.in_window else None}
            for commit in case["commits"]
            if commit["in_window"] or not self.in_window
        ]
        lines: dict[str, list[Any]] = {} if self.lines else {"blame": [], "region": []}
        return SuspectsRow.model_validate({**case, "commits": commits, **lines}).question()


MODES: Final = (
    Mode("whole history, lines", in_window=False, lines=True, names=OF_LINES),
    Mode("whole history, files", in_window=False, lines=False),
    Mode("release, lines", in_window=True, lines=True, names=OF_LINES),
    Mode("release, files", in_window=True, lines=False),
)


def choice_of(question: SuspectQuestion, labels: frozenset[str], names: Sequence[str]) -> Choice:
    """Return the candidates of a question for fitting."""
    comparison = compare(question)
    rows = [[(at, values[name]) for at, name in enumerate(names) if values[name]] for values in comparison.features]
    right = [candidate.commit.sha in labels for candidate in comparison.candidates]
    return Choice(question, labels, comparison, rows, right)


def fit(choices: Sequence[Choice], names: Sequence[str], start: Vector | None = None) -> Weights:
    """Return the weights that make the labels most probable, with a ridge penalty."""
    weights = list(start or [0.0] * len(names))
    known = [choice for choice in choices if any(choice.right)]
    reached = _objective(known, weights)
    for _ in range(STEPS):
        gradient, curvature = _derivatives(known, weights)
        step = _solved(curvature, gradient)
        weights, gained, reached = _improved(known, weights, step, reached)
        if gained < SMALL:
            break
    return Weights(dict(zip(names, weights, strict=True)), _utility_of_none(choices, weights))


def _improved(choices: Sequence[Choice], weights: Vector, step: Vector, reached: float) -> tuple[Vector, float, float]:
    """Go along a step, or a part of it; return the new weights, what they gain, and their objective."""
    length = 1.0
    while length > SMALL:
        tried = [weight + length * change for weight, change in zip(weights, step, strict=True)]
        objective = _objective(choices, tried)
        if objective > reached:
            return tried, objective - reached, objective
        length /= 2
    return weights, 0.0, reached


def _objective(choices: Sequence[Choice], weights: Vector) -> float:
    """Return the log-likelihood of the labels, less the penalty."""
    total = -RIDGE * sum(weight * weight for weight in weights) / 2
    for choice in choices:
        shares = _shares([sum(weights[at] * value for at, value in row) for row in choice.rows])
        total += log(max(sum(share for share, right in zip(shares, choice.right, strict=True) if right), 1e-300))
    return total


def _derivatives(choices: Sequence[Choice], weights: Vector) -> tuple[Vector, list[Vector]]:
    size = len(weights)
    gradient = [-RIDGE * weight for weight in weights]
    curvature = [[RIDGE * (row == column) for column in range(size)] for row in range(size)]
    for choice in choices:
        utilities = [sum(weights[at] * value for at, value in row) for row in choice.rows]
        among_all = _shares(utilities)
        among_right = _shares([value if right else -1e9 for value, right in zip(utilities, choice.right, strict=True)])
        mean = [0.0] * size
        for row, share, target in zip(choice.rows, among_all, among_right, strict=True):
            for at, value in row:
                gradient[at] += (target - share) * value
                mean[at] += share * value
                line, weighed = curvature[at], share * value
                for other, second in row:
                    line[other] += weighed * second
        for at, first in enumerate(mean):
            if first:
                curvature[at] = [old - first * second for old, second in zip(curvature[at], mean, strict=True)]
    return gradient, curvature


def _shares(utilities: Vector) -> Vector:
    most = max(utilities)
    weighed = [exp(value - most) for value in utilities]
    total = sum(weighed)
    return [value / total for value in weighed]


def _solved(matrix: list[Vector], right: Vector) -> Vector:
    """Solve linear equations by elimination."""
    size = len(right)
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    for at in range(size):
        pivot = max(range(at, size), key=lambda row: abs(rows[row][at]))
        rows[at], rows[pivot] = rows[pivot], rows[at]
        for below in range(size):
            if below != at:
                factor = rows[below][at] / rows[at][at]
                rows[below] = [low - factor * high for low, high in zip(rows[below], rows[at], strict=True)]
    return [rows[at][size] / rows[at][at] for at in range(size)]


def _utility_of_none(choices: Sequence[Choice], weights: Vector) -> float:
    """Return the utility of no candidate: its probabilities must add up to the number of cases without a label."""
    utilities = [[sum(weights[at] * value for at, value in row) for row in choice.rows] for choice in choices]
    missing = sum(not any(choice.right) for choice in choices)
    low, high = -20.0, 30.0
    for _ in range(50):
        middle = (low + high) / 2
        expected = sum(1 - sum(probabilities(values, middle)) for values in utilities)
        low, high = (middle, high) if expected < missing else (low, middle)
    return (low + high) / 2


def ranked(choice: Choice, weights: Weights) -> Ranking:
    """Return the suspects of a question by the given weights, and whether the first has high confidence."""
    candidates = choice.comparison.candidates
    if not candidates:
        return [], False
    utilities = [utility(weights, features) for features in choice.comparison.features]
    order = in_order(candidates, utilities)
    scores = probabilities(utilities, weights.of_none)
    high = is_certain(choice.comparison, [scores[at] for at in order], order[0])
    return [candidates[at].commit.sha for at in order[:MOST]], high


class Experiment:
    """The cases of a data set, with their candidates in each mode."""

    def __init__(self, cases: Sequence[Case]) -> None:
        self.cases = cases
        self.choices = {mode.name: dict(self._choices(mode)) for mode in MODES}

    def _choices(self, mode: Mode) -> Iterator[tuple[int, Choice]]:
        for number, case in enumerate(self.cases):
            question = mode.question(case)
            if question is not None:
                yield number, choice_of(question, frozenset(case["labels"]), mode.names)

    def fitted(self, lines: bool, numbers: frozenset[int], start: Weights | None = None) -> Weights:  # noqa: FBT001
        """Fit the weights of both kinds of windows with some of the cases."""
        modes = [mode for mode in MODES if mode.lines == lines]
        choices = [
            choice
            for mode in modes
            for number, choice in self.choices[mode.name].items()
            if number in numbers and choice.rows
        ]
        return fit(choices, modes[0].names, list(start.of_features.values()) if start else None)

    def cross_validated(self, folds: int, repeats: int) -> dict[str, Tally]:
        """Return the tallies of all modes, over all repetitions."""
        tallies = {mode.name: Tally() for mode in MODES}
        everything = frozenset(range(len(self.cases)))
        starts = {lines: self.fitted(lines, everything) for lines in (True, False)}
        for seed in range(repeats):
            order = sorted(everything)
            Random(seed).shuffle(order)
            for fold in range(folds):
                left_out = frozenset(order[fold::folds])
                weights = {lines: self.fitted(lines, everything - left_out, starts[lines]) for lines in (True, False)}
                for mode in MODES:
                    for number, choice in self.choices[mode.name].items():
                        if number in left_out:
                            shas, high = ranked(choice, weights[mode.lines])
                            tallies[mode.name].add(choice, shas, high=high)
        return tallies

    def by_rule(self, mode: Mode, rule: Rule) -> Tally:
        """Return the tally of a rule in a mode."""
        tally = Tally()
        for choice in self.choices[mode.name].values():
            shas, high = rule(choice.question)
            tally.add(choice, shas, high=high)
        return tally


def newest_blamed(question: SuspectQuestion, days: float | None = None) -> Ranking:
    """Return the blamed commits, the newest first, at most so many days old."""
    times = {commit.sha: commit.time for commit in question.commits}
    known = {line.sha for line in question.blame if line.sha in times}
    if days is not None:
        known = {sha for sha in known if (question.first_seen or 0) - times[sha] <= days * DAY}
    return sorted(known, key=lambda sha: (-times[sha], sha)), False


def newest_on_files(question: SuspectQuestion) -> Ranking:
    """Return the commits that touch a file of the trace, the newest first."""
    return [commit.sha for commit in sorted(question.commits, key=lambda commit: (-commit.time, commit.sha))], False


RULES: Final[Mapping[str, Rule]] = {
    "Sentry: newest blamed, at most 365 days old": partial(newest_blamed, days=365),
    "Datadog: newest blamed, at most 90 days old": partial(newest_blamed, days=90),
    "newest blamed": newest_blamed,
    "newest commit on a file of the trace": newest_on_files,
}


def by_product(question: SuspectQuestion) -> Ranking:
    """Return the suspects by the weights of the product."""
    suspects = rank(question).suspects
    return [suspect.sha for suspect in suspects], bool(suspects) and suspects[0].confidence == "high"


def ratios() -> dict[str, float]:
    """Return how often suspects are right in each mode, cross-validated, in percent."""
    validated = Experiment(read(DATA)).cross_validated(folds=5, repeats=4)
    return {
        f"suspects/{mode.name}: {name}, %": share
        for mode in MODES
        for name, share in validated[mode.name].shares().items()
    }


def read(file: Path) -> Sequence[Case]:
    """Return the cases of a data set."""
    with OPENERS.get(file.suffix, open)(file, "rt", encoding="utf-8") as stream:
        loaded = json.load(stream)
    cases: Sequence[Case] = loaded["cases"] if isinstance(loaded, dict) else loaded
    return cases


def main() -> None:
    """Print the table, or the weights."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("data", type=Path, nargs="?", default=DATA)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=4)
    parser.add_argument("--fit", action="store_true")
    options = parser.parse_args()
    experiment = Experiment(read(options.data))
    if options.fit:
        for name, lines in (("FILE_WEIGHTS", False), ("LINE_WEIGHTS", True)):
            weights = experiment.fitted(lines, frozenset(range(len(experiment.cases))))
            print(name, {key: round(value, 2) for key, value in weights.of_features.items()}, round(weights.of_none, 2))
        return
    print(
        "| mode | rule | answered | first | five | five of possible | high | high right |\n"
        "| --- | --- | --- | --- | --- | --- | --- | --- |"
    )
    validated = experiment.cross_validated(options.folds, options.repeats)
    for mode in filter(lambda mode: experiment.choices[mode.name], MODES):
        rules = RULES if mode.lines else {name: rule for name, rule in RULES.items() if "blamed" not in name}
        rows = [(name, experiment.by_rule(mode, rule)) for name, rule in rules.items()]
        rows += [("**scmhost, cross-validated**", validated[mode.name])]
        rows.append(("scmhost, fitted to all cases", experiment.by_rule(mode, by_product)))
        for name, tally in rows:
            print(f"| {mode.name} | {name} | {' | '.join(tally.cells())} |")


if __name__ == "__main__":
    main()
