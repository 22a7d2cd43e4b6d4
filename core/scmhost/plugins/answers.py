"""Asks an implementation, and holds its answer against the contract. Runs as foreign code, inside the budget."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from types import CoroutineType
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from scmhost.sdk import PROMISES, HookPromise
from scmhost.sdk.hooks import describe_mismatch

from .errors import Origin
from .speakers import SPEAKER, Speaker
from .trust import Trust

_SHORTER: Final = "; give what it waits for a shorter timeout"

MOST_VALUES: Final = 100_000
"""How many values one answer may hold, or how many characters."""


@dataclass(frozen=True, slots=True)
class Implementation:
    """A plugin's function for one hook, resolved once and ready to be called."""

    origin: Origin
    promise: HookPromise
    function: Callable[..., Any]
    wants: tuple[str, ...]
    result: TypeAdapter[Any]
    expected: str
    trust: Trust = field(default_factory=Trust, compare=False)


class Unfit(Exception):
    """The result is not what the contract promises."""


class LateAsync(Exception):
    """An asynchronous implementation passed its budget and was cancelled."""


def overdue(hook: str, seconds: float, place: str = "") -> str:
    """What is said of a call that passed its budget. Only a hook that may wait is told how to."""
    may_wait = hook in PROMISES and PROMISES[hook].colour == "io"
    return f"did not come back within its budget of {seconds:g} s{place}{_SHORTER if may_wait else ''}"


def answer(implementation: Implementation, arguments: Mapping[str, object], speaker: Speaker | None = None) -> Any:
    """Call the function, for a speaker if it has none yet, and check what it gives.

    Raises:
        Unfit, LateAsync: it keeps not what the contract promises. Whatever the function raises passes.
    """
    if speaker is not None:
        SPEAKER.set(speaker)
    result = implementation.function(**arguments)
    if type(result) is not str or len(result) > MOST_VALUES:
        result = _looked_at(result, implementation)
    try:
        return implementation.result.validate_python(result)
    except ValidationError as error:
        raise Unfit(describe_mismatch(implementation.expected, result, error)) from None


def _looked_at(result: Any, implementation: Implementation) -> Any:
    """The result, awaited where it may be and known not to be endless."""
    if isinstance(result, CoroutineType):
        result = _awaited(result, implementation.promise)
    if isinstance(result, str):
        size = str.__len__(result)
    elif isinstance(result, Sequence):
        # Read so far and no further: the length that a foreign class tells is foreign code.
        result = result if type(result) in _TRUE_LENGTH else list(islice(result, MOST_VALUES + 1))
        size = len(result)
    else:
        return result
    if size > MOST_VALUES:
        raise Unfit(f"gave back more than {MOST_VALUES:,} values or characters; that many at once are not taken")
    return result


def _awaited(coroutine: Coroutine[Any, Any, Any], promise: HookPromise) -> object:
    if promise.colour == "pure":
        coroutine.close()
        return coroutine
    return asyncio.run(_within(coroutine, promise))


async def _within(coroutine: Coroutine[Any, Any, Any], promise: HookPromise) -> object:
    """Cancelled at the budget, so that the lane is free again soon."""
    limit = asyncio.timeout(promise.budget)
    try:
        async with limit:
            return await coroutine
    except TimeoutError:
        if limit.expired():
            raise LateAsync(overdue(promise.name, promise.budget)) from None
        raise


_TRUE_LENGTH: Final = frozenset({list, tuple})
