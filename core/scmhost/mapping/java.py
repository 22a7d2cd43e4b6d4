"""Paths of classes: Java, Kotlin and whatever else runs in packages."""

from typing import Final, NamedTuple

from .roots import unify

# How many parts of a package stand for the team and the product that it belongs to; deeper ones change.
ROOT_PARTS: Final = 4
SOURCE_SETS: Final = ("src/main/java/", "src/main/kotlin/")


class ClassPath(NamedTuple):
    """The path of a class, and the folders of its package that its stack root has."""

    path: str
    root: str


def class_path(module: str, abs_path: str) -> ClassPath | None:
    """``com.acme.App`` in ``App.java`` is ``com/acme/App.java``; None for a class without a package.

    The file's name comes from the frame, because a class need not be called like its file. A name that was rewritten
    by a tool tells no file; then the class stands for it, without an ending. Folders before the name are of the
    machine that it was built on.
    """
    outer, file = module.partition("$")[0], unify(abs_path).rpartition("/")[2]
    package, dot, _ = outer.rpartition(".")
    parts = package.split(".")
    if "$" in file or "." not in file:
        return ClassPath(outer.replace(".", "/"), _folder(parts)) if outer else None
    if not dot:
        return None
    return ClassPath(_folder(parts) + file, _folder(parts[:ROOT_PARTS]))


def source_set_of(source: str) -> str | None:
    """The folder of a build tool's source set that a file is in, or None."""
    for source_set in SOURCE_SETS:
        before, found, _ = f"/{source}".partition(f"/{source_set}")
        if found:
            return f"{before}/{source_set}"[1:]
    return None


def common_package(paths: list[str]) -> str:
    """The deepest folder that all paths are in, with its slash, or nothing."""
    folders = [path.split("/")[:-1] for path in paths]
    lowest, highest = min(folders), max(folders)
    alike = next((at for at, pair in enumerate(zip(lowest, highest, strict=False)) if pair[0] != pair[1]), len(lowest))
    return _folder(lowest[:alike])


def _folder(parts: list[str]) -> str:
    return "".join(f"{part}/" for part in parts if part)
