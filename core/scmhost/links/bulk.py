"""Links for very many frames of one project, for jobs over stored frames.

Traces name many files, but in few folders: the links of a folder's files are computed once.
"""

from collections.abc import Callable
from typing import Final

from scmhost.mapping.code_mapping import Rule
from scmhost.mapping.index import MappingIndex
from scmhost.sdk import NoUrl, Reason
from scmhost.sdk.urls.ref_links import FolderLinks, RefLinks

# Hostile paths must not fill the memory.
MAX_FOLDERS: Final = 8192
MAX_FOLDER_LENGTH: Final = 300

PagesOfRule = Callable[[Rule], RefLinks | NoUrl]
"""Returns the file pages of a rule's repository, at the ref that a job links to."""

_MISMATCH: Final = NoUrl(reason=Reason.STACK_ROOT_MISMATCH, message="no code mapping has the start of this path")
_OUTSIDE: Final = NoUrl(reason=Reason.PATH_OUTSIDE, message="the path leads out of the repository, or to no file")


class BulkLinks:
    """The links of a project's frames.

    Attributes:
        mappings: the project's code mappings.
        pages: the file pages of a rule's repository.
    """

    __slots__ = ("_folders", "mappings", "pages")

    def __init__(self, mappings: MappingIndex, pages: PagesOfRule) -> None:
        self.mappings = mappings
        self.pages = pages
        self._folders = _FolderLinksCache(mappings, pages)

    def url(self, path: str, line: int | None = None) -> str | NoUrl:
        """Return the page of a frame's path, at a line if one is given, by the first rule that gives a file."""
        folder, _, name = path.rpartition("/")
        # Partition instead of a split into segments: this line runs once per stored frame.
        links = self._folders[folder]
        if isinstance(links, FolderLinks):
            return links.url(name, line) or self._url_by_path(path, line)
        # A name with a backslash has folders of its own, which a root with wildcards may match.
        if links is None or "\\" in name:
            return self._url_by_path(path, line)
        return links

    def _url_by_path(self, path: str, line: int | None) -> str | NoUrl:
        matches = self.mappings.matches(path)
        for rule, source_path in matches:
            if source_path:
                pages = self.pages(rule)
                return pages if isinstance(pages, NoUrl) else pages.url(source_path, line)
        return _OUTSIDE if matches else _MISMATCH


class _FolderLinksCache(dict[str, FolderLinks | NoUrl | None]):
    """The links of each folder's files, or the reason why none has one; None if each path decides on its own.

    A plain dict with ``__missing__``, because a hit is then one lookup without a Python call, unlike in an LRU cache.
    """

    __slots__ = ("_mappings", "_pages")

    def __init__(self, mappings: MappingIndex, pages: PagesOfRule) -> None:
        super().__init__()
        self._mappings = mappings
        self._pages = pages

    def __missing__(self, folder: str) -> FolderLinks | NoUrl | None:
        links = self._compute(folder)
        if len(folder) <= MAX_FOLDER_LENGTH:
            # Emptied as a whole: an order of use would cost every hit.
            if len(self) >= MAX_FOLDERS:
                self.clear()
            self[folder] = links
        return links

    def _compute(self, folder: str) -> FolderLinks | NoUrl | None:
        # ``x.py`` and ``/x.py`` have the same empty folder here, but different matches.
        matches = self._mappings.folder_matches(folder + "/") if folder else None
        if matches is None:
            return None
        if not matches:
            return _MISMATCH
        for rule, head in matches:
            if head is not None:
                pages = self._pages(rule)
                # Without pages each path gives the reason of its own rule.
                return None if isinstance(pages, NoUrl) else pages.below(head)
        return None
