"""URLs of files, joined from parts, for paths that need no escaping. Nearly all paths are of this kind.

This module stays apart from ``ref_links`` and imports nothing heavy: with a cached ``PlainLinks``, ``scmhost link``
needs no other module of the SDK.
"""

import re
from typing import Final, NamedTuple

MAX_LINE: Final = 10_000_000
"""The highest number of a line or column. Higher numbers are ignored."""

MAX_PLAIN_PATH: Final = 500
"""The most characters of a plain path, so that the finished URL cannot be too long."""

# The possessive quantifier prevents backtracking: this runs for each frame, and a path can match in one way only.
_SEGMENT: Final = "[A-Za-z0-9_@+~-][A-Za-z0-9_.@+~-]*+"
is_plain_path: Final = re.compile(f"{_SEGMENT}(?:/{_SEGMENT})*").fullmatch
"""Matches a path that needs no escaping and has no dot segment. Its length is not checked."""


# No pydantic model: importing pydantic takes longer than most runs of ``scmhost link``.
class PlainLinks(NamedTuple):
    """The parts of the URLs of one repository's files at one ref. The literal text is known to be safe.

    Attributes:
        head: the text before a path.
        tail: the text after it.
        before_line: the text between ``tail`` and a line.
        after_line: the text after the line.
        extensions: extensions, in lower case and without a dot, of files that ``RefLinks`` must handle.
    """

    head: str
    tail: str
    before_line: str
    after_line: str
    extensions: frozenset[str]

    def url(self, path: str, line: int | None = None) -> str | None:
        """Return the URL of a file, at a line if one is given; None for a path that ``RefLinks`` must handle."""
        if len(path) > MAX_PLAIN_PATH or not is_plain_path(path):
            return None
        # Rendered formats need a query before the anchor.
        if path.rpartition(".")[2].lower() in self.extensions:
            return None
        anchor = f"{self.before_line}{line}{self.after_line}" if line and 0 < line <= MAX_LINE else ""
        return f"{self.head}{path}{self.tail}{anchor}"
