"""Python tracebacks: ``File "app/views.py", line 3, in show``; faulthandler leaves the last comma out.

What stands before ``File`` does not matter: the bars of exception groups, or what logs put there.
"""

from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import Spot
from scmhost.frames.near import Near
from scmhost.frames.paths import names_a_file
from scmhost.frames.patterns import Pattern
from scmhost.frames.spots import LINE, spot

HINTS: Final[tuple[str, ...]] = (", line ",)

# In JSON the quotes are escaped.
_FRAME: Final = Pattern(
    rf"""\bFile \\{{0,3}}(?P<quote>["']|&quot;)(?P<path>[^"'\n]{{1,2000}}?)\\{{0,3}}(?P=quote), line {LINE}"""
    r"""(?:,? in (?P<function>top-level template code|block \\?["'][^"'\\\n]{1,100}\\?["']"""
    r"""|[^\s"'\\,]{1,300}?(?=</|[\s"'\\,]|$)))?"""
)


def read(line: str, _near: Near) -> Sequence[Spot] | None:
    """The frames on this line. A SyntaxError's has no function; code without a file gives none."""
    found = list(_FRAME.finditer(line))
    if not found:
        return None
    return [spot(one, "python", function=one["function"]) for one in found if names_a_file(one["path"])]
