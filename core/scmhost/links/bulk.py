"""Links for very many frames of one project, as a job that goes over stored frames needs them.

Frames name ever new files, but in few folders: how the files of a folder are linked is worked out once.
"""

from collections.abc import Callable, Iterable
from typing import Final, Generic, Protocol, TypeVar

from scmhost.sdk import NoUrl, Reason
from scmhost.sdk.ref_links import FolderLinks, RefLinks

# Hostile paths must not fill the memory.
MOST_FOLDERS: Final = 8192
LONGEST_FOLDER: Final = 300

RuleT = TypeVar("RuleT")
RuleT_co = TypeVar("RuleT_co", covariant=True)


class Mappings(Protocol[RuleT_co]):
    """What is asked of a project's code mappings; ``scmhost.mapping.MappingIndex`` answers."""

    def ways(self, folder: str) -> tuple[tuple[RuleT_co, str | None], ...] | None:
        """The rules for all files of a folder, with where they lead; None when each file has to be asked for."""

    def matches(self, path: str) -> Iterable[tuple[RuleT_co, str | None]]:
        """The rules for a path, with where they lead, in the order in which they are tried."""


class BulkLinks(Generic[RuleT]):
    """The links of a project's frames.

    Attributes:
        mappings: the project's code mappings.
        pages: the file pages of a rule's repository, at the ref that the job links to.
    """

    __slots__ = ("_folders", "mappings", "pages")

    def __init__(self, mappings: Mappings[RuleT], pages: Callable[[RuleT], RefLinks | NoUrl]) -> None:
        self.mappings = mappings
        self.pages = pages
        self._folders = _Folders(mappings, pages)

    def url(self, path: str, line: int | None = None) -> str | NoUrl:
        """The page of a frame's path, at a line if one is given, by the first rule that leads to a file."""
        cut = path.rfind("/") + 1
        return self._folders[path[:cut]].url(path[cut:], line) or self._careful_url(path, line)

    def _careful_url(self, path: str, line: int | None) -> str | NoUrl:
        matches = list(self.mappings.matches(path))
        for rule, source_path in matches:
            if source_path:
                pages = self.pages(rule)
                return pages if isinstance(pages, NoUrl) else pages.url(source_path, line)
        return _OUTSIDE if matches else _MISMATCH


class _FilesOfFolder(Protocol):
    def url(self, name: str, line: int | None) -> str | NoUrl | None:
        """The page of a file by its name, or None when its whole path has to be looked at."""


class _Always:
    """Every file of a folder has this answer."""

    def __init__(self, answer: NoUrl | None) -> None:
        self._answer = answer

    def url(self, name: str, line: int | None) -> NoUrl | None:  # noqa: ARG002 - no file makes a difference
        return self._answer


_MISMATCH: Final = NoUrl(reason=Reason.STACK_ROOT_MISMATCH, message="no code mapping has the start of this path")
_OUTSIDE: Final = NoUrl(reason=Reason.PATH_OUTSIDE, message="the path leads out of the repository, or to no file")
_UNMATCHED: Final = _Always(_MISMATCH)
_ASK_EACH: Final = _Always(None)


class _Folders(dict[str, _FilesOfFolder], Generic[RuleT]):
    """How the files of each folder are linked, worked out when first asked for."""

    __slots__ = ("_mappings", "_pages")

    def __init__(self, mappings: Mappings[RuleT], pages: Callable[[RuleT], RefLinks | NoUrl]) -> None:
        super().__init__()
        self._mappings = mappings
        self._pages = pages

    def __missing__(self, folder: str) -> _FilesOfFolder:
        files = self._files(folder)
        if len(folder) <= LONGEST_FOLDER:
            if len(self) >= MOST_FOLDERS:
                self.clear()
            self[folder] = files
        return files

    def _files(self, folder: str) -> _FilesOfFolder:
        ways = self._mappings.ways(folder)
        if ways is None:
            return _ASK_EACH
        if not ways:
            return _UNMATCHED
        return next((self._below(rule, head) for rule, head in ways if head is not None), _ASK_EACH)

    def _below(self, rule: RuleT, folder: str) -> FolderLinks | _Always:
        pages = self._pages(rule)
        if isinstance(pages, NoUrl):
            return _ASK_EACH
        return pages.below(folder) or _ASK_EACH
