"""Links to the checkout of the working directory.

The checkout's list of files is the only configuration: a frame is resolved to a file, and the file to its page.
"""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from scmhost.frames import FrameMatch
from scmhost.frames.frame import JVM, Frame
from scmhost.mapping.file_tree import FileTree, LocatedFile
from scmhost.mapping.paths import PrintedPath, read_printed_path
from scmhost.sdk.reasons import Reason

from .formats import LinkedFrame, frame_facts
from .summary import LinkCounts
from .targets import SHORT_SHA, CheckoutLink, CheckoutTargets, PageOverrides
from .worktree import Checkout, RepositoryReading, start_reading

if TYPE_CHECKING:
    from scmhost.mapping import MappingIndex

# A long log may name any number of paths; this bounds memory.
_CACHE_SIZE: Final = 8192
_CHANGED_SHOWN: Final = 5
_CHANGED_KEPT: Final = 25
_NO_FILE: Final = frozenset({Reason.NOT_A_FILE, Reason.NOT_IN_REPOSITORY, Reason.FILE_NOT_FOUND})


class FileTargets(Protocol):
    """The repositories of a checkout's files."""

    def link(self, found: CheckoutLink, path: str, line: int | None) -> CheckoutLink:
        """Add the page of a file of the checkout, at the line of a frame."""

    def on_disk(self, path: str) -> CheckoutLink | None:
        """Return what a path is that only the disk has, or None if there is no such file."""


class LinkerInputs(NamedTuple):
    """All that the linker needs from a checkout.

    Attributes:
        roots: the checkout's folder, absolute without the leading slash; several if symbolic links lead to it.
        prefix: the working directory relative to the root, with a trailing slash, or "".
        tree: the files of the commit.
        targets: the repositories that the files belong to.
        mappings: code mappings from the command line.
    """

    roots: Sequence[str]
    prefix: str
    tree: FileTree
    targets: FileTargets
    mappings: "MappingIndex | None"


