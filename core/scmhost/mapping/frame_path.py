"""The path that a frame is of, as code mappings are derived from it."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from .java import class_path
from .munging import FrameInfo
from .roots import unify

# Frames of these platforms say the class, not the file.
CLASS_PLATFORMS: Final = frozenset({"java"})

_NO_SOURCE: Final = re.compile(r"^[\[<]|https?://", re.IGNORECASE)
_DRIVE: Final = re.compile(r"^.:/?", re.DOTALL)
# What stands before the folders of a repository, and is none of them.
_STARTS: Final = re.compile(r"(?:app:///|webpack://[^/]*/|\.\.?/|/)*")
# A name, a dot, an ending. A dot that begins a name hides the file.
_ENDING: Final = re.compile(r"[^/]\.[^/.]+$")


class NoRoots(StrEnum):
    """Why no roots can be told from a frame and a file."""

    UNSUPPORTED_FRAME = "unsupported_frame"
    NEEDS_EXTENSION = "needs_extension"
    MISSING_MODULE_OR_ABS_PATH = "missing_module_or_abs_path"
    NOT_A_JAVA_PACKAGE = "not_a_java_package"
    NO_COMMON_ROOT = "no_common_root"


@dataclass(frozen=True, slots=True)
class FramePath:
    """A frame's path.

    Attributes:
        raw: as the frame has it, or as its class tells it.
        normalized: as it may stand in a repository, without what cannot be a part of one.
        top: where frames of one origin begin: what stands before the repository's folders, and the first of them.
        root: the folders that a class's stack root has; None for frames that say their file.
    """

    raw: str
    normalized: str
    top: str
    root: str | None = None


def read_frame_path(info: FrameInfo) -> FramePath | NoRoots:
    """The path that a frame is of, or why it is of none."""
    return _of_class(info) if info.platform in CLASS_PLATFORMS else _of_file(info.filename or "")


def ending_of(path: str) -> str:
    """A file's ending in lower case, without its dot, or nothing."""
    return path.rpartition(".")[2].lower() if _ENDING.search(path) else ""


def _of_class(info: FrameInfo) -> FramePath | NoRoots:
    if not info.module or not info.abs_path:
        return NoRoots.MISSING_MODULE_OR_ABS_PATH
    found = class_path(info.module, info.abs_path)
    if found is None:
        return NoRoots.NOT_A_JAVA_PACKAGE
    return FramePath(found.path, found.path, found.root, found.root)


def _of_file(raw: str) -> FramePath | NoRoots:
    path = unify(raw)
    if not path or _NO_SOURCE.search(path):
        return NoRoots.UNSUPPORTED_FRAME
    if not ending_of(path):
        return NoRoots.NEEDS_EXTENSION
    if "\\" in raw:
        path = _DRIVE.sub("", path)
    normalized = _STARTS.sub("", path, count=1)
    before = path.removesuffix(normalized)
    return FramePath(raw, normalized, before + normalized.partition("/")[0])
