"""The vocabulary of the suite: a check, its violation, and the result of running it."""

import inspect
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import BaseModel

if TYPE_CHECKING:
    from .plugin_under_test import PluginUnderTest

IMPORTS: Final = "imports"
CheckFunction = Callable[["PluginUnderTest"], None]
Outcome = Literal["kept", "violated", "not run", "not declared", "waived"]

# A list of commits would fill the screen.
_MAX_TEXT: Final = 240


@dataclass(frozen=True, slots=True)
class Check:
    """One rule of the contract, with the function that tests it.

    Attributes:
        name: a short, stable name, used in reports, in waivers and with ``--check`` or ``-k``.
        sentence: the rule.
        help: how to comply.
        hooks: run for plugins that have one of these hooks; without any, for every plugin.
        together: run only for plugins that have all of ``hooks``.
        function: raises ``Violation`` when the plugin breaks the rule.
    """

    name: str
    sentence: str
    help: str
    hooks: tuple[str, ...]
    together: bool
    function: CheckFunction

    def applies_to(self, declared: frozenset[str]) -> bool:
        """Return whether the check is run for a plugin with these hooks."""
        present = [hook in declared for hook in self.hooks]
        return not present or (all(present) if self.together else any(present))

    def run(self, plugin: "PluginUnderTest") -> "CheckResult":
        """Run the check. It is ``not run`` without anything to check, or after a violation of another check."""
        if plugin.load_error and self.name != IMPORTS:
            return CheckResult(self, "not run", f"{IMPORTS} is violated", IMPORTS)
        if not self.applies_to(plugin.declared):
            return CheckResult(self, "not declared", (" and " if self.together else " or ").join(self.hooks))
        try:
            self.function(plugin)
        except NothingToCheck as nothing:
            return CheckResult(self, "not run", str(nothing))
        except Violation as violation:
            if violation.check in ("", self.name):
                return CheckResult(self, "violated", violation.text)
            return CheckResult(self, "not run", violation.text, violation.check)
        return CheckResult(self, "kept")


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of running one check.

    Attributes:
        check: the check.
        outcome: kept, violated, not run, not declared or waived.
        text: details: the violation, the reason of a waiver, or the hooks that are missing.
        blocked_by: the violated check that prevented this one from running; empty when there was nothing to check.
        cause: the report of ``blocked_by``, where that check was not run itself.
    """

    check: Check
    outcome: Outcome
    text: str = ""
    blocked_by: str = ""
    cause: str = ""

    @property
    def report(self) -> str:
        """The violation and its remedy, over several lines; empty unless the check is violated."""
        if self.outcome != "violated":
            return ""
        return f"{self.check.name}: {self.check.sentence}\n\n{self.text}\n  help     {self.check.help}\n"


def check(
    name: str,
    sentence: str,
    *,
    help: str,  # noqa: A002 - the word that compilers use
    hooks: tuple[str, ...] = (),
    together: bool = False,
) -> Callable[[CheckFunction], Check]:
    """Turn a function into a check."""

    def decorate(function: CheckFunction) -> Check:
        return Check(name, sentence, help, hooks, together, function)

    return decorate


@dataclass(frozen=True, slots=True)
class HookCall:
    """One call of a plugin's hook and its outcome.

    ``samples`` maps names to the suite's sample values, which shorten the arguments in a report.
    """

    hook: str
    location: str
    arguments: Mapping[str, Any]
    outcome: str
    samples: Mapping[str, object]

    def __str__(self) -> str:
        values = [f"{name} = {self._described(value)}" for name, value in self.arguments.items()] or ["no arguments"]
        lines = [f"  called   {self.hook}  {self.location}".rstrip()]
        lines += [f"  {'' if number else 'with':<8} {text}" for number, text in enumerate(values)]
        return "\n".join([*lines, f"  result   {self.outcome}"])

    def _described(self, value: object) -> str:
        alike = [(name, sample) for name, sample in self.samples.items() if type(sample) is type(value)]
        # The shortest text belongs to the sample that differs least.
        return min((_difference(name, sample, value) for name, sample in alike), key=len, default=describe(value))


class Violation(AssertionError):
    """A plugin violates a check. ``check`` names it; empty for the check that is running."""

    def __init__(self, problem: str, call: HookCall | None = None, *, check: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.call = call
        self.check = check

    @property
    def text(self) -> str:
        """The call, if there is one, and the problem, one per line."""
        return "\n".join(filter(None, [str(self.call or ""), f"  problem  {self.problem}"]))


class NothingToCheck(Exception):
    """The plugin and its samples have nothing that the check could test. The text has the reason."""


def duplicates(names: Iterable[str]) -> Mapping[str, int]:
    """Return the names that occur more than once, with their counts."""
    return {name: count for name, count in Counter(names).items() if count > 1}


def describe(value: object) -> str:
    """Return a short text for a value; contract values show only the fields that were set."""
    if isinstance(value, BaseModel):
        fields = ((name, getattr(value, name)) for name in type(value).model_fields if name in value.model_fields_set)
        text = (
            f"{type(value).__name__}({', '.join(f'{name}={describe(one)}' for name, one in fields if one is not None)})"
        )
    elif isinstance(value, tuple):
        text = f"({', '.join(map(describe, value))}{',' if len(value) == 1 else ''})"
    else:
        text = repr(value)
    return text if len(text) <= _MAX_TEXT else f"{text[:_MAX_TEXT]}... ({len(text)} characters)"


def source_location(function: object) -> str:
    """Return ``file:line`` of a function, or an empty text."""
    # The code of a decorated function is its decorator's.
    code = getattr(inspect.unwrap(function) if callable(function) else function, "__code__", None)
    return f"{relative_path(code.co_filename)}:{code.co_firstlineno}" if code is not None else ""


def relative_path(file: str) -> str:
    """Return a path relative to the working directory, if the file is below it."""
    path = Path(file)
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else file


def _difference(name: str, sample: object, value: object) -> str:
    """Describe a value as a sample's name and the fields that differ."""
    if not isinstance(sample, BaseModel) or not isinstance(value, BaseModel):
        return name if sample == value else describe(value)
    fields = {field: getattr(value, field) for field in type(value).model_fields}
    other = [f"{field}={describe(one)}" for field, one in fields.items() if one != getattr(sample, field)]
    return f"{name}, with {', '.join(other)}" if other else name
