"""Stack roots with wildcards: ``/srv/releases/*/`` has any release's name where the star stands.

A star that is a whole segment stands for exactly one segment, and never for ``.`` or ``..``. Beside other characters
it stands for any part of its segment: ``github.com/acme/shop@*/`` is any version of that module. Only the star that
ends a root is different: it lets the root end inside a segment.
"""

from typing import NamedTuple

# What stands around the stars of a segment.
Parts = tuple[str, ...]


class Wildcard(NamedTuple):
    """A stack root with stars. ``tail`` is what the segment after the whole ones begins with, if the root ends in it.

    Attributes:
        segments: the root's whole segments.
        tail: the beginning of a last segment, or None.
    """

    segments: tuple[Parts, ...]
    tail: Parts | None

    @property
    def depth(self) -> int:
        """How many segments decide whether a path matches."""
        return len(self.segments) + (self.tail is not None)

    def consumed(self, wanted: str) -> int | None:
        """How many characters of a path's subject the root takes, or None where it does not match."""
        at = 0
        for parts in self.segments:
            end = wanted.find("/", at)
            if end < 0 or not _fits(parts, wanted[at:end]):
                return None
            at = end + 1
        if self.tail is None:
            return at
        begun = _begin(self.tail, wanted[at : wanted.find("/", at)])
        return None if begun is None else at + begun


def wildcard_of(root: str) -> Wildcard | None:
    """A stack root in its unified form as a wildcard, or None when a prefix can say it."""
    if "*" not in root[:-1]:
        return None
    if root.endswith("*"):
        *whole, last = root[:-1].split("/")
        return Wildcard(_parted(whole), tuple(last.split("*")) if last else None)
    return Wildcard(_parted(root.rstrip("/").split("/")), None)


def head_of(root: str) -> str:
    """What a matching path begins with: all up to the segment with the first star."""
    return root[: root.rfind("/", 0, root.index("*")) + 1]


def _parted(segments: list[str]) -> tuple[Parts, ...]:
    return tuple(tuple(segment.split("*")) for segment in segments)


def _fits(parts: Parts, segment: str) -> bool:
    """Whether a whole segment is what its parts say, with anything where they are parted."""
    if len(parts) == 1:
        return segment == parts[0]
    if not segment or segment in (".", ".."):
        return False
    begun = _begin(parts[:-1], segment)
    return begun is not None and len(segment) - begun >= len(parts[-1]) and segment.endswith(parts[-1])


def _begin(parts: Parts, segment: str) -> int | None:
    """Where the shortest beginning of a segment ends that has the parts in order, or None."""
    if not segment.startswith(parts[0]):
        return None
    at = len(parts[0])
    for part in parts[1:]:
        found = segment.find(part, at)
        if found < 0:
            return None
        at = found + len(part)
    return at
