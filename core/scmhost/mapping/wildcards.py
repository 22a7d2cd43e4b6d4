"""Stack roots with wildcards: the star in ``/srv/releases/*/`` matches the name of any release.

A star that is a whole segment matches exactly one segment, and never ``.`` or ``..``. Beside other characters it
matches any part of its segment: ``github.com/acme/shop@*/`` matches each version of that module. Only a star at the
end of a root is different: it lets the root end inside a segment.
"""

from typing import NamedTuple

Parts = tuple[str, ...]
"""The literal text around the stars of a segment."""


class Wildcard(NamedTuple):
    """A stack root with stars.

    Attributes:
        segments: the root's whole segments.
        tail: the start of a last segment, or None if the root ends with a whole segment.
    """

    segments: tuple[Parts, ...]
    tail: Parts | None

    @property
    def depth(self) -> int:
        """The number of segments that decide whether a path matches."""
        return len(self.segments) + (self.tail is not None)

    def matched_length(self, comparable_path: str) -> int | None:
        """Return how many characters of a comparable path the root takes, or None if it does not match."""
        start = 0
        for parts in self.segments:
            end = comparable_path.find("/", start)
            if end < 0 or not _matches_segment(parts, comparable_path[start:end]):
                return None
            start = end + 1
        if self.tail is None:
            return start
        length = _shortest_start(self.tail, comparable_path[start : comparable_path.find("/", start)])
        return None if length is None else start + length


def parse_wildcard(root: str) -> Wildcard | None:
    """Parse a stack root with forward slashes; return None if it is a plain prefix."""
    if "*" not in root[:-1]:
        return None
    if root.endswith("*"):
        *whole, last = root[:-1].split("/")
        return Wildcard(_split_segments(whole), tuple(last.split("*")) if last else None)
    return Wildcard(_split_segments(root.rstrip("/").split("/")), None)


def prefix_before_wildcard(root: str) -> str:
    """Return the folders before the segment with the first star."""
    return root[: root.rfind("/", 0, root.index("*")) + 1]


def _split_segments(segments: list[str]) -> tuple[Parts, ...]:
    return tuple(tuple(segment.split("*")) for segment in segments)


def _matches_segment(parts: Parts, segment: str) -> bool:
    """Return whether a whole segment has the parts in order, the first at its start and the last at its end."""
    if len(parts) == 1:
        return segment == parts[0]
    if segment in ("", ".", ".."):
        return False
    length = _shortest_start(parts[:-1], segment)
    # The last part must not overlap the text that the others took.
    return length is not None and len(segment) - length >= len(parts[-1]) and segment.endswith(parts[-1])


def _shortest_start(parts: Parts, segment: str) -> int | None:
    """Return the length of the shortest start of a segment that has the parts in order, or None."""
    if not segment.startswith(parts[0]):
        return None
    length = len(parts[0])
    for part in parts[1:]:
        at = segment.find(part, length)
        if at < 0:
            return None
        length = at + len(part)
    return length
