"""Map a frame to repository paths: its path, munged for its platform, and every code mapping that fits.

The munging rules for classes serve Java, Kotlin and other languages that run in packages.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from scmhost.sdk.reasons import Reason

from .code_mapping import Rank, Rule, comparable, normalize_slashes
from .index import MappingIndex, RuleMatch

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
    # Obfuscators such as ProGuard print a made-up source file, such as ``SourceFile``.
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
    # From the first one: the package of an app is its folder, and the folders before it belong to the build machine.
    return "/".join(segments[segments.index(package) :]) if package in segments else None


def _munge_flutter(info: FrameInfo) -> str | None:
    """Return ``src/cart.dart`` for ``package:shop/src/cart.dart`` of package ``shop``; None for files of the SDK."""
    # Platform ``other`` is shared by many SDKs; only this one prints packages of Dart.
    if info.sdk_name != "sentry.dart.flutter" or not info.package or not info.abs_path:
        return None
    start = f"package:{info.package}/"
    return (info.abs_path.startswith(start) and info.abs_path.removeprefix(start).strip("/")) or None


MUNGERS: Final[Mapping[str, Callable[[FrameInfo], str | None]]] = MappingProxyType(
    {"java": _munge_java, "cocoa": _munge_cocoa, "other": _munge_flutter}
)


class MappingMatch(NamedTuple):
    """A matching rule and the repository path that it gives. ``munged`` is set if the platform has a rule."""

    rule: Rule
    source_path: str
    munged: str | None = None


@dataclass(frozen=True, slots=True)
class Unmapped:
    """The reason why no rule gives a path."""

    reason: Reason
    munged: str | None = None


class FileStatus(StrEnum):
    """The state of a file according to the known commits, the best first."""

    # That of ``Enum`` is slow, and each link is built with tables by the status of its file.
    __hash__ = str.__hash__

    LISTED = "listed"
    """A commit named it, and none deleted it since."""
    UNKNOWN = "unknown"
    """No commit named it: those that did were not sent, or the file does not exist."""
    DELETED = "deleted"
    """The newest commit that named it deleted it."""


class Mismatch(StrEnum):
    """The reason why a mapping gives no path. The nearest to a match comes first."""

    NOT_A_FILE = "not_a_file"
    PATH_OUTSIDE = "path_outside_repository"
    INSIDE_SEGMENT = "inside_segment"
    CASE_DIFFERS = "case_differs"
    ROOT_DIFFERS = "root_differs"


_NEAREST_FIRST: Final = tuple(Mismatch)

MISMATCH_STEP: Final[Mapping[Mismatch, str]] = MappingProxyType(
    {
        Mismatch.NOT_A_FILE: "Ignore this if the frame names no source file. Otherwise make the stack root shorter.",
        Mismatch.PATH_OUTSIDE: "Check the source root, and the `..` in the frame's path.",
        Mismatch.INSIDE_SEGMENT: "If the root is to end inside a folder's name, end it in `*`.",
        Mismatch.CASE_DIFFERS: "Write the stack root in the upper and lower case of the frame's path.",
        Mismatch.ROOT_DIFFERS: "If this mapping is meant for the frame, make its stack root the start of the path.",
    }
)

_EXPLANATION: Final[Mapping[Mismatch, str]] = MappingProxyType(
    {
        Mismatch.NOT_A_FILE: "the path ends where the stack root does, so that no file is left",
        Mismatch.PATH_OUTSIDE: "the stack root fits, but the path that it gives leads out of the repository",
        Mismatch.INSIDE_SEGMENT: "the path begins like the stack root, but goes on inside the same folder's name",
        Mismatch.CASE_DIFFERS: "the path begins with the stack root only if upper and lower case are ignored",
        Mismatch.ROOT_DIFFERS: "the path does not begin with the stack root",
    }
)
_STATUS_RANK: Final = {status: rank for rank, status in enumerate(FileStatus)}

# The constructor of a named tuple is a function of Python, which takes twice as long.
_new_tuple: Final = tuple.__new__


def map_frame(index: MappingIndex, info: FrameInfo) -> tuple[MappingMatch, ...] | Unmapped:
    """Return the repository paths that a frame may mean, the first rule's path first.

    Each rule is tried on the munged path, or else on the file name, and then on the absolute path.
    """
    munged, paths = paths_to_match(info)
    if not paths:
        return Unmapped(Reason.NOT_A_FILE, munged)
    # One path is the common case: the index returns its matches in order already.
    matches = index.matches(paths[0]) if len(paths) == 1 else _matches(index, paths)
    if len(matches) == 1:
        ((rule, source_path),) = matches
        # So is one match, which needs no search for several rules of a mapping.
        if source_path:
            return (_new_tuple(MappingMatch, (rule, source_path, munged)),)
    if not matches:
        return Unmapped(Reason.STACK_ROOT_MISMATCH if len(index) else Reason.NO_CODE_MAPPINGS, munged)
    mapped: dict[int, MappingMatch] = {}
    for rule, source_path in matches:
        # A mapping may have two rules and a frame two paths: the first match of each mapping counts.
        if source_path and rule.id not in mapped:
            mapped[rule.id] = MappingMatch(rule, source_path, munged)
    if mapped:
        return tuple(mapped.values())
    # A path that equals a stack root gives the repository's top, which is a folder.
    is_folder = any(path == "" for _, path in matches)
    return Unmapped(Reason.NOT_A_FILE if is_folder else Reason.PATH_OUTSIDE, munged)


def paths_to_match(info: FrameInfo) -> tuple[str | None, list[str]]:
    """Return the munged path, if the platform has a rule, and the paths that rules are tried on."""
    filename, _, abs_path, _, platform, _ = info
    munged = munge(info) if platform and platform in MUNGERS else None
    first = munged or filename
    # Written out, because this runs for every frame, and most frames have one path.
    paths = [first] if first and (first[0] not in "<[" or _names_a_file(first)) else []
    if abs_path and (abs_path[0] not in "<[" or _names_a_file(abs_path)):
        paths.append(abs_path)
    return munged, paths


def order_by_file_status(
    matches: Sequence[MappingMatch], status: Callable[[MappingMatch], FileStatus]
) -> tuple[MappingMatch, ...]:
    """Return the matches in the order in which they are tried: the file's status decides among equals.

    Mappings of people come before derived ones with any file status. The sort is stable: matches with the same status
    keep the order of their rules.
    """
    return tuple(sorted(matches, key=lambda match: (match.rule.generated, _STATUS_RANK[status(match)])))


def find_mismatch(rules: Sequence[Rule], paths: Sequence[str]) -> Mismatch | None:
    """Return why the rules of one mapping give no file for a frame's paths, or None if they do give one."""
    reasons = [_check_path(rule, path) for rule in rules for path in paths]
    if None in reasons:
        return None
    return min((reason for reason in reasons if reason), key=_NEAREST_FIRST.index, default=Mismatch.NOT_A_FILE)


