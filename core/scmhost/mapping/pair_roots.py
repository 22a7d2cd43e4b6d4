"""From a stack path and the file that it is of to the roots of a code mapping."""

from collections.abc import Sequence
from dataclasses import dataclass

from .frame_path import FramePath, NoRoots, read_frame_path
from .java import common_package, source_set_of
from .munging import FrameInfo
from .roots import fold, unify


@dataclass(frozen=True, slots=True)
class Roots:
    """What a frame's path begins with, and what stands there in the repository."""

    stack_root: str
    source_root: str


def derive_roots(info: FrameInfo, source_file: str, repo_files: Sequence[str] = ()) -> Roots | NoRoots:
    """The roots by which a frame's path leads to a source file, or why there are none.

    The repository's files, where they are known, tell how the packages of a class lie.
    """
    path = read_frame_path(info)
    return path if isinstance(path, NoRoots) else roots_between(path, source_file, repo_files)


def roots_between(path: FramePath, source_file: str, repo_files: Sequence[str] = ()) -> Roots | NoRoots:
    """The roots by which a path leads to a source file."""
    source = fold(unify(source_file))
    if not source:
        return NoRoots.NO_COMMON_ROOT
    return _of_source_set(path, source, repo_files) or _of_package(path, source) or _of_common_end(path, source)


def _of_source_set(path: FramePath, source: str, repo_files: Sequence[str]) -> Roots | None:
    """Of a class in a build tool's source set: the package that all of the set's files are in."""
    source_set = source_set_of(source) if path.root is not None else None
    if source_set is None or source != source_set + path.raw:
        return None
    inside = [file.removeprefix(source_set) for file in repo_files if file.startswith(source_set)]
    if not inside:
        return None
    package = common_package([*inside, path.raw])
    return Roots(package, source_set + package)


def _of_package(path: FramePath, source: str) -> Roots | None:
    """Of a path that the source file ends with: both roots go on to its top folder, which tells it from others."""
    start = path.raw[:1] if path.raw[:1] in ("/", "\\") else ""
    body = path.raw[len(start) :]
    if not source.endswith(f"/{body}"):
        return None
    top = path.root if path.root is not None else _top_of(body)
    return Roots(start + top, source.removesuffix(body) + top)


def _of_common_end(path: FramePath, source: str) -> Roots | NoRoots:
    """Of paths that end alike: what stands before that in each of them."""
    common = _common_end(unify(path.raw), source)
    if not common:
        return NoRoots.NO_COMMON_ROOT
    return Roots(path.raw[: len(path.raw) - common], source[: len(source) - common])


def _common_end(path: str, source: str) -> int:
    """How many characters of whole segments two paths have in common at their ends."""
    common = -1
    for mine, theirs in zip(reversed(path.split("/")), reversed(source.split("/")), strict=False):
        if mine != theirs:
            break
        common += len(mine) + 1
    return max(common, 0)


def _top_of(path: str) -> str:
    folder, slash, _ = path.partition("/")
    return folder + slash if slash else ""
