"""The paths in frames: which part of a printed path may be in a repository, and which path a mapping is derived from.

Printed paths are text that people paste. A frame's path is what a code mapping is derived from: there the roots must be
exact, so that less is cut off and a missing path has a reason.
"""

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from .code_mapping import normalize_slashes

if TYPE_CHECKING:
    from .frame_mapping import FrameInfo

# Frames of these platforms name the class, not the file.
CLASS_PLATFORMS: Final = frozenset({"java"})

_SCHEME: Final = re.compile(r"([a-z][a-z0-9+.-]+)://([^/]*)/?", re.IGNORECASE)
_QUERY: Final = re.compile(r"[?#].*", re.DOTALL)
_PACKAGE: Final = re.compile(r"package:[^/]*/")
_DRIVE: Final = re.compile(r"[A-Za-z]:(?=/)")

# Folders of installed code: a file there belongs to this repository only if it was installed from it.
_INSTALLED: Final = re.compile(
    r".*(?:"
    r"/(?:site|dist)-packages/|/lib/python[\d.]+/|/node_modules/|/go/pkg/mod/|/pkg/mod/|/go/src/|/libexec/src/"
    r"|/\.cargo/(?:registry|git)/|/rustc/[0-9a-f]+/|/rustlib/src/|/gems/|/lib/ruby/|/\.pub-cache/|/\.gradle/|/\.m2/"
    r"|^/usr/(?:lib|lib32|lib64|include|share)/|/usr/local/lib/|/opt/homebrew/|/nix/store/|/Library/Developer/"
    # Installed sources. Other folders there, such as app, are those of programs in a container.
    r"|^/usr/src/(?:linux[^/]*|kernels|modules|debug|packages|python|php|ruby|gcc|g(?:oogle)?test|g(?:oogle)?mock)/"
    r"|/Applications/[^/]+\.app/|/Windows/|/Program Files[^/]*/|/bazel-out/|^/build/glibc"
    r")",
    re.DOTALL,
)
# Modules of a runtime and pages of a browser: they name no file.
_INTERNAL: Final = re.compile(
    r"(?:node|native|deno|bun|ext|evalmachine|about|blob|data|resource|chrome|(?:chrome|moz|safari(?:-web)?)-extension):"
)

_NO_SOURCE: Final = re.compile(r"^[\[<]|https?://", re.IGNORECASE)
_ANY_DRIVE: Final = re.compile(r"^.:/?", re.DOTALL)
# Starts that are no folders of a repository.
_STARTS: Final = re.compile(r"(?:app:///|webpack://[^/]*/|\.\.?/|/)*")
# A name, a dot, an ending. A dot at the start of a name hides the file and is no ending.
_ENDING: Final = re.compile(r"[^/]\.[^/.]+$")


class PrintedPath(NamedTuple):
    """A printed path, reduced to the part that may be in a repository.

    Attributes:
        whole: the path without parts that cannot be in a repository, and without a leading slash.
        absolute: whether the printed path began at the top of a file system.
        installed: for a path in a folder of installed code, the part below that folder.
        climbs: how many folders the path climbs before it goes down.
    """

    whole: str
    absolute: bool = False
    installed: str | None = None
    climbs: int = 0


class NoRoots(StrEnum):
    """The reason why no roots can be derived from a frame and a file."""

    UNSUPPORTED_FRAME = "unsupported_frame"
    NEEDS_EXTENSION = "needs_extension"
    MISSING_MODULE_OR_ABS_PATH = "missing_module_or_abs_path"
    NOT_A_JAVA_PACKAGE = "not_a_java_package"
    NO_COMMON_ROOT = "no_common_root"


class FramePath(NamedTuple):
    """A frame's path, ready for the derivation of roots.

    Attributes:
        raw: the path as the frame or its class has it.
        normalized: the part that may be in a repository.
        top: the common start of frames of one origin: the part before the repository's folders, and the first folder.
        root: the folders that a class's stack root has; None for frames that name their file.
    """

    raw: str
    normalized: str
    top: str
    root: str | None = None


def read_printed_path(raw: str) -> PrintedPath | None:
    """Parse a printed path; return None if it names no file, as ``<string>``, ``[native code]`` and ``node:fs``."""
    path = normalize_slashes(raw).strip()
    if not path or path[0] in "<[" or _INTERNAL.match(path):
        return None
    scheme = _SCHEME.match(path)
    local = scheme is not None and scheme[1].lower() == "file"
    if scheme:
        # The text between ``://`` and the next slash is a host, or a name that a build tool made up.
        path = _QUERY.sub("", path[scheme.end() :])
        path = f"/{path}" if local and not _DRIVE.match(path) else path
    # Dart prints ``package:shop/x.dart`` for the file ``lib/x.dart`` of the package.
    path = _PACKAGE.sub("lib/", path, count=1)
    path, drives = _DRIVE.subn("", path, count=1)
    absolute = path.startswith("/") and (local or not scheme)
    whole, climbs = _fold_and_count_climbs(path)
    if not whole:
        return None
    installed = _INSTALLED.match(f"/{whole}")
    return PrintedPath(whole, absolute or bool(drives), f"/{whole}"[installed.end() :] if installed else None, climbs)


def read_frame_path(info: "FrameInfo") -> FramePath | NoRoots:
    """Return the path of a frame, or the reason why it has none that roots could be derived from."""
    return _class_frame_path(info) if info.platform in CLASS_PLATFORMS else _file_frame_path(info.filename or "")


def ending_of(path: str) -> str:
    """Return a file's ending in lower case without its dot, or an empty string."""
    return path.rpartition(".")[2].lower() if _ENDING.search(path) else ""


def _fold_and_count_climbs(path: str) -> tuple[str, int]:
    """Return the path without ``.``, ``..`` and empty segments, and how many folders it climbs above its start."""
    kept: list[str] = []
    climbs = 0
    for segment in path.split("/"):
        if segment == "..":
            # Paths that climb are printed by tools that ran in a subfolder; the caller needs the number of levels.
            climbs += not kept
            del kept[-1:]
        elif segment not in ("", "."):
            kept.append(segment)
    return "/".join(kept), climbs


def _class_frame_path(info: "FrameInfo") -> FramePath | NoRoots:
    # Imported here: printed paths need no code mappings, and "scmhost link" starts faster without them.
    from .frame_mapping import class_path  # noqa: PLC0415

    if not info.module or not info.abs_path:
        return NoRoots.MISSING_MODULE_OR_ABS_PATH
    named = class_path(info.module, info.abs_path)
    if named is None:
        return NoRoots.NOT_A_JAVA_PACKAGE
    return FramePath(named.path, named.path, named.root, named.root)


def _file_frame_path(raw: str) -> FramePath | NoRoots:
    path = normalize_slashes(raw)
    if not path or _NO_SOURCE.search(path):
        return NoRoots.UNSUPPORTED_FRAME
    if not ending_of(path):
        return NoRoots.NEEDS_EXTENSION
    # Only a path with backslashes is one of Windows: ``C:`` may be a folder's name elsewhere.
    if "\\" in raw:
        path = _ANY_DRIVE.sub("", path)
    normalized = _STARTS.sub("", path, count=1)
    before = path.removesuffix(normalized)
    return FramePath(raw, normalized, before + normalized.partition("/")[0])