class CheckoutLinker:
    """Links the frames of a text in order. Matches teach the file tree path prefixes for later frames."""

    def __init__(self, inputs: LinkerInputs) -> None:
        self._inputs = inputs
        self._cache: dict[tuple[str, str | None, str], tuple[CheckoutLink, int]] = {}

    def link_all(self, frames: Sequence[Frame]) -> list[CheckoutLink]:
        """Return the links of frames that were printed together, so that they decide together about ambiguous names."""
        # Diagnostics are of many runs of a tool, each in a folder of its own.
        new = [frame for frame in frames if frame.kind == "frame" and _key_of(frame) not in self._cache]
        if new:
            self._inputs.tree.place(printed for frame in new if (printed := compared_path(frame)))
        return [self.link(frame) for frame in frames]

    def link(self, frame: Frame) -> CheckoutLink:
        """Return the link of a frame, or the reason why it has none."""
        key = _key_of(frame)
        link, learned = self._cache.get(key, (None, 0))
        # A miss is repeated after the tree has learned a prefix, because the prefix may resolve it.
        if link is None or (link.reason and learned < self._inputs.tree.learned):
            link = self._resolve(frame)
            if len(self._cache) < _CACHE_SIZE:
                self._cache[key] = link, self._inputs.tree.learned
        return link if link.path is None else self._inputs.targets.link(link, link.path, frame.line)

    def _resolve(self, frame: Frame) -> CheckoutLink:
        mapped = self._by_mappings(frame)
        if mapped:
            return mapped
        found = self._located(frame)
        # Ordinary text has paths with numbers, too: a diagnostic counts only if the checkout has its file.
        is_no_place = frame.kind == "diagnostic" and found.reason in _NO_FILE
        return found._replace(ignored=True) if is_no_place else found

    def _located(self, frame: Frame) -> CheckoutLink:
        printed = compared_path(frame)
        if printed is None:
            return CheckoutLink(reason=Reason.NOT_A_FILE)
        found = self._below_root(printed) or self._by_suffix(printed)
        if found.reason == Reason.NOT_IN_REPOSITORY and not printed.absolute:
            # Nothing in a text shows that a path begins before a blank.
            file = self._inputs.tree.behind_blank(printed.whole)
            return CheckoutLink(path=file, confidence="low") if file else found
        return found

    def _by_mappings(self, frame: Frame) -> CheckoutLink | None:
        """Apply the mappings of the command line. A path that they match is not resolved in any other way."""
        mappings = self._inputs.mappings
        paths = [source for _, source in mappings.matches(frame.path) if source] if mappings else []
        existing = next((path for path in paths if path in self._inputs.tree), None)
        if existing:
            return CheckoutLink(path=existing, confidence="high")
        on_disk = next(filter(None, map(self._inputs.targets.on_disk, paths)), None)
        return on_disk or (_missing(paths[0]) if paths else None)

    def _below_root(self, printed: PrintedPath) -> CheckoutLink | None:
        """Resolve a path below the checkout's folder, or relative to the working directory."""
        inputs, path = self._inputs, printed.whole
        if not printed.absolute:
            here = _ancestor(inputs.prefix, printed.climbs) + path
            if here in inputs.tree:
                return CheckoutLink(path=here, confidence="high")
            return inputs.targets.on_disk(here) if printed.installed is None else None
        root = next((root for root in inputs.roots if path.startswith(root)), None)
        below = path[len(root) :] if root else ""
        if below in inputs.tree:
            return CheckoutLink(path=below, confidence="high")
        # A virtual environment may be inside the checkout, and hold an installed copy of a tracked file.
        if not root or printed.installed is not None:
            return None
        return inputs.targets.on_disk(below) or _missing(below)

    def _by_suffix(self, printed: PrintedPath) -> CheckoutLink:
        located = self._inputs.tree.locate(printed)
        if isinstance(located, LocatedFile):
            return CheckoutLink(path=located.path, confidence=located.confidence)
        if located.several:
            return CheckoutLink(reason=Reason.SEVERAL_FILES, message=f"{', '.join(located.several)} end alike")
        return CheckoutLink(reason=Reason.NOT_IN_REPOSITORY)


class LinkOverrides(NamedTuple):
    """Options of the command line that replace what is read from the checkout."""

    remote: str | None = None
    kind: str | None = None
    template: str | None = None
    ref: str | None = None
    mappings: Sequence[tuple[str, str]] = ()


