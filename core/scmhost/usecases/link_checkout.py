"""Link frames to the files of one checkout, without any set-up: paths are told by the list of files."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Protocol

from scmhost.frames.frame import Frame
from scmhost.frames.source_paths import JVM
from scmhost.links.lines import CommittedLine
from scmhost.mapping.file_tree import FileTree, LocatedFile
from scmhost.mapping.munging import class_path
from scmhost.mapping.paths import PrintedPath, read_printed_path
from scmhost.sdk.reasons import NEXT_STEP, Confidence, Reason

if TYPE_CHECKING:
    from scmhost.mapping.index import MappingIndex

_MOST_KNOWN: Final = 8192


class NoPage(Protocol):
    """Why a file has no page."""

    @property
    def reason(self) -> Reason: ...
    @property
    def message(self) -> str: ...


class Links(Protocol):
    """The pages of one repository at one ref."""

    def url(self, path: str, line: int | None = None) -> str | NoPage: ...


@dataclass(frozen=True, slots=True)
class Place:
    """Where frames were printed, and what they are linked to.

    Attributes:
        roots: what paths of files in the checkout begin with: its folder, absolute but for the first slash.
        prefix: the working directory below it, with a closing slash, or nothing.
        tree: the files of the commit.
        links: the pages of the commit, or why there are none.
        rules: code mappings that a person named for this once.
        committed: where a line of a file on disk stands in the commit.
    """

    roots: Sequence[str]
    prefix: str
    tree: FileTree
    links: Links
    rules: "MappingIndex | None"
    committed: Callable[[str, int], CommittedLine]


@dataclass(frozen=True, slots=True)
class CheckoutLink:
    """What became of a frame: a URL, or a reason with its next step.

    Attributes:
        url: the page, at its line.
        path: the file in the repository.
        line: the line in the commit.
        confidence: how sure it is that this is the frame's file.
        changed: whether the line is not as it was committed.
        reason: why there is no URL.
        message: more about the reason.
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
    """Links the frames of a text, one after the other. It learns where paths begin from those that are sure."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._known: dict[tuple[str, str | None], tuple[CheckoutLink, int]] = {}

    def link(self, frame: Frame) -> CheckoutLink:
        """The link of a frame, or why it has none."""
        key = (frame.path, frame.module)
        found, learned = self._known.get(key, (None, 0))
        # What is not found yet may be told by the frames after it.
        if found is None or (found.reason and learned < self._place.tree.learned):
            found = self._find(frame)
            if len(self._known) < _MOST_KNOWN:
                self._known[key] = found, self._place.tree.learned
        return found if found.path is None else self._at(found, found.path, frame.line)

    def _find(self, frame: Frame) -> CheckoutLink:
        mapped = self._by_rules(frame)
        if mapped:
            return mapped
        munged = class_path(frame.module, frame.path) if frame.language in JVM and frame.module else None
        printed = read_printed_path(munged.path if munged else frame.path)
        if printed is None:
            return CheckoutLink(reason=Reason.NOT_A_FILE)
        return self._below_root(printed) or self._by_end(printed)

    def _by_rules(self, frame: Frame) -> CheckoutLink | None:
        """By the mappings that a person named: theirs is the last word for what they match."""
        rules = self._place.rules
        paths = [source for _, source in rules.matches(frame.path) if source] if rules else []
        known = next((path for path in paths if path in self._place.tree), None)
        if known:
            return CheckoutLink(path=known, confidence="high")
        return _missing(paths[0]) if paths else None

    def _below_root(self, printed: PrintedPath) -> CheckoutLink | None:
        """A path that names a file of the checkout itself: from its topmost folder, or from the working directory."""
        place, path = self._place, printed.whole
        if not printed.absolute:
            here = _above(place.prefix, printed.climbs) + path
            return CheckoutLink(path=here, confidence="high") if here in place.tree else None
        root = next((root for root in place.roots if path.startswith(root)), None)
        below = path[len(root) :] if root else ""
        if below in place.tree:
            return CheckoutLink(path=below, confidence="high")
        return _missing(below) if root and printed.installed is None else None

    def _by_end(self, printed: PrintedPath) -> CheckoutLink:
        found = self._place.tree.locate(printed)
        if isinstance(found, LocatedFile):
            return CheckoutLink(path=found.path, confidence=found.confidence)
        if found.several:
            return CheckoutLink(reason=Reason.SEVERAL_FILES, message=f"{', '.join(found.several)} end alike")
        return CheckoutLink(reason=Reason.NOT_IN_REPOSITORY)

    def _at(self, found: CheckoutLink, path: str, line: int | None) -> CheckoutLink:
        """The page of a file that was found, at the line that this frame has."""
        where = CommittedLine(line or 0)
        if line is not None and found.confidence == "high":
            where = self._place.committed(path, line)
        url = self._place.links.url(path, where.line or None)
        if isinstance(url, str):
            return replace(found, url=url, line=where.line or None, changed=where.changed)
        return replace(found, reason=url.reason, message=url.message)


def _above(folder: str, climbs: int) -> str:
    """The folder so many folders above; there is none above the topmost."""
    kept = folder.split("/")[:-1]
    return "".join(f"{name}/" for name in kept[: max(len(kept) - climbs, 0)])


def _missing(path: str) -> CheckoutLink:
    return CheckoutLink(reason=Reason.FILE_NOT_FOUND, message=f"{path} is not in the commit")
