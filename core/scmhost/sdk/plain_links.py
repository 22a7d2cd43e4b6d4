"""Links that are put together from parts, for paths that need no escaping; nearly all paths are such."""

import re
from typing import Final, NamedTuple

MAX_LINE: Final = 10_000_000
LONGEST_PLAIN: Final = 500
# What is taken is never given back: this is run for every frame, and there is only one way to match.
_SEGMENT: Final = "[A-Za-z0-9_@+~-][A-Za-z0-9_.@+~-]*+"
is_plain_path: Final = re.compile(f"{_SEGMENT}(?:/{_SEGMENT})*").fullmatch


class PlainLinks(NamedTuple):
    """The file pages of one repository at one ref, taken apart. All that is literal is known to be safe.

    Attributes:
        head: what stands before a path.
        tail: what stands behind it.
        before_line: what then stands before a line.
        after_line: what stands behind the line.
        extensions: endings, in lower case, of files that need a closer look.
    """

    head: str
    tail: str
    before_line: str
    after_line: str
    extensions: frozenset[str]

    def url(self, path: str, line: int | None = None) -> str | None:
        """The page of a file, at a line if one is given; None for a path that needs a closer look."""
        if len(path) > LONGEST_PLAIN or not is_plain_path(path):
            return None
        if path.rpartition(".")[2].lower() in self.extensions:
            return None
        anchor = f"{self.before_line}{line}{self.after_line}" if line and 0 < line <= MAX_LINE else ""
        return f"{self.head}{path}{self.tail}{anchor}"
