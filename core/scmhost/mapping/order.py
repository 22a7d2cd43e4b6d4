"""The order in which code mappings are tried. It is total and does not depend on when a mapping was made."""

from .roots import is_absolute

Rank = tuple[bool, int, bool, int]


def rank(*, generated: bool, prefix: str, rule_id: int) -> Rank:
    """Lower is tried first: user-made, then the longer stack root, then absolute, then the older id."""
    return (generated, -len(prefix), not is_absolute(prefix), rule_id)
