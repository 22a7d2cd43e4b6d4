"""The markers of the contract, and what each hook promises about itself."""

from collections.abc import Callable
from dataclasses import dataclass
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
    """What holds for a hook, whoever implements it. ``budget`` is in seconds."""

    name: str
    colour: Colour
    audience: Audience
    budget: float


PROMISES: Final[dict[str, HookPromise]] = {}


def promise(colour: Colour, audience: Audience, budget: float) -> Callable[[_F], _F]:
    """Declare a hook specification with its colour, its audience and its budget in seconds."""

    def declare(function: _F) -> _F:
        PROMISES[function.__name__] = HookPromise(function.__name__, colour, audience, budget)
        return hookspec(function)

    return declare
