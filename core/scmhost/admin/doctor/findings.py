"""What a look finds: how bad it is, what it is about, what is the matter, where, and what to do."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Final, Literal, TypeAlias, TypeVar

from scmhost.infra.errors import ScmhostError
from scmhost.plugins import ConfigError
from scmhost.services import Services

Severity = Literal["error", "warning", "note"]
SEVERITIES: Final[Sequence[Severity]] = ("error", "warning", "note")

MOST_OF_A_KIND: Final = 10
"""So many findings of one kind are told one by one; the rest is a number."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing. An error keeps something from working, a warning will or may, a note is worth knowing.

    Attributes:
        severity: how bad it is.
        subject: what it is about: ``plugin gitbox``, ``token 4 of acme``.
        problem: what is the matter, in a sentence.
        remedy: what to do, in a sentence; empty where the problem says it.
        place: the file and line where it is written, or empty.
    """

    severity: Severity
    subject: str
    problem: str
    remedy: str = ""
    place: str = ""

    def described(self) -> dict[str, str]:
        """As ``--json`` tells it."""
        return asdict(self)


Findings: TypeAlias = Iterator[Finding]
Check: TypeAlias = Callable[[Services], Findings]


def of_config_error(error: ConfigError) -> list[Finding]:
    """A switchboard that cannot be read."""
    return [
        Finding(
            "error",
            f"setting {item.key}" if item.key else "the switchboard",
            item.problem,
            item.hint,
            item.file if item.line is None else f"{item.file}:{item.line}",
        )
        for item in error.problems
    ]


def of_error(subject: str, error: ScmhostError) -> Finding:
    """Something that could not be looked into. Such errors say themselves what to do."""
    return Finding("error", subject, str(error))


def each(rows: Sequence[T], told: Callable[[T], Finding]) -> Findings:
    """A finding for each row; beyond the first ones their number."""
    yield from map(told, rows[:MOST_OF_A_KIND])
    rest = len(rows) - MOST_OF_A_KIND
    if rest > 0:
        last = told(rows[MOST_OF_A_KIND])
        yield Finding(last.severity, f"{rest} more", f"are like the last {last.subject.split()[0]} above", last.remedy)
