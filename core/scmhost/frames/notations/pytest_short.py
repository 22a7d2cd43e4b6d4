"""pytest's places: ``tests/test_shop.py:12: in test_total`` and ``tests/test_shop.py:12: AssertionError``."""

import re

from scmhost.frames.frame import Frame, Spot

LANGUAGE = "python"

# A linter's "app.py:12: error: ..." goes on after the word, and is no place of a failure.
_LINE = re.compile(
    r"(?:.*\|)?\s*(?:E\s+)?"
    r"(?P<place>(?P<path>(?:[A-Za-z]:[\\/])?[^\s:\"'<>|][^:\"<>|]*+(?<=\.py)):(?P<line>\d{1,9}))"
    r":\s?(?:in (?P<function>\S.*)|(?:[A-Za-z_]\w*\.)*[A-Z]\w*)?"
)


def read(line: str) -> Spot | None:
    """The frame on this line: an entry with its function, or the place where the exception was raised."""
    found = _LINE.fullmatch(line)
    if found is None:
        return None
    frame = Frame(found["path"], int(found["line"]), function=found["function"], language=LANGUAGE)
    return Spot(frame, *found.span("place"))
