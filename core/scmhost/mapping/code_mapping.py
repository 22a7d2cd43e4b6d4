r"""A code mapping as a rule: a stack root, a source root, and the rule's rank among others.

``src``, ``src/`` and ``src\`` are equal and match whole segments: never ``srca.py``. A root that ends in ``*`` matches
inside a segment on purpose: ``App*`` matches ``AppDelegate.m``.

Any other ``*`` is a wildcard: the star in ``/srv/releases/*/`` matches the name of any release. A star that is a whole
segment matches exactly one segment, and never ``.`` or ``..``. Beside other characters it matches any part of its
segment: ``github.com/acme/shop@*/`` matches each version of that module.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

Parts = tuple[str, ...]
"""The literal text around the stars of a segment."""

Rank = tuple[bool, int, bool, bool, int]
"""A rule's place in the order. It is total and does not depend on when a mapping was made. Lower is tried first."""


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


@dataclass(frozen=True, slots=True)
class Rule:
    """Rewrites the stack root of a path to the source root.

    Attributes:
        id: the code mapping's id.
        stack_root: the start of a frame's path.
        source_root: its replacement in the repository.
        generated: whether the mapping was derived, not made by a person.
        prefix: the stack root in its comparable form; of a root with wildcards, the part before the first of them.
        wildcard: the stack root, if it has wildcards.
        source: the source root in the form that is put before the rest of a path.
        rank: the rule's place in the order.
    """

    id: int
    stack_root: str
    source_root: str
    generated: bool = False
    prefix: str = field(init=False, repr=False, compare=False)
    wildcard: Wildcard | None = field(init=False, repr=False, compare=False)
    source: str = field(init=False, repr=False, compare=False)
    rank: Rank = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        root = normalize_slashes(self.stack_root)
        wildcard = parse_wildcard(root)
        prefix = _comparable_prefix(root)
        # User-made first, then the longer stack root, absolute before relative, without wildcards, the older id.
        rank = (self.generated, -len(prefix), not _is_absolute(prefix), wildcard is not None, self.id)
        # Derived once, because matching reads these fields for every frame.
        object.__setattr__(self, "prefix", prefix_before_wildcard(root) if wildcard else prefix)
        object.__setattr__(self, "wildcard", wildcard)
        object.__setattr__(self, "source", _source_prefix(root, self.source_root))
        object.__setattr__(self, "rank", rank)

    def matched_length(self, comparable_path: str) -> int | None:
        """Return how many characters of a comparable path the stack root takes, or None if it does not match."""
        if self.wildcard is not None:
            return self.wildcard.matched_length(comparable_path)
        return len(self.prefix) if comparable_path.startswith(self.prefix) else None

    def source_path(self, path: str) -> str | None:
        """Return the repository path of a path, or None if the rule does not match or leads out of the repository."""
        text = comparable(path)
        # The closing slash of the comparable form is cut off again below.
        length = self.matched_length(text)
        if length is None:
            return None
        joined = self.source + text[length:-1]
        # Most paths are plain; folding each of them costs more than this test.
        if "/." in joined or "//" in joined or joined[:1] in ("/", ".", "") or joined[-1] == "/":
            return fold(joined)
        return joined


def rules_of_mapping(mapping_id: int, stack_root: str, source_root: str, *, generated: bool = False) -> Iterator[Rule]:
    """Yield the rules of a code mapping.

    Roots that both end in one name, as ``AppDelegate`` and ``src/AppDelegate`` do, end inside a file's name on
    purpose: a second rule matches the files of that name with any ending.
    """
    yield Rule(mapping_id, stack_root, source_root, generated)
    name = normalize_slashes(stack_root).rpartition("/")[2]
    if name == normalize_slashes(source_root).rpartition("/")[2] and name and "." not in name and "*" not in stack_root:
        yield Rule(mapping_id, f"{stack_root}.*", f"{source_root}.", generated)


def normalize_slashes(path: str) -> str:
    r"""Return the path with ``/`` in place of ``\``."""
    return path.replace("\\", "/")


def comparable(path: str) -> str:
    """Return the form of a path that prefixes are compared with.

    The closing slash lets a root that is a whole file match that file.
    """
    return path.replace("\\", "/") + "/"


def fold(path: str) -> str | None:
    """Return the path without ``.``, ``..`` and empty segments, or None if it climbs out of the repository."""
    folded: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            if not folded:
                return None
            folded.pop()
        elif segment not in ("", "."):
            folded.append(segment)
    return "/".join(folded)


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
    # A star matches a name. These would let a path climb over a segment that the root names.
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
        # The shortest start leaves the most text for the last part, so that no backtracking is needed.
        at = segment.find(part, length)
        if at < 0:
            return None
        length = at + len(part)
    return length


def _comparable_prefix(root: str) -> str:
    """Return the prefix of each comparable path that a stack root without wildcards matches."""
    if root.endswith("*"):
        return root[:-1]
    return root.rstrip("/") + "/" if root else ""


def _source_prefix(stack_root: str, source_root: str) -> str:
    """Return the replacement of a stack root. If that ends in ``*``, the source root is used as it is."""
    # People write source roots with a leading slash, but repository paths have none.
    source = normalize_slashes(source_root).lstrip("/")
    if stack_root.endswith("*"):
        return source
    return source.rstrip("/") + "/" if source else ""


def _is_absolute(root: str) -> bool:
    """Return whether a root begins with a slash or with a drive letter."""
    return root.startswith("/") or (root[1:2] == ":" and root[:1].isascii() and root[:1].isalpha())