def mismatch_message(stack_root: str, paths: Sequence[str], reason: Mismatch) -> str:
    """Return a sentence about a mapping that gives no path."""
    shown = " or ".join(repr(path) for path in paths) or "no path of a file"
    return f"Stack root {stack_root!r}, frame {shown}: {_EXPLANATION[reason]}."


def _matches(index: MappingIndex, paths: list[str]) -> Sequence[RuleMatch]:
    """Return the matches of all paths by the rules' order; for one rule, those of the earlier path first."""
    return sorted((match for path in paths for match in index.matches(path)), key=_rank)


def _rank(match: RuleMatch) -> Rank:
    return match[0].rank


def _names_a_file(path: str) -> bool:
    """Return False for ``<anonymous>`` and ``[native code]``, which some runtimes print in place of a path."""
    return path[0] not in "<[" or not path.endswith((">", "]")) or path[0] + path[-1] not in ("<>", "[]")


def _check_path(rule: Rule, path: str) -> Mismatch | None:
    text = comparable(path)
    if rule.matched_length(text) is not None:
        source_path = rule.source_path(path)
        if source_path is None:
            return Mismatch.PATH_OUTSIDE
        return None if source_path else Mismatch.NOT_A_FILE
    if _would_match(f"{normalize_slashes(rule.stack_root).rstrip('/')}*", text):
        return Mismatch.INSIDE_SEGMENT
    return Mismatch.CASE_DIFFERS if _would_match(rule.stack_root.lower(), text.lower()) else Mismatch.ROOT_DIFFERS


def _would_match(stack_root: str, comparable_path: str) -> bool:
    return Rule(0, stack_root, "").matched_length(comparable_path) is not None
