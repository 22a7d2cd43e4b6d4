"""Django's pages: ``File "/srv/app/views.py" in show``, and its line number with the code below."""

from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import Frame, Spot
from scmhost.frames.near import Near
from scmhost.frames.paths import names_a_file
from scmhost.frames.patterns import Pattern

HINTS: Final[tuple[str, ...]] = ('" in ',)

_FILE: Final = Pattern(r'File "(?P<path>[^"\n]{1,2000})" in (?P<function>\S{1,300})$')
_CODE: Final = Pattern(r"(?P<line>\d{1,9})\. ")


def read(line: str, near: Near) -> Sequence[Spot] | None:
    """The frame whose file is on this line."""
    found = _FILE.match(line)
    if not found:
        return None
    below = _CODE.match(near.after())
    number = int(below["line"]) if below else None
    frame = Frame(found["path"], number, function=found["function"], language="python")
    return [Spot(frame, *found.span("path"))] if names_a_file(found["path"]) else []