class CheckoutLinks:
    """Links frames to one commit of a checkout, and collects warnings on these links.

    Attributes:
        checkout: the checkout, as it was when this object was made.
        inputs: what frames are compared with.
    """

    def __init__(self, overrides: LinkOverrides, reading: RepositoryReading | None = None) -> None:
        checkout = (reading or start_reading(overrides.ref)).finish(overrides.remote)
        exact = overrides.ref is not None
        targets = CheckoutTargets(checkout, PageOverrides(overrides.kind, overrides.template, exact))
        self.checkout = checkout
        self._exact = exact
        # An ordered set.
        self._changed: dict[tuple[str, int, str], None] = {}
        self.inputs = LinkerInputs(
            checkout_roots(checkout),
            checkout.prefix,
            FileTree(targets.files, checkout.prefix),
            targets,
            mapping_index(overrides.mappings, checkout.maps),
        )
        self._linker = CheckoutLinker(self.inputs)

    @property
    def facts(self) -> dict[str, object]:
        """Facts on all links together, for JSON."""
        return {"commit": self.checkout.commit, "pushed": self.checkout.pushed}

    def link(self, frames: Sequence[FrameMatch]) -> list[LinkedFrame]:
        """Link frames; the result has their order."""
        links = self._linker.link_all([found.frame for found in frames])
        return [self._linked(found, link) for found, link in zip(frames, links, strict=True)]

    def summary(self, counts: LinkCounts) -> list[str]:
        """Return the counts, and warnings on links that look right but are not."""
        lines = counts.lines()
        if counts.links and self.checkout.pushed is False:
            lines.append(self._unpushed())
        for path, line, commit in list(self._changed)[:_CHANGED_SHOWN]:
            short = commit[:SHORT_SHA]
            lines.append(f"{path}:{line} was changed since commit {short}; its link shows what was committed.")
        if len(self._changed) > _CHANGED_SHOWN:
            lines.append(f"{len(self._changed) - _CHANGED_SHOWN} other linked lines were changed too.")
        return lines

    def _unpushed(self) -> str:
        head = f"commit {self.checkout.head[:SHORT_SHA]} is on no branch of a remote yet"
        if self._exact:
            return f"{head}: until it is pushed, its links lead nowhere."
        return f"{head}: links lead to commit {self.checkout.commit[:SHORT_SHA]}, the last that is pushed."

    def _linked(self, found: FrameMatch, link: CheckoutLink) -> LinkedFrame:
        if link.changed and link.path and len(self._changed) < _CHANGED_KEPT:
            self._changed[link.path, found.frame.line or 0, link.commit or ""] = None
        facts: dict[str, object] = {
            **frame_facts(found),
            "sourcePath": link.path,
            "url": link.url,
            "ref": link.commit if link.url else None,
            "sourceLine": link.line,
            "confidence": link.confidence,
            "changed": link.changed,
            "reason": link.reason,
            "message": link.message or None,
            "nextStep": link.next_step or None,
        }
        return LinkedFrame(found, link.url, facts, link.reason or "", link.message, link.next_step, link.ignored)


def checkout_roots(checkout: Checkout) -> list[str]:
    """Return the checkout's folder as git and as the shell print it; the shell's may contain symbolic links."""
    roots = [checkout.root]
    here = os.environ.get("PWD", "").rstrip("/") + "/"
    # A program that starts scmhost in another folder may leave its own PWD in the environment.
    if here.endswith("/" + checkout.prefix) and _is_working_directory(here):
        roots.append(here[: len(here) - len(checkout.prefix)])
    return [root.replace("\\", "/").strip("/") + "/" for root in roots]


def _is_working_directory(folder: str) -> bool:
    try:
        return os.path.samefile(folder, ".")  # noqa: PTH121 - importing pathlib takes longer than this check
    except OSError:
        return False


def mapping_index(own: Sequence[tuple[str, str]], shared: Sequence[tuple[str, str]] = ()) -> "MappingIndex | None":
    """Return code mappings from pairs of a stack root and a source root; those of the user come before shared ones."""
    if not (own or shared):
        return None
    # Imported here: most runs have no mapping, and start faster without it.
    from scmhost.mapping import MappingIndex, Rule

    pairs = enumerate([*own, *shared])
    return MappingIndex([Rule(number, *roots, generated=number >= len(own)) for number, roots in pairs])


def _ancestor(folder: str, climbs: int) -> str:
    """Return the folder ``climbs`` levels above; the top folder is its own parent."""
    kept = folder.split("/")[:-1]
    return "".join(f"{name}/" for name in kept[: max(len(kept) - climbs, 0)])


def _key_of(frame: Frame) -> tuple[str, str | None, str]:
    return frame.path, frame.module, frame.kind


def compared_path(frame: Frame) -> PrintedPath | None:
    """Return the path of a frame as it is compared with files, or None if it is no path of a file."""
    return read_printed_path(_path_of_class(frame) or frame.path)


def _path_of_class(frame: Frame) -> str | None:
    """Return the path that the class of a JVM frame gives; the frame itself has only the file's name."""
    if frame.language not in JVM or not frame.module:
        return None
    # Imported here: it brings all of code mappings.
    from scmhost.mapping.frame_mapping import class_path

    munged = class_path(frame.module, frame.path)
    return munged.path if munged else None


def _missing(path: str) -> CheckoutLink:
    return CheckoutLink(reason=Reason.FILE_NOT_FOUND, message=f"{path} is not in the commit")
