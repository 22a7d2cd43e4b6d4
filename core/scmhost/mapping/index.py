"""The rules of one project, ready to map many paths."""

from collections.abc import Iterator, Sequence
from operator import attrgetter

from .folders import Folders, Ways
from .prefixes import Prefixes
from .roots import subject
from .rule import Rule

# A rule that matches a path, and the repository path that it gives; None leads out of the repository. A plain tuple,
# because one is made for every frame.
Match = tuple[Rule, str | None]


class MappingIndex:
    """The rules of one project, built once and asked often. Its answers never change afterwards."""

    __slots__ = ("_folders", "_prefixes", "_wild")

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._prefixes = Prefixes([rule for rule in rules if rule.wildcard is None])
        self._wild = Prefixes([rule for rule in rules if rule.wildcard is not None])
        self._folders = Folders(self._prefixes, self._wild)

    def __len__(self) -> int:
        return len(self._prefixes) + len(self._wild)

    def candidates(self, path: str) -> tuple[Rule, ...]:
        """All rules that match a path, in the order in which they are tried."""
        return self._matching(subject(path))

    def ways(self, folder: str) -> Ways:
        """The rules that match all files of a folder, each with what it puts before a file's name.

        The folder is empty or ends in a slash. The ways hold for names that are no dots and have no folders of their
        own. None: each file has to be asked for. Whoever asks is taken to remember them.
        """
        return self._folders.look_up(folder)

    def matches(self, path: str) -> tuple[Match, ...]:
        """The candidates with the repository path that each gives."""
        cut = path.rfind("/") + 1
        ways, name = self._folders[path[:cut]], path[cut:]
        if ways is None or _needs_care(name):
            return tuple(self._careful_matches(path))
        return tuple([(rule, None if head is None else head + name) for rule, head in ways])

    def _matching(self, wanted: str) -> tuple[Rule, ...]:
        plain = self._prefixes.matching(wanted)
        if not self._wild:
            return plain
        wild = [rule for rule in self._wild.matching(wanted) if rule.consumed(wanted) is not None]
        return tuple(sorted((*plain, *wild), key=attrgetter("rank"))) if wild else plain

    def _careful_matches(self, path: str) -> Iterator[Match]:
        """The matches of a path whose folder does not tell them."""
        for rule in self._matching(subject(path)):
            yield rule, rule.source_path(path)


def _needs_care(name: str) -> bool:
    """Whether a file's name is empty, or may be ``.`` or ``..``, or holds folders of its own."""
    return name[:1] in ("", ".") or "\\" in name
