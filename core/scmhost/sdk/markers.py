"""The markers of the contract, and what each hook promises about itself."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Literal, TypeVar

import pluggy

PROJECT_NAME: Final = "scmhost"
"""pluggy's project name, and the entry-point group."""

HOOK_PREFIX: Final = "scm_"

hookimpl = pluggy.HookimplMarker(PROJECT_NAME)
"""Marks a plugin's function as a hook: ``@hookimpl`` above ``def scm_source_url(...)``."""

hookspec = pluggy.HookspecMarker(PROJECT_NAME)

Colour = Literal["pure", "io"]
"""``pure``: a plain function of its values. ``io``: may wait for a disk or a network, may be ``async def``."""

Audience = Literal["plugin", "provider", "listeners"]
"""Who is called: every plugin once at admission, only the provider's own plugin, or all that listen."""

_F = TypeVar("_F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class HookPromise:
    """What holds for a hook, whoever implements it.

    Attributes:
        name: the hook's.
        colour: pure or I/O.
        audience: who is called.
        budget: how long a call may take, in seconds.
        deprecated: for a hook that will go: since when, when it goes, and what to write in its place.
        old_arguments: the same for single arguments, by name.
    """

    name: str
    colour: Colour
    audience: Audience
    budget: float
    deprecated: str = ""
    old_arguments: Mapping[str, str] = field(default_factory=dict, hash=False)

    def farewells(self, arguments: Iterable[str]) -> Iterator[str]:
        """What a plugin should be told that has the hook and takes these arguments."""
        if self.deprecated:
            yield f"the hook is deprecated: {self.deprecated}"
        for name in arguments:
            if name in self.old_arguments:
                yield f"the argument {name!r} is deprecated: {self.old_arguments[name]}"


PROMISES: Final[dict[str, HookPromise]] = {}


def promise(
    colour: Colour,
    audience: Audience,
    budget: float,
    *,
    deprecated: str = "",
    old_arguments: Mapping[str, str] = MappingProxyType({}),
) -> Callable[[_F], _F]:
    """Declare a hook specification with what it promises; see ``HookPromise``."""

    def declare(function: _F) -> _F:
        name = function.__name__
        PROMISES[name] = HookPromise(name, colour, audience, budget, deprecated, old_arguments)
        return hookspec(function)

    return declare
