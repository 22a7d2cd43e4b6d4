"""Links for very many frames of one project, as a job that goes over stored frames needs them.

Frames name ever new files, but in few folders: how the files of a folder are linked is worked out once.
"""

from collections.abc import Callable, Iterable
from typing import Final, Generic, Protocol, TypeVar

from scmhost.sdk import NoUrl, Reason
from scmhost.sdk.urls.ref_links import FolderLinks, RefLinks

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
        folder, _, name = path.rpartition("/")
        links = self._folders[folder]
        if isinstance(links, FolderLinks):
            return links.url(name, line) or self._careful_url(path, line)
        return links or self._careful_url(path, line)

    def _careful_url(self, path: str, line: int | None) -> str | NoUrl:
        matches = list(self.mappings.matches(path))
        for rule, source_path in matches:
            if source_path:
                pages = self.pages(rule)
                return pages if isinstance(pages, NoUrl) else pages.url(source_path, line)
        return _OUTSIDE if matches else _MISMATCH


_MISMATCH: Final = NoUrl(reason=Reason.STACK_ROOT_MISMATCH, message="no code mapping has the start of this path")
_OUTSIDE: Final = NoUrl(reason=Reason.PATH_OUTSIDE, message="the path leads out of the repository, or to no file")

# The links of a folder's files, or why none has one; None where the whole path has to be looked at.
_Files = FolderLinks | NoUrl | None


class _Folders(dict[str, _Files], Generic[RuleT]):
    """How the files of each folder are linked, worked out when first asked for."""

    __slots__ = ("_mappings", "_pages")

    def __init__(self, mappings: Mappings[RuleT], pages: Callable[[RuleT], RefLinks | NoUrl]) -> None:
        super().__init__()
        self._mappings = mappings
        self._pages = pages

    def __missing__(self, folder: str) -> _Files:
        files = self._files(folder)
        if len(folder) <= LONGEST_FOLDER:
            if len(self) >= MOST_FOLDERS:
                self.clear()
            self[folder] = files
        return files

    def _files(self, folder: str) -> _Files:
        # No folder and the root are not told apart by what stands before a path's last slash.
        ways = self._mappings.ways(folder + "/") if folder else None
        if ways is None:
            return None
        if not ways:
            return _MISMATCH
        return next((self._below(rule, head) for rule, head in ways if head is not None), None)

    def _below(self, rule: RuleT, folder: str) -> FolderLinks | None:
        pages = self._pages(rule)
        return None if isinstance(pages, NoUrl) else pages.below(folder)
