"""Which of the code mappings that fit a frame is used: the one whose file is known to be there."""

from collections.abc import Callable, Sequence
from enum import StrEnum

from .frame_mapping import Mapped


class Standing(StrEnum):
    """What the commits that are known say of a file, the best first."""

    LISTED = "listed"
    """A commit named it, and none deleted it since."""
    UNKNOWN = "unknown"
    """No commit named it: nobody sent those that did, or it is not there."""
    DELETED = "deleted"
    """The newest commit that named it deleted it."""


_PLACE = {standing: place for place, standing in enumerate(Standing)}


def by_standing(found: Sequence[Mapped], standing: Callable[[Mapped], Standing]) -> tuple[Mapped, ...]:
    """The mappings that fit in the order in which they are tried.

    What a person made goes before what a machine made, whatever is known of their files; among equals the order of
    the mappings stays.
    """
    return tuple(sorted(found, key=lambda mapped: (mapped.rule.generated, _PLACE[standing(mapped)])))
