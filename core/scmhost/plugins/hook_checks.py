"""Whether a plugin's functions fit the contract, told the way a good compiler would."""

import inspect
from collections.abc import Callable, Iterator
from inspect import Parameter
from typing import Final

from scmhost.sdk import API_VERSION, PROMISES
from scmhost.sdk.hooks import ARGUMENTS, definition

from .loading import HookFunction, Loaded
from .suggestions import did_you_mean

_REFUSED_KINDS: Final = {
    Parameter.POSITIONAL_ONLY: "{0!r} is positional only; arguments are passed by name: remove the /",
    Parameter.KEYWORD_ONLY: "{0!r} is keyword only; remove the * before it",
    Parameter.VAR_POSITIONAL: "*{0} would stay empty; name the arguments that you want",
    Parameter.VAR_KEYWORD: "**{0} would stay empty; name the arguments that you want",
}


def hook_problems(loaded: Loaded) -> list[str]:
    """All that is wrong with a plugin's functions, with file and line."""
    if loaded.is_class:
        return ["the entry point names a class; name an instance of it, or a module"]
    problems = [f"{item.name}{item.where}: {problem}" for item in loaded.functions for problem in _problems(item)]
    return problems + _doubled(loaded)


def usable(loaded: Loaded) -> dict[str, HookFunction]:
    """The functions of a plugin without problems, by hook. Optional ones for a later contract are left out."""
    return {item.hook: item for item in loaded.functions if item.hook in PROMISES}


def wanted_arguments(item: HookFunction) -> tuple[str, ...]:
    """The hook's arguments that a function takes."""
    return tuple(name for name in ARGUMENTS[item.hook] if item.signature and name in item.signature.parameters)


def hook_notes(loaded: Loaded) -> list[str]:
    """What a plugin's author may want to know, though nothing is wrong."""
    late = [item for item in loaded.functions if item.hook not in PROMISES]
    notes = [f"{item.name}{item.where}: API {API_VERSION} has no such hook; it is not called" for item in late]
    for item in usable(loaded).values():
        notes += [
            f"{item.name}{item.where}: API {API_VERSION} passes no {name!r}; its default is used"
            for name in _unknown_arguments(item)
        ]
    return notes


def _problems(item: HookFunction) -> Iterator[str]:
    for check in _CHECKS:
        found = list(check(item))
        if found:
            yield from found[:-1]
            yield _with_expected(found[-1], item.hook) if check in _OF_THE_HEAD else found[-1]
            return


def _mark(item: HookFunction) -> Iterator[str]:
    if not item.marked:
        yield "it is not marked and would not be called; write @hookimpl above it, or give it another name"
    elif item.signature is None:
        yield "only functions and methods can be hooks; put @hookimpl on a def"


def _known(item: HookFunction) -> Iterator[str]:
    if item.hook not in PROMISES and not item.options.get("optionalhook"):
        yield (
            f"API {API_VERSION} has no hook {item.hook!r}; {did_you_mean(item.hook, PROMISES)} "
            "For a hook of a later version write @hookimpl(optionalhook=True), or require that version: "
            "'scmhost-api>=...' among the distribution's keywords"
        )


def _wrapper(item: HookFunction) -> Iterator[str]:
    if item.options.get("wrapper") or item.options.get("hookwrapper"):
        yield "wrappers around other plugins' hooks are not allowed; write a plain @hookimpl"


def _parameters(item: HookFunction) -> Iterator[str]:
    for parameter in _signature(item).parameters.values():
        if parameter.kind in _REFUSED_KINDS:
            yield _REFUSED_KINDS[parameter.kind].format(parameter.name)


def _arguments(item: HookFunction) -> Iterator[str]:
    known = ARGUMENTS.get(item.hook)
    if known is None:
        return
    for name, parameter in _signature(item).parameters.items():
        if name not in known and parameter.default is Parameter.empty:
            yield f"the hook has no argument {name!r}; {did_you_mean(name, known)}"


def _colour(item: HookFunction) -> Iterator[str]:
    promise = PROMISES.get(item.hook)
    if inspect.isasyncgenfunction(item.function):
        yield "it is an asynchronous generator; return one value instead of yielding"
    elif promise and promise.colour == "pure" and inspect.iscoroutinefunction(item.function):
        yield "this hook is pure and may not wait; write def instead of async def, and no await"


def _with_expected(problem: str, hook: str) -> str:
    """A problem, and the whole head of the hook, of which any arguments may be left out."""
    if hook not in PROMISES:
        return problem
    end = "" if problem.endswith("?") else "."
    return f"{problem}{end} Expected, with the arguments that you need: {definition(hook)}"


def _unknown_arguments(item: HookFunction) -> list[str]:
    return [name for name in _signature(item).parameters if name not in ARGUMENTS[item.hook]]


def _signature(item: HookFunction) -> inspect.Signature:
    return item.signature or inspect.Signature()


def _doubled(loaded: Loaded) -> list[str]:
    places: dict[str, list[str]] = {}
    for item in loaded.functions:
        if item.marked:
            places.setdefault(item.hook, []).append(f"{item.name}{item.where}")
    return [
        f"{hook} is implemented {len(found)} times, by {' and '.join(found)}; keep one"
        for hook, found in places.items()
        if len(found) > 1
    ]


_CHECKS: Final[tuple[Callable[[HookFunction], Iterator[str]], ...]] = (
    _mark,
    _known,
    _wrapper,
    _parameters,
    _arguments,
    _colour,
)
_OF_THE_HEAD: Final = frozenset({_parameters, _arguments, _colour})
