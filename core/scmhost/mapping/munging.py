"""Munging: turning a platform's frame into a path, where the frame does not print one.

The rules for classes serve Java, Kotlin and other languages that run in packages.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from .code_mapping import normalize_slashes

ROOT_PARTS: Final = 4
"""The number of a package's parts that name the team and the product. Deeper parts change."""

SOURCE_SETS: Final = ("src/main/java/", "src/main/kotlin/")
"""Folders in which build tools expect the packages."""


class FrameInfo(NamedTuple):
    """The fields of a frame that its path is derived from. All but ``platform`` are as the frame has them."""

    filename: str | None = None
    module: str | None = None
    abs_path: str | None = None
    package: str | None = None
    platform: str | None = None
    sdk_name: str | None = None


class ClassPath(NamedTuple):
    """The path of a class, and the folders of its package that belong to a stack root."""

    path: str
    root: str


def munge(info: FrameInfo) -> str | None:
    """Return the path that the platform's rule makes of a frame, or None if there is no rule or it does not fit."""
    munger = MUNGERS.get(info.platform) if info.platform else None
    return munger(info) if munger else None


def class_path(module: str, abs_path: str) -> ClassPath | None:
    """Return ``com/acme/App.java`` for ``com.acme.App`` in ``App.java``; None for a class without a package.

    The file's name comes from the frame, because a class may have another name than its file. If a tool rewrote that
    name, the class replaces it, without an ending. Folders before the name belong to the build machine.
    """
    outer, file = module.partition("$")[0], normalize_slashes(abs_path).rpartition("/")[2]
    package, dot, _ = outer.rpartition(".")
    parts = package.split(".")
    if "$" in file or "." not in file:
        return ClassPath(outer.replace(".", "/"), _folder(parts)) if outer else None
    if not dot:
        return None
    return ClassPath(_folder(parts) + file, _folder(parts[:ROOT_PARTS]))


def source_set_of(source: str) -> str | None:
    """Return the source set's folder that a file is in, or None."""
    for source_set in SOURCE_SETS:
        before, separator, _ = f"/{source}".partition(f"/{source_set}")
        if separator:
            return f"{before}/{source_set}"[1:]
    return None


def common_package(paths: list[str]) -> str:
    """Return the deepest folder that contains all paths, with its slash, or an empty string."""
    folders = [path.split("/")[:-1] for path in paths]
    # All others are sorted between these two, so that they share what these two share.
    lowest, highest = min(folders), max(folders)
    shared = next((at for at, pair in enumerate(zip(lowest, highest, strict=False)) if pair[0] != pair[1]), len(lowest))
    return _folder(lowest[:shared])


def _folder(parts: list[str]) -> str:
    return "".join(f"{part}/" for part in parts if part)


def _munge_java(info: FrameInfo) -> str | None:
    """Return the path of a class. Kotlin and Android print the same frames.

    Frames of older SDKs have the file's name in ``filename`` only. If a tool rewrote it, the class replaces it, with
    the ending of Java: such tools write Java's class files.
    """
    file = info.abs_path or info.filename
    named = class_path(info.module, file) if info.module and file else None
    if named and not info.abs_path and "." not in named.path.rpartition("/")[2]:
        return f"{named.path}.java"
    return named.path if named else None


def _munge_cocoa(info: FrameInfo) -> str | None:
    """Return the path from the folder with the package's name on."""
    if not info.package or not info.abs_path:
        return None
    package = info.package.strip("/")
    segments = info.abs_path.split("/")
    return "/".join(segments[segments.index(package) :]) if package in segments else None


def _munge_flutter(info: FrameInfo) -> str | None:
    """Return ``src/cart.dart`` for ``package:shop/src/cart.dart`` of package ``shop``; None for files of the SDK."""
    if info.sdk_name != "sentry.dart.flutter" or not info.package or not info.abs_path:
        return None
    start = f"package:{info.package}/"
    return (info.abs_path.startswith(start) and info.abs_path.removeprefix(start).strip("/")) or None


MUNGERS: Final[Mapping[str, Callable[[FrameInfo], str | None]]] = MappingProxyType(
    {"java": _munge_java, "cocoa": _munge_cocoa, "other": _munge_flutter}
)
