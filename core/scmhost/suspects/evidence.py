"""Say in words what connects a commit with a trace."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from .features import Comparison, PossibleSuspect
from .messages import is_cosmetic
from .values import SuspectQuestion

_MOST_NAMED: Final = 3
_DAY: Final = 86_400.0
_HOUR: Final = 3_600.0
_SHORT_SHA: Final = 12
_NUMBERS: Final = ("", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_VERBS: Final = {"A": "added", "C": "added", "R": "renamed", "D": "deleted"}


def evidence_of(question: SuspectQuestion, comparison: Comparison, candidate: PossibleSuspect) -> tuple[str, ...]:
    """Return the reasons for a suspect, the strongest first."""
    return tuple(_reasons(question, comparison, candidate))


def _reasons(question: SuspectQuestion, comparison: Comparison, candidate: PossibleSuspect) -> Iterator[str]:
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


def _about_files(comparison: Comparison, candidate: PossibleSuspect, when: str) -> Iterator[str]:
    by_verb: dict[str, list[str]] = {}
    for at in candidate.files:
        path = comparison.paths[at]
        by_verb.setdefault(_VERBS.get(candidate.commit.files[path], "changed"), []).append(_file(path))
    # A changed line says more than its file.
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
        if days >= 2 * length:
            return f"{_counted(days // length, name)} before"
    return f"{_counted(days, 'day')} before"


def _counted(number: int, unit: str) -> str:
    amount = _NUMBERS[number] if number < len(_NUMBERS) else str(number)
    return f"{amount} {unit}{'' if number == 1 else 's'}"
