"""Laws of every call, whatever the hook: values in, values out, in time, and nothing else."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from scmhost.sdk import PROMISES

from .breaches import Breach
from .calls import (
    ARGUMENTS_UNCHANGED,
    BUDGET_KEPT,
    ERRORS_TELL,
    OFFLINE_TOLD,
    PURE_STAYS_INSIDE,
    RESULT_FITS,
    Answer,
)
from .draws import arguments
from .laws import Law, law
from .search import for_all
from .subject import Subject


def _of_every_call(name: str) -> Callable[[Subject], None]:
    def check(subject: Subject) -> None:
        for hook in subject.functions:
            if hook in _broken(subject, name):
                for_all(arguments(subject, hook), partial(_raise, subject, hook, name), subject.samples.examples)

    return check


def _broken(subject: Subject, name: str) -> set[str]:
    """The hooks whose calls break a law; one pass looks at all laws of calls."""
    if subject.broken_calls is None:
        found: dict[str, set[str]] = {}
        for hook in subject.functions:
            for_all(arguments(subject, hook), partial(_note, subject, hook, found), subject.samples.examples)
        subject.broken_calls = found
    return subject.broken_calls.get(name, set())


def _note(subject: Subject, hook: str, found: dict[str, set[str]], drawn: dict[str, Any]) -> None:
    for name in subject.caller.see(hook, drawn).breaches:
        found.setdefault(name, set()).add(hook)


def _raise(subject: Subject, hook: str, name: str, drawn: dict[str, Any]) -> None:
    breach = subject.caller.see(hook, drawn).breaches.get(name)
    if breach is not None:
        raise breach


result_fits: Final[Law] = law(
    RESULT_FITS,
    "What a hook gives back is what the contract says that it gives.",
    help="give back values of scmhost.sdk, never dicts in their place, and None only where the contract has None",
)(_of_every_call(RESULT_FITS))

errors_tell: Final[Law] = law(
    ERRORS_TELL,
    "A hook raises nothing but ProviderError and its kinds, whatever it is given, and never ends the process.",
    help="give a value that says no (NoUrl, Refusal, an empty list), or raise ProviderError with a sentence",
)(_of_every_call(ERRORS_TELL))

budget_kept: Final[Law] = law(
    BUDGET_KEPT,
    "A call comes back within the budget of its hook.",
    help="give your client a timeout below the budget, and bound every loop by its input",
)(_of_every_call(BUDGET_KEPT))

arguments_unchanged: Final[Law] = law(
    ARGUMENTS_UNCHANGED,
    "A hook leaves its arguments as they were.",
    help="make a new value: {**table, 'key': value}, value.model_copy(update=...)",
)(_of_every_call(ARGUMENTS_UNCHANGED))

pure_stays_inside: Final[Law] = law(
    PURE_STAYS_INSIDE,
    "A pure hook opens no connection, starts no process and writes no file.",
    help="what has to ask somebody belongs into an I/O hook; what is known beforehand into scm_startup",
)(_of_every_call(PURE_STAYS_INSIDE))

offline_told: Final[Law] = law(
    OFFLINE_TOLD,
    "An I/O hook that cannot reach its host raises ProviderUnavailable, or answers without it.",
    help="catch your client's errors: raise ProviderUnavailable(...) from error",
)(_of_every_call(OFFLINE_TOLD))


@law(
    "answers-repeat",
    "A pure hook gives the same answer to the same arguments.",
    help="no clock, no randomness, no memory of earlier calls in a pure hook",
)
def answers_repeat(subject: Subject) -> None:
    for hook in subject.functions:
        if PROMISES[hook].colour == "pure":
            for_all(arguments(subject, hook), partial(_twice, subject, hook), subject.samples.examples)


def _twice(subject: Subject, hook: str, drawn: dict[str, Any]) -> None:
    seen = [subject.caller.see(hook, drawn).answer for _ in range(2)]
    first, second = seen
    if first and second and _shown(first) != _shown(second):
        raise Breach(f"the second time it {second.call.outcome}", first.call)


def _shown(answer: Answer) -> str:
    return repr(answer.value) if answer.error is None else type(answer.error).__name__


LAWS: Final = (
    result_fits,
    errors_tell,
    budget_kept,
    arguments_unchanged,
    pure_stays_inside,
    offline_told,
    answers_repeat,
)
