"""The order in which code mappings are tried. It is total and does not depend on when a mapping was made."""

from .roots import is_absolute

Rank = tuple[bool, int, bool, bool, int]


def rank(*, generated: bool, prefix: str, wild: bool, rule_id: int) -> Rank:
    """Lower is tried first: user-made, the longer stack root, absolute, without wildcards, the older id."""
    return (generated, -len(prefix), not is_absolute(prefix), wild, rule_id)
