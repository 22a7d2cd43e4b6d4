"""Resolve frames to files and pages of one checkout, with the checkout's list of files as the only configuration."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Protocol

from scmhost.frames.frame import Frame
from scmhost.frames.source_paths import JVM
from scmhost.mapping.file_tree import FileTree, LocatedFile
from scmhost.mapping.munging import class_path
from scmhost.mapping.paths import PrintedPath, read_printed_path
from scmhost.sdk.reasons import NEXT_STEP, Confidence, Reason

from .worktree import CommittedLine

if TYPE_CHECKING:
    from scmhost.mapping.index import MappingIndex

_CACHE_SIZE: Final = 8192


class MissingPage(Protocol):
    """Reason why a file has no page."""

    @property
    def reason(self) -> Reason: ...
    @property
    def message(self) -> str: ...


class PageUrls(Protocol):
    """Page URLs of one repository at one ref."""

    def url(self, path: str, line: int | None = None) -> str | MissingPage: ...


@dataclass(frozen=True, slots=True)
class LinkerInputs:
    """All that the linker needs from a checkout.

    Attributes:
        roots: the checkout's folder, absolute without the leading slash; several if symbolic links lead to it.
        prefix: the working directory relative to the root, with a trailing slash, or "".
        tree: the files of the commit.
        pages: the page URLs of the commit.
        mappings: code mappings from the command line.
        committed: returns the position that a line of a file on disk has in the commit.
    """

    roots: Sequence[str]
    prefix: str
    tree: FileTree
    pages: PageUrls
    mappings: "MappingIndex | None"
    committed: Callable[[str, int], CommittedLine]


@dataclass(frozen=True, slots=True)
class CheckoutLink:
    """The link of a frame, or the reason why it has none.

    Attributes:
        url: the page, at its line.
        path: the file in the repository.
        line: the line in the commit.
        confidence: the probability that this is the frame's file.
        changed: True if the line on disk differs from the commit.
        reason: why there is no URL.
        message: details of the reason.
    """

    url: str | None = None
    path: str | None = None
    line: int | None = None
    confidence: Confidence | None = None
    changed: bool = False
    reason: Reason | None = None
    message: str = ""

    @property
    def next_step(self) -> str:
        """What to do about a missing link."""
        return NEXT_STEP[self.reason] if self.reason else ""


class CheckoutLinker:
    """Links the frames of a text in order. Certain matches teach the file tree path prefixes for later frames."""

    def __init__(self, inputs: LinkerInputs) -> None:
        self._inputs = inputs
        self._cache: dict[tuple[str, str | None], tuple[CheckoutLink, int]] = {}

    def link(self, frame: Frame) -> CheckoutLink:
        """Return the link of a frame, or the reason why it has none."""
        key = (frame.path, frame.module)
        link, learned = self._cache.get(key, (None, 0))
        # A miss is repeated after the tree has learned a prefix, because the prefix may resolve it.
        if link is None or (link.reason and learned < self._inputs.tree.learned):
            link = self._resolve(frame)
            if len(self._cache) < _CACHE_SIZE:
                self._cache[key] = link, self._inputs.tree.learned
        return link if link.path is None else self._with_page(link, link.path, frame.line)

    def _resolve(self, frame: Frame) -> CheckoutLink:
        mapped = self._by_mappings(frame)
        if mapped:
            return mapped
        munged = class_path(frame.module, frame.path) if frame.language in JVM and frame.module else None
        printed = read_printed_path(munged.path if munged else frame.path)
        if printed is None:
            return CheckoutLink(reason=Reason.NOT_A_FILE)
        return self._below_root(printed) or self._by_suffix(printed)

    def _by_mappings(self, frame: Frame) -> CheckoutLink | None:
        """Apply the mappings of the command line. A path that they match is not resolved in any other way."""
        mappings = self._inputs.mappings
        paths = [source for _, source in mappings.matches(frame.path) if source] if mappings else []
        existing = next((path for path in paths if path in self._inputs.tree), None)
        if existing:
            return CheckoutLink(path=existing, confidence="high")
        return _missing(paths[0]) if paths else None

    def _below_root(self, printed: PrintedPath) -> CheckoutLink | None:
        """Resolve a path below the checkout's folder, or relative to the working directory."""
        inputs, path = self._inputs, printed.whole
        if not printed.absolute:
            here = _ancestor(inputs.prefix, printed.climbs) + path
            return CheckoutLink(path=here, confidence="high") if here in inputs.tree else None
        root = next((root for root in inputs.roots if path.startswith(root)), None)
        below = path[len(root) :] if root else ""
        if below in inputs.tree:
            return CheckoutLink(path=below, confidence="high")
        return _missing(below) if root and printed.installed is None else None

    def _by_suffix(self, printed: PrintedPath) -> CheckoutLink:
        located = self._inputs.tree.locate(printed)
        if isinstance(located, LocatedFile):
            return CheckoutLink(path=located.path, confidence=located.confidence)
        if located.several:
            return CheckoutLink(reason=Reason.SEVERAL_FILES, message=f"{', '.join(located.several)} end alike")
        return CheckoutLink(reason=Reason.NOT_IN_REPOSITORY)

    def _with_page(self, link: CheckoutLink, path: str, line: int | None) -> CheckoutLink:
        """Add the page of a resolved file at the line of this frame."""
        where = CommittedLine(line or 0)
        # A guessed file may be a different version of the one that ran; its lines are not compared.
        if line is not None and link.confidence == "high":
            where = self._inputs.committed(path, line)
        url = self._inputs.pages.url(path, where.line or None)
        if isinstance(url, str):
            return replace(link, url=url, line=where.line or None, changed=where.changed)
        return replace(link, reason=url.reason, message=url.message)


def _ancestor(folder: str, climbs: int) -> str:
    """Return the folder ``climbs`` levels above; the top folder is its own parent."""
    kept = folder.split("/")[:-1]
    return "".join(f"{name}/" for name in kept[: max(len(kept) - climbs, 0)])


def _missing(path: str) -> CheckoutLink:
    return CheckoutLink(reason=Reason.FILE_NOT_FOUND, message=f"{path} is not in the commit")
