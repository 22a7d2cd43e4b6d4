"""Python tracebacks: ``File "app/views.py", line 3, in show``.

What stands before ``File`` does not matter: the bars of exception groups, a test runner's ``E``, or the prefixes of
syslog and containers.
"""

import re

from scmhost.frames.frame import Frame, Spot

LANGUAGE = "python"

# Python 3.13 colours each part by itself.
_COLOUR = r"(?:\x1b\[[\d;]{0,9}m)*"
_LINE = re.compile(
    rf'\bFile {_COLOUR}"(?P<path>[^"]++)"{_COLOUR}, line {_COLOUR}(?P<line>\d{{1,9}})(?!\d){_COLOUR}'
    rf"(?:, in {_COLOUR}(?P<function>[^\x1b]++){_COLOUR})?"
)


def read(line: str) -> Spot | None:
    """The frame on this line. A SyntaxError's has no function."""
    found = _LINE.search(line)
    if found is None:
        return None
    frame = Frame(found["path"], int(found["line"]), function=found["function"], language=LANGUAGE)
    return Spot(frame, *found.span("path"))
