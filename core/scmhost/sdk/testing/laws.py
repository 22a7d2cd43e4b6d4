"""What a law is: a short name that stays, one sentence, the way to keep it, and a check."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from .breaches import Breach

if TYPE_CHECKING:
    from .subject import Subject

IMPORTS: Final = "imports"
Check = Callable[["Subject"], None]
Verdict = Literal["kept", "broken", "unreached", "not declared", "waived"]


@dataclass(frozen=True, slots=True)
class Law:
    """One law of the contract.

    Attributes:
        name: short and stable: what a report, a waiver or ``-k`` names.
        sentence: what holds.
        help: how to keep it.
        hooks: asked of a plugin that has one of these; without any, of every plugin.
        together: asked only of a plugin that has all of them.
        check: raises ``Breach`` when the law is broken.
    """

    name: str
    sentence: str
    help: str
    hooks: tuple[str, ...]
    together: bool
    check: Check

    def concerns(self, declared: frozenset[str]) -> bool:
        """Whether a plugin with these hooks has to keep it."""
        found = [hook in declared for hook in self.hooks]
        return not found or (all(found) if self.together else any(found))


@dataclass(frozen=True, slots=True)
class Finding:
    """What asking about one law brought.

    Attributes:
        law: the law that was asked about.
        verdict: what became of it.
        text: what there is to say of it.
        first: the law whose breach left the question open.
        cause: what is wrong with that one, where it was not asked about itself.
    """

    law: Law
    verdict: Verdict
    text: str = ""
    first: str = ""
    cause: str = ""

    @property
    def report(self) -> str:
        """What is wrong and how to mend it, over several lines; empty where nothing is wrong."""
        if self.verdict != "broken":
            return ""
        return f"{self.law.name}: {self.law.sentence}\n\n{self.text}\n  help    {self.law.help}\n"


def law(
    name: str,
    sentence: str,
    *,
    help: str,  # noqa: A002 - the word that compilers use
    hooks: tuple[str, ...] = (),
    together: bool = False,
) -> Callable[[Check], Law]:
    """Make a check a law."""

    def named(check: Check) -> Law:
        return Law(name, sentence, help, hooks, together, check)

    return named


def ask(asked: Law, subject: "Subject") -> Finding:
    """Whether a plugin keeps a law. A call that breaks another law leaves the question open, and says which."""
    if subject.missing and asked.name != IMPORTS:
        return Finding(asked, "unreached", f"{IMPORTS} is broken first", IMPORTS)
    if not asked.concerns(subject.declared):
        return Finding(asked, "not declared", (" and " if asked.together else " or ").join(asked.hooks))
    try:
        asked.check(subject)
    except Breach as breach:
        if breach.law in ("", asked.name):
            return Finding(asked, "broken", _told(breach))
        return Finding(asked, "unreached", _told(breach), breach.law)
    return Finding(asked, "kept")


def _told(breach: Breach) -> str:
    return "\n".join(filter(None, [str(breach.call or ""), f"  but     {breach.found}"]))
