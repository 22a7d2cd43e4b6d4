"""The properties of hooks, and the markers that declare and implement them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar

import pluggy

API_VERSION: Final = "1.2"
"""The version of the contract, MAJOR.MINOR, independent of the host's version.

A new hook or optional argument raises MINOR; a removal or a changed meaning raises MAJOR.
"""

PROJECT_NAME: Final = "scmhost"
"""pluggy's project name, and the entry-point group."""

HOOK_PREFIX: Final = "scm_"
"""The beginning of every hook's name."""

MAX_FILE_BYTES: Final = 2_000_000
"""The largest file that ``scm_read_file`` may return, in bytes."""

hookimpl = pluggy.HookimplMarker(PROJECT_NAME)
"""Marks a plugin's function as a hook: ``@hookimpl`` above ``def scm_source_url(...)``."""

hookspec = pluggy.HookspecMarker(PROJECT_NAME)
"""Marks a function as a hook specification. Plugins do not need it."""

HookKind = Literal["pure", "io"]
"""``pure``: a plain function of its values. ``io``: may wait for a disk or a network, may be ``async def``."""

Audience = Literal["plugin", "provider", "listeners"]
"""Which plugins are called: each plugin once when it loads, the provider's own plugin, or all that implement it."""

_F = TypeVar("_F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class HookSpec:
    """The properties of a hook, the same for all implementations.

    Attributes:
        name: the hook's name.
        kind: ``pure`` or ``io``.
        audience: which plugins are called.
        budget: the longest time that one call may take, in seconds.
    """

    name: str
    kind: HookKind
    audience: Audience
    budget: float

    @property
    def colour(self) -> HookKind:
        """The same as ``kind``, by its first name."""
        return self.kind


HOOK_SPECS: Final[dict[str, HookSpec]] = {}
"""The properties of every hook, by name, in the order of this module."""

# The names that contract 1.1 published first. Plugins may import them.
HookPromise = HookSpec
PROMISES: Final = HOOK_SPECS


def specify(kind: HookKind, audience: Audience, budget: float) -> Callable[[_F], _F]:
    """Return a decorator that declares a hook specification; see ``HookSpec``. ``budget`` is in seconds."""

    def declare(function: _F) -> _F:
        name = function.__name__
        HOOK_SPECS[name] = HookSpec(name, kind, audience, budget)
        return hookspec(function)

    return declare
