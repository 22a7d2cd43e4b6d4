"""Munging: turning a platform's frame into a path, where the frame does not print one."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from .java import class_path


class FrameInfo(NamedTuple):
    """What is known about a frame when its path is looked for. All but ``platform`` are as the frame has them."""

    filename: str | None = None
    module: str | None = None
    abs_path: str | None = None
    package: str | None = None
    platform: str | None = None
    sdk_name: str | None = None


def munge(info: FrameInfo) -> str | None:
    """The path that a platform's rule makes of a frame, or None when there is no rule or it does not fit."""
    munger = MUNGERS.get(info.platform) if info.platform else None
    return munger(info) if munger else None


def _java(info: FrameInfo) -> str | None:
    """``com.acme.App`` and ``App.java`` are ``com/acme/App.java``; Kotlin's and Android's frames look the same.

    Frames of older SDKs have the file's name in ``filename`` alone. Where that is a tool's own, the class stands for
    it, as one of Java: such tools write Java's class files.
    """
    file = info.abs_path or info.filename
    found = class_path(info.module, file) if info.module and file else None
    if found and not info.abs_path and "." not in found.path.rpartition("/")[2]:
        return f"{found.path}.java"
    return found.path if found else None


def _cocoa(info: FrameInfo) -> str | None:
    """The path from the folder that is called like the package."""
    if not info.package or not info.abs_path:
        return None
    package = info.package.strip("/")
    segments = info.abs_path.split("/")
    return "/".join(segments[segments.index(package) :]) if package in segments else None


def _flutter(info: FrameInfo) -> str | None:
    """``package:shop/src/cart.dart`` of package ``shop`` is ``src/cart.dart``; the SDK's own files have no path."""
    if info.sdk_name != "sentry.dart.flutter" or not info.package or not info.abs_path:
        return None
    start = f"package:{info.package}/"
    return (info.abs_path.startswith(start) and info.abs_path.removeprefix(start).strip("/")) or None


MUNGERS: Final[Mapping[str, Callable[[FrameInfo], str | None]]] = MappingProxyType(
    {"java": _java, "cocoa": _cocoa, "other": _flutter}
)
